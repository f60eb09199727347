"""Programs small enough to know their outputs by heart."""

from __future__ import annotations

import numpy as np

from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Matrix, Operation, Program, Slice, Tile

DIGITAL = Hardware(adc_bits=None)


def doubler(returns_last: bool = False, scale: float = 1.0) -> Program:
    """y = [2 x0, 2 x1, x0] by two element-wise operations on two features."""
    double = Operation("copy", 2, result=2, a=0, shift_ab=1)
    same = Operation("copy", 1, result=4, a=0)
    x, y = Slice("x", 0, 2, 15, scale), Slice("y", 2, 3, 15, scale)
    return Program.of_one_sweep(DIGITAL, np.zeros(6, np.int16), (double, same), (), x, y, returns_last=returns_last)


def accumulator() -> Program:
    """y[t] = x[0] + .. + x[t]: one feature, one state."""
    add = Operation("sum", 1, result=1, a=0, b=1)
    return Program.of_one_sweep(DIGITAL, np.zeros(2, np.int16), (add,), (), Slice("x", 0, 1, 15), Slice("y", 1, 1, 15))


def two_tiles(adc_bits: int | None = 16) -> Program:
    """y = 2 x0 + 3 x1 as two tiles of one row each, without any rounding."""
    tiles = tuple(Tile(row, 1, 0, 1, gain=1, gain_shift=0, array_row=2 * row) for row in range(2))
    scale = {name: np.array([value], dtype=np.int64) for name, value in (("mantissa", 1), ("shift", 0), ("bias", 0))}
    weights = np.array([[2], [3]], dtype=np.int16)
    matrix = Matrix("m", weights, tiles=() if adc_bits is None else tiles, **scale)
    multiply = Operation("multiply", 1, result=2, a=0)
    hardware = Hardware(adc_bits=adc_bits)
    x, y = Slice("x", 0, 2, 15), Slice("y", 2, 1, 15)
    return Program.of_one_sweep(hardware, np.zeros(4, np.int16), (multiply,), (matrix,), x, y)
