"""A search over the order of hidden units: pairs change places as long as that lowers the damage."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.program import Program
from fxlstm.program.remapping.damage import Damage, FaultyPairs
from fxlstm.program.remapping.units import Places, Units, multiplies

PASSES = 20  # at most, over all pairs of units; a search ends when one brings nothing
LEAST_GAIN = 1e-9  # part of the damage that a move has to take away to count


class Exchanges:
    """The order as it is: ``source[i]`` says which code of the program's arena stands at i; :attr:`total` is its damage."""

    def __init__(self, damage: Damage, program: Program, stands: Sequence[NDArray[np.float64]]) -> None:
        self._damage = damage
        self.source = np.arange(len(program.arena))
        self._pairs = [FaultyPairs.of(matrix, program.hardware.pairing, stands) for matrix in program.matrices]
        users = [(index, multiplies(program, index)) for index in range(len(program.matrices))]
        self._starts = {index: (own[0].a, own[0].result) for index, own in users if own}  # of rows and columns in the arena

    @property
    def total(self) -> float:
        """The damage of all faulty pairs."""
        return sum(self._of(index, self._pairs[index]) for index in self._starts)

    def run(self, groups: Sequence[Units]) -> None:
        """Exchange pairs of units, always in the same order, until no exchange lowers the damage."""
        least = LEAST_GAIN * self.total
        for _ in range(PASSES):
            exchanges = [self._try(group.codes[list(pair)], least) for group in groups for pair in _pairs_of(group)]
            if not any(exchanges):
                return

    def moved(self, groups: Sequence[Units]) -> int:
        """How many units stand elsewhere."""
        return sum(int((self.source[group.codes[:, 0]] != group.codes[:, 0]).sum()) for group in groups)

    def _try(self, units: Places, least: float) -> bool:
        """Exchange two units, (2, codes), if that lowers the damage by more than ``least``."""
        touched = self._touched(units)
        before = sum(self._of(index, pairs) for index, pairs in touched)
        self.source[units] = self.source[units[::-1]]
        if before - sum(self._of(index, pairs) for index, pairs in touched) > least:
            return True
        self.source[units] = self.source[units[::-1]]
        return False

    def _touched(self, units: Places) -> list[tuple[int, FaultyPairs]]:
        """The faulty pairs of each matrix on which weights of the units stand."""
        marked = np.zeros(len(self.source), np.bool_)
        marked[units] = True
        touched = []
        for index, (rows, columns) in self._starts.items():
            pairs = self._pairs[index]
            touched.append((index, pairs.part(marked[rows + pairs.row] | marked[columns + pairs.column])))
        return touched

    def _of(self, index: int, pairs: FaultyPairs) -> float:
        """The damage of faulty pairs of a matrix in the order as it is."""
        rows, columns = self._starts[index]
        row, column = self.source[rows + pairs.row] - rows, self.source[columns + pairs.column] - columns
        return self._damage.of_pairs(index, pairs, row, column)


def _pairs_of(group: Units) -> combinations[tuple[int, int]]:
    return combinations(range(len(group.codes)), 2)
