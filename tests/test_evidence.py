"""Every cell, topology and importer beside an independent oracle: all as they should be, and as docs/evidence.md says."""

import pytest

from fxlstm.network import CELLS
from fxlstm.network.cells.catalogue import WITH_MORE_INPUTS
from fxlstm.network.cells.functions import ACTIVATIONS
from oracle_table import GROUPS, PAGE, measured, page_lines, stale
from oracles.equations import FUNCTIONS, NUMBERS


@pytest.mark.parametrize("group", GROUPS)
def test_every_row_is_as_it_should_be_and_as_the_page_says(group: str) -> None:
    rows = measured(group)
    assert [row for row in rows if not row.is_green] == []
    assert stale(group, rows) == [], f"run tools/oracle_table.py, which writes {PAGE.name}"


def test_the_tables_hold_every_cell_and_activation() -> None:
    shown = {name.split(",")[0] for name, *_ in page_lines("cells")}
    assert {*CELLS, *WITH_MORE_INPUTS} <= shown
    assert set(FUNCTIONS) == set(ACTIVATIONS) >= set(NUMBERS)
