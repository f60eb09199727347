"""``remapped``: the same program where faulty cells harm it least."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.calibration.placement import Places as TakenPlaces
from fxlstm.program.calibration.placement import free_corners, take_program
from fxlstm.program.mapping import tiles_of
from fxlstm.program.pairs import device_shape, tile_region
from fxlstm.program.program import Program, Tile
from fxlstm.program.remapping.damage import Damage
from fxlstm.program.remapping.exchanges import LEAST_GAIN, PASSES, Exchanges
from fxlstm.program.remapping.faults import AnyFaults, most_units, standing
from fxlstm.program.remapping.units import exchangeable_units, reordered

Numbers = NDArray[np.float64]


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
    search = Exchanges(damage, placed, stands)
    if units:
        search.run(groups)
    free = Counter[str]()
    for group in groups:
        free[group.layer] += len(group.codes)
    tiles = zip(tiles_of(program), tiles_of(placed), strict=True)
    return Remapped(
        program=reordered(placed, search.source),
        before=damage.relative(damage.of_program(program, stands)),
        at_corners=damage.relative(damage.of_program(placed, stands)),
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
