from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fxlstm.errors import ModelError
from fxlstm.program.calibration.placement import Block, place
from fxlstm.program.hardware import Hardware

HARDWARE = Hardware()
shapes = st.lists(st.tuples(st.integers(1, 150), st.integers(1, 90)), min_size=1, max_size=4)


def unnamed(matrices: Sequence[tuple[int, int]]) -> list[tuple[str, tuple[int, int]]]:
    return [(str(index), shape) for index, shape in enumerate(matrices)]


def cells(block: Block) -> set[tuple[int, int, int]]:
    rows = range(block.array_row, block.array_row + 2 * block.rows)
    columns = range(block.array_column, block.array_column + block.columns)
    return {(block.array, row, column) for row in rows for column in columns}


@settings(max_examples=30)
@given(shapes)
def test_tiles_cover_every_matrix_once_and_no_two_share_a_device(matrices: list[tuple[int, int]]) -> None:
    taken: set[tuple[int, int, int]] = set()
    for (rows, columns), blocks in zip(matrices, place(unnamed(matrices), HARDWARE), strict=True):
        assert sum(block.rows * block.columns for block in blocks) == rows * columns
        for block in blocks:
            devices = cells(block)
            assert all(row < HARDWARE.rows and column < HARDWARE.columns for _, row, column in devices)
            assert not devices & taken
            taken |= devices


def test_matrices_stand_side_by_side_then_below_then_on_the_next_array() -> None:
    corners = [
        (b.array, b.array_row, b.array_column) for (b,) in place(unnamed([(17, 40), (16, 24), (20, 60), (30, 60)]), HARDWARE)
    ]
    assert corners == [(0, 0, 0), (0, 0, 40), (0, 34, 0), (1, 0, 0)]


def test_a_network_beyond_all_arrays_is_refused() -> None:
    with pytest.raises(ModelError, match="256 arrays"):
        place(unnamed([(64 * 257, 64)]), HARDWARE)
