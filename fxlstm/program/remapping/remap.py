"""``remapped``: the same program where faulty cells harm it least."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.calibration.placement import Places as TakenPlaces
from fxlstm.program.calibration.placement import free_corners, take_program
from fxlstm.program.mapping import tiles_of
from fxlstm.program.pairs import device_shape, tile_region
from fxlstm.program.program import Program, Tile
from fxlstm.program.remapping.damage import Damage, FaultyPairs
from fxlstm.program.remapping.faults import AnyFaults, most_units, standing
from fxlstm.program.remapping.units import Places, Units, exchangeable_units, multiplies, reordered

Numbers = NDArray[np.float64]

PASSES = 20  # at most, over all tiles and over all pairs of units; searches end when one brings nothing
LEAST_GAIN = 1e-9  # part of the damage that a move has to take away to count


@dataclass(frozen=True, eq=False)
class Remapped:
    """An equivalent program and what it gained: on the ideal array it gives the same integers as the one it was made of.

    ``before``, ``at_corners``, ``after``: root mean square error of the weights, each times its worth, relative to their own root
    mean square, as the program stood, at the best corners, and with units exchanged too; with partners that make up for faulty
    cells where ``compensates``, and then :func:`compensated_targets` is what to program. ``free``: hidden units whose order is
    free, by layer. ``moved``: tiles that stand elsewhere. ``exchanged``: units that stand elsewhere.
    """

    program: Program
    before: float
    at_corners: float
    after: float
    compensates: bool
    free: dict[str, int]
    moved: int
    exchanged: int

    def __str__(self) -> str:
        partners = "partners make up for faulty cells" if self.compensates else "each cell has its own target"
        order = ", ".join(f"{count} of {layer}" for layer, count in self.free.items())
        return (
            f"error of the weights where {partners}: {self.before:.2%} as placed, "
            f"{self.at_corners:.2%} at the best corners ({self.moved} tiles moved), "
            f"{self.after:.2%} with units exchanged ({self.exchanged} moved)\n"
            f"units that can change places: {order or 'none, inputs and outputs fix them all'}"
        )


def remapped(
    program: Program,
    faults: AnyFaults | Sequence[AnyFaults],
    device: str = "ta-hfo2",
    *,
    worth: Sequence[Numbers] | None = None,
    compensate: bool = True,
    corners: bool = True,
    units: bool = True,
    taken: Sequence[Program] = (),
) -> Remapped:
    """Return ``program`` with its tiles at other corners and its hidden units in another order, so that ``faults`` harm it least.

    ``faults``: what :meth:`Faults.of` takes, of one array, or a list with those of each; tiles stay on the arrays that are listed.
    ``device``: the preset of the cells. ``worth``: what one level of each weight does to the output, (rows, columns) per matrix, of
    :func:`fxlstm.weight_sensitivity`; without it an error counts as much as it moves its column's result. ``compensate``: it will
    be programmed by :func:`compensated_targets`. ``corners``, ``units``: what may change. ``taken``: programs on the same arrays,
    which keep their cells. Names of states and of vectors mean the same as before: ``states=`` and ``Board.states()`` keep the
    user's order.
    Units are exchanged pair by pair as long as that lowers the damage, always in the same order: the same faults give the same
    program. Raises :class:`ArrayError` for faults that do not fit and for a program that stands on no array.
    """
    stands = standing(program, faults, device)
    damage = Damage(program, most_units(device, program.hardware), compensate, worth)
    placed = _at_best_corners(damage, program, stands, taken) if corners else program
    groups = exchangeable_units(program)
    search = _Exchanges(damage, placed, stands)
    at_corners = search.total
    if units:
        search.run(groups)
    free = Counter[str]()
    for group in groups:
        free[group.layer] += len(group.codes)
    tiles = zip(tiles_of(program), tiles_of(placed), strict=True)
    return Remapped(
        program=reordered(placed, search.source),
        before=damage.relative(damage.of_program(program, stands)),
        at_corners=damage.relative(at_corners),
        after=damage.relative(search.total),
        compensates=compensate,
        free=dict(free),
        moved=sum(old != new for old, new in tiles),
        exchanged=search.moved(groups),
    )


def _at_best_corners(damage: Damage, program: Program, stands: list[Numbers], taken: Sequence[Program]) -> Program:
    """Move tiles, the largest first, each to the free corner of least damage, until none can do better."""
    tiles = [(index, number) for index, matrix in enumerate(program.matrices) for number in range(len(matrix.tiles))]
    tiles.sort(key=lambda place: -_tile(program, place).rows * _tile(program, place).columns)
    for _ in range(PASSES):
        before = program
        for place in tiles:
            program = _with_tile(program, place, _best_corner(damage, program, place, stands, taken))
        if program is before:
            break
    return program


def _tile(program: Program, place: tuple[int, int]) -> Tile:
    return program.matrices[place[0]].tiles[place[1]]


def _with_tile(program: Program, place: tuple[int, int], tile: Tile) -> Program:
    if tile == _tile(program, place):
        return program
    matrices = list(program.matrices)
    tiles = list(matrices[place[0]].tiles)
    tiles[place[1]] = tile
    matrices[place[0]] = replace(matrices[place[0]], tiles=tuple(tiles))
    return replace(program, matrices=tuple(matrices))


def _best_corner(damage: Damage, program: Program, place: tuple[int, int], stands: list[Numbers], taken: Sequence[Program]) -> Tile:
    """Return a tile at the free corner of least damage; where it stands, unless another is better."""
    hardware, own = program.hardware, _tile(program, place)
    occupied = TakenPlaces(hardware)
    for other in (program, *taken):
        take_program(occupied, other)
    occupied.on(own.array)[tile_region(own, hardware.pairing)] = False
    as_it_is = damage.of_corners(place[0], own, stands[own.array])[own.array_row, own.array_column]
    best, least = own, as_it_is * (1 - LEAST_GAIN)  # it moves for a gain only
    for array, here in enumerate(stands):
        free = free_corners(occupied.on(array), *device_shape(own.rows, own.columns, hardware.pairing))
        found = np.where(free, damage.of_corners(place[0], own, here), np.inf)
        row, column = np.unravel_index(int(found.argmin()), found.shape)
        if found[row, column] < least:
            best, least = replace(own, array=array, array_row=int(row), array_column=int(column)), found[row, column]
    return best


class _Exchanges:
    """A search over the order of units. ``source[i]``: which code of the program's arena stands at i."""

    def __init__(self, damage: Damage, program: Program, stands: list[Numbers]) -> None:
        self._damage, self._program = damage, program
        self.source = np.arange(len(program.arena))
        self._pairs = [
            [FaultyPairs.of(tile, program.hardware.pairing, stands[tile.array]) for tile in matrix.tiles]
            for matrix in program.matrices
        ]
        self._users = [multiplies(program, index)[:1] for index in range(len(program.matrices))]
        self._each = [self._of_matrix(index) for index in range(len(program.matrices))]

    @property
    def total(self) -> float:
        """The damage in the order as it is."""
        return sum(self._each)

    def run(self, groups: list[Units]) -> None:
        """Exchange pairs of units as long as that lowers the damage."""
        for _ in range(PASSES):
            exchanges = [self._try(group, *pair) for group in groups for pair in combinations(range(len(group.codes)), 2)]
            if not any(exchanges):
                return

    def moved(self, groups: list[Units]) -> int:
        """How many units stand elsewhere."""
        return sum(int((self.source[group.codes[:, 0]] != group.codes[:, 0]).sum()) for group in groups)

    def _try(self, group: Units, one: int, other: int) -> bool:
        """Exchange two units if that lowers the damage."""
        self._exchange(group, one, other)
        each = [self._of_matrix(index) for index in range(len(self._each))]
        if sum(each) < self.total * (1 - LEAST_GAIN):
            self._each = each
            return True
        self._exchange(group, one, other)
        return False

    def _exchange(self, group: Units, one: int, other: int) -> None:
        places = group.codes[[one, other]]
        self.source[places] = self.source[places[::-1]]

    def _of_matrix(self, index: int) -> float:
        rows, columns = self._orders(index)
        return sum(self._damage.of_pairs(index, pairs, rows, columns) for pairs in self._pairs[index])

    def _orders(self, index: int) -> tuple[Places, Places]:
        rows, columns = self._program.matrices[index].weights.shape
        for user in self._users[index]:
            return self.source[user.a : user.a + rows] - user.a, self.source[user.result : user.result + columns] - user.result
        return np.arange(rows), np.arange(columns)
