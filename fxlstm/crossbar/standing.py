"""Which tiles of programs stand in an array, and how their columns have been calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fxlstm.crossbar.calibration import ColumnCalibration
from fxlstm.crossbar.cells import Block
from fxlstm.errors import ArrayError
from fxlstm.program.formats import CODE_BITS
from fxlstm.program.mapping import tiles_of, tiles_overlap
from fxlstm.program.pairs import converted_columns, driven_rows
from fxlstm.program.program import Program, Tile


class Standing:
    """The tiles that an array holds. ``calibrations``: of those whose columns have been calibrated."""

    def __init__(self) -> None:
        self._forms: dict[Tile, tuple[str, int]] = {}  # pairing and ADC bits
        self.calibrations: dict[Tile, ColumnCalibration] = {}

    @property
    def tiles(self) -> list[Tile]:
        """All tiles that stand here."""
        return list(self._forms)

    def add(self, program: Program) -> None:
        """Know a program's tiles from now on, beside those of earlier programs that have kept their cells."""
        own, pairing = tiles_of(program), program.hardware.pairing
        kept = {
            tile: form for tile, form in self._forms.items() if not any(tiles_overlap(tile, form[0], new, pairing) for new in own)
        }
        self._forms = kept | dict.fromkeys(own, (pairing, program.hardware.adc_bits or CODE_BITS))
        self.calibrations = {tile: found for tile, found in self.calibrations.items() if tile in kept}

    def block(self, tile: Tile) -> Block:
        """Return the cells of a tile. Raises :class:`ArrayError` when it does not stand here."""
        pairing, adc_bits = self._form(tile)
        return Block(*driven_rows(tile, pairing), converted_columns(tile, pairing), tile.range, adc_bits)

    def pairing(self, tile: Tile) -> str:
        """Return how the devices of a tile's weights stand side by side. Raises :class:`ArrayError` when it does not stand here."""
        return self._form(tile)[0]

    def _form(self, tile: Tile) -> tuple[str, int]:
        if not self._forms:
            raise ArrayError("the array holds no program; call its program() first")
        if tile not in self._forms:
            raise ArrayError(
                f"the array's program has no such tile at row {tile.array_row}, column {tile.array_column}; program this one first"
            )
        return self._forms[tile]

    def saved(self) -> dict[str, Any]:
        """Return all of it in the terms of JSON."""
        return {
            "tiles": [[asdict(tile), *form] for tile, form in self._forms.items()],
            "calibrations": [{"tile": asdict(tile), **found.saved()} for tile, found in self.calibrations.items()],
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Take what :meth:`saved` gave."""
        self._forms = {Tile(**tile): (str(pairing), int(adc_bits)) for tile, pairing, adc_bits in saved["tiles"]}
        for found in saved.get("calibrations", ()):
            self.calibrations[Tile(**found.pop("tile"))] = ColumnCalibration.of(found)
