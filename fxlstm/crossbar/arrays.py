"""Several simulated arrays that serve one network together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar._cells import NativeTiles
from fxlstm.crossbar.arguments import chosen_seed
from fxlstm.crossbar.calibration import CalibrationReport
from fxlstm.crossbar.prepared import native_tiles
from fxlstm.crossbar.simulated import SimulatedArray
from fxlstm.errors import ArrayError
from fxlstm.program.calibration.placement import MAX_ARRAYS
from fxlstm.program.mapping import check_placement, part_on, tiles_of
from fxlstm.program.program import Codes, Program, Tile
from fxlstm.program.programming_report import ProgrammingReport, Progress
from fxlstm.program.scheme_parameters import Scheme


class SimulatedArrays:
    """As many arrays as a program was placed on, to give to an :class:`Engine` where one array does not hold its tiles.

    ``count``: how many, 1 to 256, or the program that they are for. ``seed``: of the first; those of the others follow from it,
    so that each has its own cells and noise, and neighbouring seeds share none. All other arguments are those of
    :class:`SimulatedArray`. ``arrays[i]`` is one of them. Results are those of single arrays, stacked: the array is the first axis.
    """

    def __init__(self, count: int | Program, *, seed: int | None = None, **arguments: Any) -> None:
        wanted = 1 + max((tile.array for tile in tiles_of(count)), default=0) if isinstance(count, Program) else count
        if not 1 <= wanted <= MAX_ARRAYS:
            raise ArrayError(f"{wanted} arrays: choose 1 to {MAX_ARRAYS}")
        first = chosen_seed(seed)
        others = np.random.SeedSequence(first).generate_state(wanted - 1).tolist()
        self._arrays = [SimulatedArray(seed=own, **arguments) for own in (first, *others)]
        self._own: dict[Tile, Tile] = {}  # a program's tile -> the same as its array knows it

    def __len__(self) -> int:
        return len(self._arrays)

    def __getitem__(self, index: int) -> SimulatedArray:
        return self._arrays[index]

    @property
    def adc_clipped(self) -> int:
        """Codes that the ADCs of all arrays saturated."""
        return sum(array.adc_clipped for array in self._arrays)

    def read_conductance(self, exact: bool = False) -> NDArray[np.float64]:
        """Return conductances in siemens, (arrays, rows, columns), as :meth:`SimulatedArray.read_conductance`."""
        return np.stack([array.read_conductance(exact) for array in self._arrays])

    def program(
        self,
        target: Program | NDArray[np.uint16],
        tolerance: float | None = None,
        scheme: Scheme | str | None = None,
        progress: Progress | None = None,
        *,
        targets: NDArray[np.uint16] | None = None,
    ) -> dict[int, ProgrammingReport]:
        """Write a program's tiles, or target maps (arrays, rows, columns), and return the report of each array that got any.

        Arguments as of :meth:`SimulatedArray.program`; ``targets`` are maps (arrays, rows, columns), ``progress`` counts the cells
        of one array after another.
        Raises :class:`ArrayError` when the program does not fit; no cell has changed then.
        """
        parts = self._parts(target)
        if targets is not None and len(targets) != len(self):
            raise ArrayError(f"targets of shape {np.shape(targets)}: give one map (rows, columns) for each of {len(self)} arrays")
        own = dict.fromkeys(parts) if targets is None else dict(enumerate(targets))
        return {
            index: self._arrays[index].program(part, tolerance, scheme, progress, targets=own[index])
            for index, part in parts.items()
        }

    def _parts(self, target: Program | NDArray[np.uint16]) -> dict[int, Program | NDArray[np.uint16]]:
        """What each array is to be given."""
        if isinstance(target, Program):
            first = self._arrays[0]
            check_placement(target, first.rows, first.columns, len(self))
            return {index: part_on(target, index) for index in sorted({tile.array for tile in tiles_of(target)})}
        if np.ndim(target) != 3 or len(target) != len(self):
            raise ArrayError(f"target maps of shape {np.shape(target)}: give one (rows, columns) for each of {len(self)} arrays")
        return dict(enumerate(target))

    def elapse(self, seconds: float) -> None:
        """Let time pass on all arrays, as :meth:`SimulatedArray.elapse`."""
        for array in self._arrays:
            array.elapse(seconds)

    def calibrate_columns(self, program: Program, vectors: int = 100) -> dict[int, CalibrationReport]:
        """Calibrate the columns of every array that holds a tile of ``program``, as :meth:`SimulatedArray.calibrate_columns`."""
        parts = {index: part_on(program, index) for index in sorted({tile.array for tile in tiles_of(program)})}
        return {index: self._arrays[index].calibrate_columns(part, vectors) for index, part in parts.items()}

    def multiply_tile(self, tile: Tile, codes: Codes) -> Codes:
        """Return ADC codes (batch, tile.columns) for row codes (batch, tile.rows), from the array on which the tile stands."""
        array, own = self._standing(tile)
        return array.multiply_tile(own, codes)

    def native(self, tiles: Sequence[Tile]) -> NativeTiles | None:
        """Return ``tiles`` for an executor to multiply by without Python, or ``None``, as :meth:`SimulatedArray.native`."""
        return native_tiles(array.cell_block(own) for array, own in map(self._standing, tiles))

    def _standing(self, tile: Tile) -> tuple[SimulatedArray, Tile]:
        """The array on which a tile stands, and the tile as that array knows it."""
        if tile.array >= len(self):
            raise ArrayError(f"a tile on array {tile.array} and there are {len(self)}; make as many as the program needs")
        own = self._own.get(tile)
        if own is None:
            own = self._own[tile] = replace(tile, array=0)
        return self._arrays[tile.array], own
