"""How far faulty cells take a program's weights from what they should be, wherever its tiles stand and in any order of units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from fxlstm.errors import ArrayError
from fxlstm.program.pairs import device_shape, pair_regions
from fxlstm.program.program import Matrix, Program, Tile
from fxlstm.program.remapping.compensation import best_pair, plain_pair
from fxlstm.program.remapping.units import Places, multiplies

Numbers = NDArray[np.float64]


class FaultyPairs(NamedTuple):
    """Pairs of a matrix with a faulty cell: row and column of the weight in it, and where either cell stands (NaN: obeys)."""

    row: Places
    column: Places
    positive: Numbers
    negative: Numbers

    @classmethod
    def of(cls, matrix: Matrix, pairing: str, stands: Sequence[Numbers]) -> FaultyPairs:
        """The pairs of all tiles of a matrix where these stand on their arrays."""
        parts = [cls._of_tile(tile, pairing, stands[tile.array]) for tile in matrix.tiles]
        return cls(
            np.concatenate([part.row for part in parts]),
            np.concatenate([part.column for part in parts]),
            np.concatenate([part.positive for part in parts]),
            np.concatenate([part.negative for part in parts]),
        )

    @classmethod
    def _of_tile(cls, tile: Tile, pairing: str, stands: Numbers) -> FaultyPairs:
        positive, negative = (stands[region] for region in pair_regions(tile, pairing))
        row, column = np.nonzero(~np.isnan(positive) | ~np.isnan(negative))
        return cls(row + tile.row, column + tile.column, positive[row, column], negative[row, column])

    def part(self, which: NDArray[np.bool_]) -> FaultyPairs:
        """Some of the pairs."""
        return FaultyPairs(self.row[which], self.column[which], self.positive[which], self.negative[which])


class Damage:
    """Squared errors of weights, each times its worth.

    ``worth``: what one level of each weight does to the output, (rows, columns) for each matrix; ``None``: what it does to its
    column's result, as what drives the rows is not known to a program. ``compensate``: partners make up for faulty cells;
    ``most``: units they reach. Raises :class:`ArrayError` for a worth of other shapes than the weights, or below 0.
    """

    def __init__(self, program: Program, most: int, compensate: bool, worth: Sequence[Numbers] | None = None) -> None:
        self.hardware, self._most, self._compensate = program.hardware, most, compensate
        self._weights = [matrix.weights.astype(np.float64) for matrix in program.matrices]
        self._worth = _checked(program, worth) if worth is not None else [_worth_of(program, m) for m in range(len(self._weights))]
        pairs = zip(self._weights, self._worth, strict=True)
        self._whole = sum(float(((weights * worth) ** 2).sum()) for weights, worth in pairs)

    def of_pairs(self, matrix: int, pairs: FaultyPairs, row: Places, column: Places) -> float:
        """The damage of faulty pairs of a matrix on which its weights ``row``, ``column`` stand."""
        errors = self._errors(self._weights[matrix][row, column], pairs.positive, pairs.negative)
        return float(((errors * self._worth[matrix][row, column]) ** 2).sum())

    def of_corners(self, matrix: int, tile: Tile, stands: Numbers) -> Numbers:
        """The damage of a tile at each corner of an array where it fits, (corner rows, corner columns), in the program's order."""
        pairing = self.hardware.pairing
        place = slice(tile.row, tile.row + tile.rows), slice(tile.column, tile.column + tile.columns)
        weights, worth = self._weights[matrix][place], self._worth[matrix][place]
        positive, negative = pair_regions(replace(tile, array_row=0, array_column=0), pairing)
        windows = sliding_window_view(stands, device_shape(tile.rows, tile.columns, pairing))
        along = ((row[:, *positive], row[:, *negative]) for row in windows)  # all corners of a row at once
        return np.stack([((self._errors(weights, *cells) * worth) ** 2).sum(axis=(1, 2)) for cells in along])

    def of_program(self, program: Program, stands: Sequence[Numbers]) -> float:
        """The damage of all tiles where a program has them, in its order."""
        every = ((index, FaultyPairs.of(matrix, self.hardware.pairing, stands)) for index, matrix in enumerate(program.matrices))
        return sum(self.of_pairs(index, pairs, pairs.row, pairs.column) for index, pairs in every)

    def _errors(self, weights: Numbers, positive: Numbers, negative: Numbers) -> Numbers:
        """How far pairs are from level differences; ``positive``, ``negative``: where faulty cells stand, in units."""
        wanted = weights * self.hardware.level_units
        cells = wanted, positive, negative
        first, second = best_pair(*cells, self._most) if self._compensate else plain_pair(*cells)
        return (first - second) / self.hardware.level_units - weights

    def relative(self, damage: float) -> float:
        """A damage as the root mean square error of all weights, relative to their root mean square."""
        return float(np.sqrt(damage / self._whole)) if self._whole else 0.0


def _checked(program: Program, worth: Sequence[Numbers]) -> list[Numbers]:
    shapes = [matrix.weights.shape for matrix in program.matrices]
    if [np.shape(each) for each in worth] != shapes or not all((np.asarray(each) >= 0).all() for each in worth):
        raise ArrayError(f"the worth of weights: give arrays of shapes {shapes}, no number of them negative or NaN")
    return [np.asarray(each, np.float64) for each in worth]


def _worth_of(program: Program, index: int) -> Numbers:
    """What a level of each weight of a matrix does to its result, up to one factor for all of a program; 0 where it is not used."""
    matrix = program.matrices[index]
    value = np.ones(len(program.arena))  # of one code
    for part in program.slices:
        value[part.start : part.start + part.length] = part.scale * 2.0**-part.fraction
    finest = min(tile.gain_shift for tile in matrix.tiles)
    worth = np.zeros(matrix.weights.shape)
    for user in multiplies(program, index)[:1]:
        in_codes = matrix.mantissa * 2.0 ** -(matrix.shift + finest).astype(np.float64)
        worth[:] = in_codes * value[user.result : user.result + user.length]
    return worth
