"""What each weight of a program is worth: how far its output moves when a weight does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.core.engine import Engine
from fxlstm.crossbar.integer import IntegerArray
from fxlstm.errors import ProgramError
from fxlstm.program.image.rules import worst_sums
from fxlstm.program.program import Codes, Matrix, Program, Tile

Values = NDArray[np.float64]

LARGEST = 2**63 - 1
STEP = 128  # codes that a column's result is moved by: far above rounding, far below what saturates


def weight_sensitivity(program: Program, x: ArrayLike) -> tuple[Values, ...]:
    """Return how far the output moves when a weight moves by one level; (rows, columns) for each matrix.

    ``x``: typical inputs, (time, features) or (batch, time, features). Root mean square over all outputs, to first order: how
    strongly a row is driven times how far the output moves with the column's result. One run per column.
    Raises :class:`ProgramError` for a program of several phases, :class:`ArrayError` for one without an ADC stage.
    """
    if len(program.phases) > 1:
        raise ProgramError("the sensitivity of a program of several phases is not known; take one of its networks alone")
    recorder = _Recorder(program)
    base = Engine(program, array=recorder).run(x)
    found = []
    for index, matrix in enumerate(program.matrices):
        moved = [_moved(program, index, column, x, base) for column in range(matrix.weights.shape[1])]
        found.append(recorder.rows_of(matrix)[:, np.newaxis] * _result_per_sum(matrix) * np.array(moved))
    return tuple(found)


def _result_per_sum(matrix: Matrix) -> Values:
    """Codes of each column's result per unit of a row code times a level."""
    tile = min(matrix.tiles, key=lambda tile: tile.gain_shift)
    return np.asarray(tile.gain * 2.0**-tile.gain_shift * matrix.mantissa * 2.0 ** -matrix.shift.astype(np.float64))


def _moved(program: Program, index: int, column: int, x: ArrayLike, base: Values) -> float:
    """How far the output moves per code by which a column's result is moved."""
    matrix = program.matrices[index]
    mantissa, shift, bias = (int(part[column]) for part in (matrix.mantissa, matrix.shift, matrix.bias))
    worst = int(worst_sums(program.hardware.adc_bits, matrix)[column])
    step = min(STEP << shift, LARGEST - worst * mantissa - abs(bias) - (1 << shift))  # what an image may hold
    biases = matrix.bias.copy()
    biases[column] += step
    matrices = [*program.matrices[:index], replace(matrix, bias=biases), *program.matrices[index + 1 :]]
    change = Engine(replace(program, matrices=tuple(matrices))).run(x) - base
    return float(np.sqrt((change**2).mean())) / step * 2.0**shift


class _Recorder:
    """The exact array, which keeps the power of what drives its rows."""

    def __init__(self, program: Program) -> None:
        self._exact = IntegerArray(program)
        self._power: dict[Tile, Values] = {}
        self._count: dict[Tile, int] = {}

    def multiply_tile(self, tile: Tile, codes: Codes) -> Codes:
        """Multiply as the exact array does."""
        self._power[tile] = self._power.get(tile, 0.0) + (codes.astype(np.float64) ** 2).sum(axis=0)
        self._count[tile] = self._count.get(tile, 0) + len(codes)
        return self._exact.multiply_tile(tile, codes)

    def rows_of(self, matrix: Matrix) -> Values:
        """Root mean square code of each row, (rows,); 0 where the matrix was not used."""
        rows = np.zeros(len(matrix.weights))
        for tile in matrix.tiles:
            if tile in self._power:
                rows[tile.row : tile.row + tile.rows] = np.sqrt(self._power[tile] / self._count[tile])
        return rows
