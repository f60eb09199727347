"""Where the tiles of all matrices stand on the arrays: shelf after shelf, left to right, array after array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fxlstm.errors import ModelError
from fxlstm.program.hardware import Hardware

MAX_ARRAYS = 256  # a tile's record names its array in one byte


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
class _Shelf:
    """A band of an array's rows, filled from the left."""

    row: int
    height: int
    used: int = 0


@dataclass
class _Array:
    shelves: list[_Shelf] = field(default_factory=list)

    def place(self, height: int, width: int, rows: int, columns: int) -> tuple[int, int] | None:
        """Return the corner of a free rectangle and take it, or ``None``. The lowest shelf may still grow."""
        for shelf in self.shelves:
            limit = rows - shelf.row if shelf is self.shelves[-1] else shelf.height
            if shelf.used + width <= columns and height <= limit:
                shelf.height = max(shelf.height, height)
                shelf.used += width
                return shelf.row, shelf.used - width
        top = self.shelves[-1].row + self.shelves[-1].height if self.shelves else 0
        if top + height > rows or width > columns:
            return None
        self.shelves.append(_Shelf(top, height, width))
        return top, 0


def place(shapes: Sequence[tuple[int, int]], hardware: Hardware) -> list[list[Block]]:
    """Return, for matrices of the given (rows, columns), their tiles with places: as few per matrix as fit, of even size."""
    arrays: list[_Array] = []
    return [[_put(block, arrays, hardware) for block in _split(*shape, hardware)] for shape in shapes]


def _split(rows: int, columns: int, hardware: Hardware) -> list[Block]:
    return [
        Block(row, row_count, column, column_count)
        for row, row_count in _parts(rows, hardware.rows // 2)
        for column, column_count in _parts(columns, hardware.columns)
    ]


def _parts(length: int, limit: int) -> list[tuple[int, int]]:
    """Cut ``length`` into the fewest pieces of at most ``limit``, as (start, length), all but the last equal."""
    size = -(-length // -(-length // limit))
    return [(start, min(size, length - start)) for start in range(0, length, size)]


def _put(block: Block, arrays: list[_Array], hardware: Hardware) -> Block:
    for index in range(MAX_ARRAYS):
        if index == len(arrays):
            arrays.append(_Array())
        corner = arrays[index].place(2 * block.rows, block.columns, hardware.rows, hardware.columns)
        if corner is not None:
            return Block(block.row, block.rows, block.column, block.columns, index, *corner)
    raise ModelError(
        f"the network needs more than {MAX_ARRAYS} arrays of {hardware.rows} x {hardware.columns}; "
        "use a smaller network or quantize with adc_bits=None"
    )
