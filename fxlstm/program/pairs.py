"""How the two devices of each weight stand side by side, and what follows for places, rows, columns and codes.

``"adjacent"`` and ``"halves"`` are pairs of rows driven at +V and -V, so that a column's current is the difference already.
``"columns"`` are two neighbouring columns of one row, each with its own ADC channel; their codes are subtracted digitally.
Nothing else needs to know which it is.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.formats import CODE_MAX, CODE_MIN, saturate

Codes = NDArray[np.int16]
Region = tuple[slice, slice]  # of a map (rows, columns)
Number = TypeVar("Number", np.int16, np.int64, np.float64)

COLUMN_PAIRS = "columns"


class Placed(Protocol):
    """A rectangle of weights, ``rows`` x ``columns``, whose devices stand at a corner: a tile."""

    @property
    def rows(self) -> int:
        """Rows of weights."""

    @property
    def columns(self) -> int:
        """Columns of weights."""

    @property
    def array_row(self) -> int:
        """First physical row."""

    @property
    def array_column(self) -> int:
        """First physical column."""


def device_shape(rows: int, columns: int, pairing: str) -> tuple[int, int]:
    """Rows and columns of devices that so many weights take."""
    return (rows, 2 * columns) if pairing == COLUMN_PAIRS else (2 * rows, columns)


def weight_shape(rows: int, columns: int, pairing: str) -> tuple[int, int]:
    """Rows and columns of weights that so many devices hold at most."""
    return (rows, columns // 2) if pairing == COLUMN_PAIRS else (rows // 2, columns)


def tile_region(tile: Placed, pairing: str) -> Region:
    """All devices of a tile."""
    rows, columns = device_shape(tile.rows, tile.columns, pairing)
    return slice(tile.array_row, tile.array_row + rows), slice(tile.array_column, tile.array_column + columns)


def pair_regions(tile: Placed, pairing: str) -> tuple[Region, Region]:
    """Devices of a tile that hold max(w, 0) and those that hold max(-w, 0), both in the order of its weights."""
    rows, columns = tile_region(tile, pairing)
    match pairing:
        case "adjacent":
            return (slice(rows.start, rows.stop, 2), columns), (slice(rows.start + 1, rows.stop, 2), columns)
        case "halves":
            middle = rows.start + tile.rows
            return (slice(rows.start, middle), columns), (slice(middle, rows.stop), columns)
    return (rows, slice(columns.start, columns.stop, 2)), (rows, slice(columns.start + 1, columns.stop, 2))


def driven_rows(tile: Placed, pairing: str) -> tuple[slice, slice | None]:
    """Physical rows of a tile that its codes drive at +V, and those at -V; ``None`` where there are none."""
    (positive, _), (negative, _) = pair_regions(tile, pairing)
    return positive, None if pairing == COLUMN_PAIRS else negative


def converted_columns(tile: Placed, pairing: str) -> slice:
    """Physical columns that the ADCs convert for a tile."""
    return tile_region(tile, pairing)[1]


def row_codes(tile: Placed, pairing: str, codes: Codes, rows: int) -> Codes:
    """What drives all ``rows`` of an array for a tile's codes (batch, tile.rows): (batch, rows), 0 beside the tile."""
    positive, negative = driven_rows(tile, pairing)
    driven = np.zeros((len(codes), rows), np.int16)
    driven[:, positive] = codes
    if negative is not None:
        driven[:, negative] = -codes
    return driven


def column_weights(weights: NDArray[Number], pairing: str) -> NDArray[Number]:
    """What stands in each column that an ADC converts, (rows, converted columns), for weights (rows, columns)."""
    if pairing != COLUMN_PAIRS:
        return weights
    signs = np.stack((np.maximum(weights, 0), np.maximum(-weights, 0)), axis=-1)
    return np.asarray(signs.reshape(len(weights), -1), weights.dtype)


def differences(columns: NDArray[Any], pairing: str) -> NDArray[Any]:
    """What a tile's columns stand for together, (..., columns), from (..., converted columns); neither rounded nor limited."""
    return columns[..., 0::2] - columns[..., 1::2] if pairing == COLUMN_PAIRS else columns


def tile_codes(codes: Codes, pairing: str) -> tuple[Codes, int]:
    """A tile's codes (..., columns) from its ADCs' (..., converted columns), and how many of them saturated on the way."""
    if pairing != COLUMN_PAIRS:
        return codes, 0
    exact = differences(codes.astype(np.int32), pairing)
    held = np.clip(exact, CODE_MIN, CODE_MAX)
    return held.astype(np.int16), int(np.count_nonzero(held != exact))


def pair_code(positive: int, negative: int) -> tuple[int, bool]:
    """:func:`tile_codes` of one pair of columns: the code, and whether it saturated."""
    code = saturate(positive - negative)
    return code, code != positive - negative
