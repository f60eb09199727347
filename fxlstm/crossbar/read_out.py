"""How an array is read: rows driven by codes, currents of columns converted, codes corrected and those beyond the scale counted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar._cells import CellBlock, Readings
from fxlstm.crossbar.calibration import ColumnCalibration
from fxlstm.crossbar.cells import Cells
from fxlstm.crossbar.converters import Converters
from fxlstm.crossbar.prepared import Prepared
from fxlstm.crossbar.standing import Standing
from fxlstm.program.formats import CODE_BITS
from fxlstm.program.pairs import row_codes, tile_codes
from fxlstm.program.program import Codes, Tile


class ReadOut:
    """The read-out of ``cells``, of which ``standing`` knows the tiles. ``converters``: ``None`` for ideal ones."""

    def __init__(self, cells: Cells, standing: Standing, readings: Readings, converters: Converters | None) -> None:
        self._rows, self._columns = cells.stuck.shape
        self._standing, self._readings, self._converters = standing, readings, converters
        self._prepared = Prepared(cells, standing)

    def multiply_tile(self, tile: Tile, codes: Codes) -> Codes:
        """Return a tile's codes (batch, tile.columns) for its row codes, corrected where its columns have been calibrated."""
        converted = self.convert_tile(tile, codes)
        calibration = self._standing.calibrations.get(tile)
        if calibration is not None:
            converted = self._counted(*calibration.apply(converted))
        return self._counted(*tile_codes(converted, self._standing.pairing(tile)))

    def convert_tile(self, tile: Tile, codes: Codes) -> Codes:
        """Return ADC codes of a tile's columns, (batch, converted columns), as they are measured."""
        if self._converters is not None:
            block = self._standing.block(tile)
            rows = row_codes(tile, self._standing.pairing(tile), codes, self._rows)
            return self._counted(*self._converters.multiply(rows, block.columns, block.range, block.bits))
        return self._counted(*self._prepared.tile(tile).multiply(codes))

    def convert(self, vectors: Codes, range_index: int, serial: bool) -> Codes:
        """Return ADC codes of all columns, (batch, columns), for codes of all rows; ``serial``: bit by bit if so set up."""
        if self._converters is not None:
            drive = self._converters.multiply if serial else self._converters.convert
            return self._counted(*drive(vectors, slice(0, self._columns), range_index, CODE_BITS))
        if not vectors.any():
            return np.zeros((len(vectors), self._columns), np.int16)
        return self._counted(*self._prepared.whole(range_index).multiply(vectors))

    def in_c(self, tile: Tile) -> CellBlock | None:
        """Return a tile as it is now to be read in C, or ``None`` where only Python can."""
        return self._prepared.in_c(tile) if self._converters is None else None

    def correct(self, found: Mapping[Tile, ColumnCalibration]) -> None:
        """Correct the codes of tiles from now on."""
        self._standing.calibrations.update(found)
        self._prepared.forget()

    def shift_columns(self, offsets: Mapping[int, NDArray[np.float64]]) -> None:
        """Add ``offsets``, by range, in ADC codes, (columns,), to what the tiles give, in place of any calibration."""
        block = self._standing.block
        self.correct({tile: ColumnCalibration.shift(offsets[tile.range][block(tile).columns]) for tile in self._standing.tiles})

    def cells_changed(self) -> None:
        """Forget what was prepared of the cells."""
        self._prepared.forget()
        if self._converters is not None:
            self._converters.cells_changed()

    def rest(self) -> None:
        """The rows were last driven by a pulse, not by a code."""
        if self._converters is not None:
            self._converters.rest()

    def _counted(self, codes: Codes, clipped: int) -> Codes:
        if clipped:
            self._readings.count(clipped)
        return codes
