"""Arrays that count what a board would do in their place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fxlstm.analysis.timing.work import CountedFrontEnd
from fxlstm.crossbar.integer import IntegerArray
from fxlstm.crossbar.simulated import SimulatedArray
from fxlstm.program.pairs import row_codes, tile_region
from fxlstm.program.program import Codes, Program, Tile
from fxlstm.program.scheme import gate_codes


class WatchedProduct:
    """Multiplies exactly by the tiles of a program; ``front_end`` counts."""

    def __init__(self, program: Program, front_end: CountedFrontEnd) -> None:
        self._integers = IntegerArray(program)
        self._hardware = program.hardware
        self._front_end = front_end

    def multiply_tile(self, tile: Tile, codes: Codes) -> Codes:
        """As :meth:`IntegerArray.multiply_tile`."""
        _, columns = tile_region(tile, self._hardware.pairing)
        for driven in row_codes(tile, self._hardware.pairing, codes, self._hardware.rows):
            self._front_end.convert(tile.range, driven, columns=columns)
        return self._integers.multiply_tile(tile, codes)


class WatchedCells(SimulatedArray):
    """Simulated cells to be programmed; ``counted`` is told of the readings and pulses."""

    counted: CountedFrontEnd
    _looked = -1  # the row before whose pulses the board has looked for stuck outputs

    def convert(self, row_codes: NDArray[np.integer], range_index: int, serial: bool = False) -> Codes:
        """A reading: the same codes as often as it averages."""
        self.counted.convert(range_index, row_codes[0], len(row_codes))
        return super().convert(row_codes, range_index, serial)

    def pulse(self, row_volts: NDArray[np.float64], gate_volts: NDArray[np.float64], seconds: float) -> None:
        """A pulse on one row; before its first one the board looks at all columns with all rows at 0 V."""
        row = int(np.flatnonzero(row_volts)[0])
        if row != self._looked:
            self._looked = row
            self.counted.convert(0, np.zeros(self.rows, np.int16))
        self.counted.pulse(row, gate_codes(gate_volts, self.hardware), round(seconds * 1e6))
        super().pulse(row_volts, gate_volts, seconds)
