"""Every cell, topology and importer beside an independent oracle: all as they should be, and as docs/evidence.md says."""

import pytest

from fxlstm.network import CELLS
from fxlstm.network.cells.catalogue import WITH_MORE_INPUTS
from fxlstm.network.cells.functions import ACTIVATIONS
from oracle_table import GROUPS, PAGE, measured, stale
from oracles.equations import FUNCTIONS, NUMBERS
from oracles.measure import Measured


@pytest.fixture(scope="module")
def rows() -> dict[str, list[Measured]]:
    return measured()


@pytest.mark.parametrize("group", GROUPS)
def test_every_row_is_as_it_should_be(group: str, rows: dict[str, list[Measured]]) -> None:
    assert [row for row in rows[group] if not row.is_green] == []


@pytest.mark.parametrize("group", GROUPS)
def test_the_page_says_what_is_measured(group: str, rows: dict[str, list[Measured]]) -> None:
    assert stale(group, rows[group]) == [], f"run tools/oracle_table.py, which writes {PAGE.name}"


def test_the_tables_hold_every_cell_and_activation(rows: dict[str, list[Measured]]) -> None:
    shown = {row.name.split(",")[0] for row in rows["cells"]}
    assert {*CELLS, *WITH_MORE_INPUTS} <= shown
    assert set(FUNCTIONS) == set(ACTIVATIONS) >= set(NUMBERS)
