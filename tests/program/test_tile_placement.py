from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fxlstm.errors import ModelError
from fxlstm.program.calibration.placement import Block, place
from fxlstm.program.hardware import Hardware
from fxlstm.program.layout import PAIRINGS

HARDWARE = Hardware()
shapes = st.lists(st.tuples(st.integers(1, 150), st.integers(1, 90)), min_size=1, max_size=4)


def unnamed(matrices: Sequence[tuple[int, int]]) -> list[tuple[str, tuple[int, int]]]:
    return [(str(index), shape) for index, shape in enumerate(matrices)]


def cells(block: Block, pairing: str) -> set[tuple[int, int, int]]:
    each_rows, each_columns = (1, 2) if pairing == "columns" else (2, 1)
    rows = range(block.array_row, block.array_row + each_rows * block.rows)
    columns = range(block.array_column, block.array_column + each_columns * block.columns)
    return {(block.array, row, column) for row in rows for column in columns}


@settings(max_examples=30)
@given(shapes, st.sampled_from(PAIRINGS))
def test_tiles_cover_every_matrix_once_and_no_two_share_a_device(matrices: list[tuple[int, int]], pairing: str) -> None:
    taken: set[tuple[int, int, int]] = set()
    for (rows, columns), blocks in zip(matrices, place(unnamed(matrices), Hardware(pairing=pairing)), strict=True):
        assert sum(block.rows * block.columns for block in blocks) == rows * columns
        for block in blocks:
            devices = cells(block, pairing)
            assert len(devices) == 2 * block.rows * block.columns
            assert all(row < HARDWARE.rows and column < HARDWARE.columns for _, row, column in devices)
            assert not devices & taken
            taken |= devices


def test_matrices_stand_side_by_side_then_below_then_on_the_next_array() -> None:
    corners = [
        (b.array, b.array_row, b.array_column) for (b,) in place(unnamed([(17, 40), (16, 24), (20, 60), (30, 60)]), HARDWARE)
    ]
    assert corners == [(0, 0, 0), (0, 0, 40), (0, 34, 0), (1, 0, 0)]


def test_pairs_of_columns_let_a_tile_have_as_many_rows_as_the_array_and_half_as_many_columns() -> None:
    columns = Hardware(pairing="columns")
    (whole,) = place(unnamed([(128, 32)]), columns)
    assert len(whole) == 1
    assert [len(blocks) for blocks in place(unnamed([(129, 32), (128, 33)]), columns)] == [2, 2]


def test_a_network_beyond_all_arrays_is_refused() -> None:
    with pytest.raises(ModelError, match="256 arrays"):
        place(unnamed([(64 * 257, 64)]), HARDWARE)
