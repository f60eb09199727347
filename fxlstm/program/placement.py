"""Where a program stands on its arrays, to read and to draw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fxlstm.errors import ArrayError
from fxlstm.program.hardware import Hardware
from fxlstm.program.pairs import device_shape

if TYPE_CHECKING:
    from fxlstm.program.program import Tile


@dataclass(frozen=True)
class PlacedTile:
    """One tile: the first logical ``row`` and ``column`` of ``matrix`` in it, and its devices' corner on ``array`` and size."""

    matrix: str
    row: int
    column: int
    array: int
    array_row: int
    array_column: int
    device_rows: int
    device_columns: int

    @classmethod
    def of(cls, matrix: str, tile: Tile, pairing: str) -> PlacedTile:
        """The tile of a matrix as it stands."""
        place = tile.array, tile.array_row, tile.array_column
        return cls(matrix, tile.row, tile.column, *place, *device_shape(tile.rows, tile.columns, pairing))

    @property
    def pairs(self) -> int:
        """Weights that the tile holds, each a pair of devices."""
        return self.device_rows * self.device_columns // 2


@dataclass(frozen=True)
class Placement:
    """Tiles on arrays of ``rows`` x ``columns`` devices; ``pairing`` says how the devices of a pair stand."""

    rows: int
    columns: int
    pairing: str
    tiles: tuple[PlacedTile, ...]

    @classmethod
    def of(cls, hardware: Hardware, tiles: Iterable[tuple[str, Tile]]) -> Placement:
        """The placement of tiles, each with its matrix's name. Raises :class:`ArrayError` when there is none."""
        placed = tuple(PlacedTile.of(matrix, tile, hardware.pairing) for matrix, tile in tiles)
        if not placed:
            raise ArrayError("a digital program stands on no array; quantize it with adc_bits")
        return cls(hardware.rows, hardware.columns, hardware.pairing, placed)

    @property
    def arrays(self) -> tuple[int, ...]:
        """Numbers of the arrays that hold a tile."""
        return tuple(sorted({tile.array for tile in self.tiles}))

    @property
    def utilisation(self) -> dict[int, float]:
        """Part of each array's devices that hold weights, 0 to 1, by the array's number."""
        devices = {array: sum(2 * tile.pairs for tile in self.on(array)) for array in self.arrays}
        return {array: count / (self.rows * self.columns) for array, count in devices.items()}

    def on(self, array: int) -> Sequence[PlacedTile]:
        """The tiles on one array."""
        return [tile for tile in self.tiles if tile.array == array]

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        tiles = [asdict(tile) | {"pairs": tile.pairs} for tile in self.tiles]
        utilisation = {str(array): part for array, part in self.utilisation.items()}
        return {"rows": self.rows, "columns": self.columns, "pairing": self.pairing, "utilisation": utilisation, "tiles": tiles}

    def __str__(self) -> str:
        width = max(len(tile.matrix) for tile in self.tiles)
        lines = []
        for array, used in self.utilisation.items():
            lines.append(
                f"array {array}: {100 * used:.1f} % of {self.rows} x {self.columns} devices hold weights, pairs {self.pairing}"
            )
            lines += [f"  {tile.matrix:{width}}  {_words(tile)}" for tile in self.on(array)]
        return "\n".join(lines)


def _words(tile: PlacedTile) -> str:
    devices, corner = f"{tile.device_rows} x {tile.device_columns}", f"row {tile.array_row}, column {tile.array_column}"
    return f"{devices:>9} devices at {corner}, {tile.pairs} pairs"
