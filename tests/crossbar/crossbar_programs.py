"""Small programs made by hand, so that these tests need no quantizer."""

from __future__ import annotations

import numpy as np

from fxlstm.program.hardware import Hardware
from fxlstm.program.pairs import device_shape
from fxlstm.program.program import Matrix, Operation, Program, Slice, Tile


def make_program(weights: list[np.ndarray], hardware: Hardware, *, ranges: int = 0, max_tile_rows: int = 64) -> Program:
    """A program of matrices side by side on one array, each cut into tiles of at most ``max_tile_rows`` rows."""
    matrices, column = [], 0
    gain, gain_shift = hardware.gain(ranges)
    for index, weight in enumerate(weights):
        rows, columns = weight.shape
        tiles, array_row = [], 0
        for row in range(0, rows, max_tile_rows):
            height = min(max_tile_rows, rows - row)
            place = {"range": ranges, "array_row": array_row, "array_column": column}
            tiles.append(Tile(row, height, 0, columns, gain, gain_shift, **place))
            device_rows, device_columns = device_shape(height, columns, hardware.pairing)
            array_row += device_rows
        zeros = np.zeros(columns, np.int64)
        matrices.append(Matrix(f"m{index}", weight.astype(np.int16), zeros, zeros, zeros, tuple(tiles)))
        column += device_columns
    rows, columns = weights[0].shape
    arena = np.zeros(rows + columns + 2, np.int16)
    operation = Operation("multiply", columns, rows, 0)
    x, y = Slice("x", 0, rows, 15), Slice("y", rows, columns, 12)
    return Program.of_one_sweep(hardware, arena, (operation,), tuple(matrices), x, y)


def airline_program() -> Program:
    """The published geometry: LSTM 34 x 60 and dense 32 x 1 devices on one array, random weights at 256 levels."""
    random = np.random.default_rng(0)
    return make_program([random.integers(-255, 256, (17, 60)), random.integers(-255, 256, (16, 1))], Hardware(levels=256))
