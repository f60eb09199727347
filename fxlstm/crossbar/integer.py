"""The integer array: a program's own weights and gains, multiplied exactly. What every other array is measured against."""

from __future__ import annotations

import numpy as np

from fxlstm.errors import ArrayError
from fxlstm.program.formats import adc_codes
from fxlstm.program.identity import Identity
from fxlstm.program.mapping import tile_weights
from fxlstm.program.pairs import column_weights, tile_codes
from fxlstm.program.program import Codes, Program, Tile


class IntegerArray:
    """Multiply by the tiles of ``program`` in exact integers; nothing is placed, programmed or measured.

    ``adc_clipped``: codes that the ADC saturated since the array was made.
    """

    def __init__(self, program: Program) -> None:
        if program.hardware.adc_bits is None:
            raise ArrayError("a program without an ADC stage cannot run on an array; quantize it with adc_bits")
        self.adc_clipped = 0
        self._bits = program.hardware.adc_bits
        self._pairing = program.hardware.pairing
        self._weights = {
            tile: column_weights(tile_weights(matrix, tile).astype(np.int64), self._pairing)
            for matrix in program.matrices
            for tile in matrix.tiles
        }
        if len(self._weights) < sum(len(matrix.tiles) for matrix in program.matrices):
            raise ArrayError("two matrices of the program share one place on the array; quantize it again")
        self.identity = Identity("integer", program.hardware.rows, program.hardware.columns, "exact", "")

    def multiply_tile(self, tile: Tile, codes: Codes) -> Codes:
        """Return ``sat(round(codes @ weights * gain >> gain_shift))``, (batch, columns); of column pairs the differences.

        ``codes``: (batch, rows) after the DAC stage. Raises :class:`ArrayError` when the tile is not one of this array's program.
        """
        weights = self._weights.get(tile)
        if weights is None:
            raise ArrayError(
                f"no tile of the program stands at row {tile.row}, column {tile.column}; use the array of this program"
            )
        converted, clipped = adc_codes((codes.astype(np.int64) @ weights) * tile.gain, tile.gain_shift, self._bits)
        result, saturated = tile_codes(converted, self._pairing)
        self.adc_clipped += clipped + saturated
        return result
