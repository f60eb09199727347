"""Where the tiles of all matrices stand on the arrays: at given corners, or first fit, row by row, array after array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ModelError
from fxlstm.program.hardware import Hardware
from fxlstm.program.pairs import device_shape, tile_region, weight_shape

if TYPE_CHECKING:
    from fxlstm.program.program import Program, Tile

MAX_ARRAYS = 256  # a tile's record names its array in one byte

Corner = tuple[int, ...]  # (row, column) on the first array, or (array, row, column)
Corners = Mapping[str, Corner | Sequence[Corner]]  # by the matrix's name; a matrix of several tiles has as many


@dataclass(frozen=True)
class Block:
    """A rectangle of a matrix that fits one array, logical rows by columns, and where its devices stand."""

    row: int
    rows: int
    column: int
    columns: int
    array: int = 0
    array_row: int = 0
    array_column: int = 0


@dataclass
class Places:
    """Which devices of which array are taken."""

    hardware: Hardware
    taken: list[NDArray[np.bool_]] = field(default_factory=list)

    def take(self, block: Block | Tile, who: str, pairing: str) -> None:
        """Take a block's devices where it stands. Raises :class:`ModelError`, naming ``who``, when they are none or another's."""
        region = down, across = tile_region(block, pairing)
        rows, columns = device_shape(block.rows, block.columns, pairing)
        place = f"array {block.array}, row {block.array_row}, column {block.array_column}"
        inside = min(down.start, across.start) >= 0 and down.stop <= self.hardware.rows and across.stop <= self.hardware.columns
        if not (inside and 0 <= block.array < MAX_ARRAYS):
            raise ModelError(
                f"{who} has {rows} x {columns} devices, which do not fit at {place}: "
                f"an array has {self.hardware.rows} x {self.hardware.columns}; choose another corner"
            )
        devices = self.on(block.array)[region]
        if devices.any():
            raise ModelError(f"{who}, {rows} x {columns} devices at {place}, overlaps what stands there; choose another corner")
        devices[...] = True

    def put(self, block: Block) -> Block:
        """Take the first free rectangle for a block. Raises :class:`ModelError` when all arrays are full."""
        for index in range(MAX_ARRAYS):
            corner = _first_free(self.on(index), *device_shape(block.rows, block.columns, self.hardware.pairing))
            if corner is not None:
                placed = replace(block, array=index, array_row=corner[0], array_column=corner[1])
                self.take(placed, "a tile", self.hardware.pairing)
                return placed
        raise ModelError(
            f"the network needs more than {MAX_ARRAYS} arrays of {self.hardware.rows} x {self.hardware.columns}; "
            "use a smaller network or quantize with adc_bits=None"
        )

    def on(self, index: int) -> NDArray[np.bool_]:
        """Which devices of an array are taken, (rows, columns)."""
        while len(self.taken) <= index:
            self.taken.append(np.zeros((self.hardware.rows, self.hardware.columns), np.bool_))
        return self.taken[index]


def free_corners(taken: NDArray[np.bool_], rows: int, columns: int) -> NDArray[np.bool_]:
    """Return at which corners a rectangle of so many devices is free, (corner rows, corner columns)."""
    sums = np.pad(taken.astype(np.int64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    free: NDArray[np.bool_] = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns] == 0
    return free


def _first_free(taken: NDArray[np.bool_], rows: int, columns: int) -> tuple[int, int] | None:
    """Return the uppermost, then leftmost corner where a rectangle is free."""
    free = free_corners(taken, rows, columns)
    if not free.any():
        return None
    row, column = np.unravel_index(int(free.argmax()), free.shape)
    return int(row), int(column)


def place(
    shapes: Sequence[tuple[str, tuple[int, int]]],
    hardware: Hardware,
    corners: Corners | None = None,
    taken: Sequence[Program] = (),
) -> list[list[Block]]:
    """Return, for matrices given as (name, (rows, columns)), their tiles with places: as few per matrix as fit, of even size.

    ``corners``: where named matrices stand; the others come to the first place left free. ``taken``: programs that stand on the
    arrays already. Raises :class:`ModelError` for a name that is none, a corner outside the array, and tiles that overlap.
    """
    given, names = dict(corners or {}), [name for name, _ in shapes]
    if unknown := [name for name in given if name not in names]:
        raise ModelError(f"a corner for {unknown[0]!r}: the network's matrices are {', '.join(names)}")
    places = Places(hardware)
    for program in taken:
        take_program(places, program)
    matrices = [_split(*shape, hardware) for _, shape in shapes]
    for index, name in enumerate(names):
        if name in given:
            where = _corners_of(name, given[name], len(matrices[index]))
            matrices[index] = [_at(block, corner) for block, corner in zip(matrices[index], where, strict=True)]
            for block in matrices[index]:
                places.take(block, f"matrix {name!r}", hardware.pairing)
    pairs = zip(names, matrices, strict=True)
    return [blocks if name in given else [places.put(block) for block in blocks] for name, blocks in pairs]


def take_program(places: Places, program: Program) -> None:
    """Take the devices of a program that stands on the arrays."""
    size, own = (program.hardware.rows, program.hardware.columns), (places.hardware.rows, places.hardware.columns)
    if size != own:
        raise ModelError(f"a program beside one for arrays of {size[0]} x {size[1]}, but the hardware has {own[0]} x {own[1]}")
    for matrix in program.matrices:
        for tile in matrix.tiles:
            places.take(tile, f"matrix {matrix.name!r} of a program in taken", program.hardware.pairing)


def _corners_of(name: str, where: Corner | Sequence[Corner], tiles: int) -> list[tuple[int, int, int]]:
    """Return (array, row, column) of each tile of a matrix."""
    several = list(where) if isinstance(where, Sequence) and where and isinstance(where[0], Sequence) else [where]
    if len(several) != tiles:
        raise ModelError(f"matrix {name!r} has {tiles} tiles and {len(several)} corners are given; give one for each tile")
    corners = []
    for corner in several:
        if not isinstance(corner, Sequence) or len(corner) not in (2, 3) or not all(isinstance(part, Integral) for part in corner):
            raise ModelError(f"corner {corner!r} of matrix {name!r}: give (row, column) or (array, row, column), whole numbers")
        array, row, column = (0, *corner)[-3:]
        corners.append((int(array), int(row), int(column)))
    return corners


def _at(block: Block, corner: tuple[int, int, int]) -> Block:
    array, row, column = corner
    return replace(block, array=array, array_row=row, array_column=column)


def _split(rows: int, columns: int, hardware: Hardware) -> list[Block]:
    most_rows, most_columns = weight_shape(hardware.rows, hardware.columns, hardware.pairing)
    return [
        Block(row, row_count, column, column_count)
        for row, row_count in _parts(rows, most_rows)
        for column, column_count in _parts(columns, most_columns)
    ]


def _parts(length: int, limit: int) -> list[tuple[int, int]]:
    """Cut ``length`` into the fewest pieces of at most ``limit``, as (start, length), all but the last equal."""
    size = -(-length // -(-length // limit))
    return [(start, min(size, length - start)) for start in range(0, length, size)]
