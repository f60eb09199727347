"""Cells that change row by row: what the wires leave of them is what the whole array, solved anew, leaves."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_wires_properties import SIEMENS, any_wires

from fxlstm.crossbar.wires import ChangingConductance, Wires, changing, effective_conductance
from fxlstm.errors import ArrayError

WIRES = Wires(row=0.3, column=0.3, driver=5, amplifier=2)


@st.composite
def changing_arrays(draw) -> tuple[Wires, list[np.ndarray]]:
    """Wires, and the cells after each of several pulses: most go to one row, some to several."""
    shape = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    cells = np.array(draw(st.lists(SIEMENS, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))).reshape(shape)
    states = [cells]
    for rows in draw(st.lists(st.sets(st.integers(0, shape[0] - 1), min_size=1, max_size=2), max_size=8)):
        cells = cells.copy()
        for row in rows:
            cells[row, draw(st.integers(0, shape[1] - 1))] = draw(SIEMENS)
        states.append(cells)
    return draw(any_wires()), states


@given(changing_arrays(), st.integers(1, 3))
def test_pulses_anywhere_leave_what_the_whole_array_solved_anew_leaves(case, spacing):
    wires, states = case
    with patch.object(changing, "SPACING", spacing):
        left = ChangingConductance(wires)
        for cells in states:
            np.testing.assert_allclose(left(cells), effective_conductance(cells, wires), rtol=1e-11, atol=1e-14 * cells.sum())


@pytest.mark.parametrize("drive", ["left", "right", "both"])
@pytest.mark.parametrize("sense", ["top", "bottom", "both"])
def test_a_campaign_down_the_rows_agrees_to_1e12(drive, sense):
    random = np.random.default_rng(1)
    wires = Wires(row=0.3, column=0.4, driver=5, amplifier=2, drive=drive, sense=sense)
    cells = random.uniform(1e-6, 4e-4, (40, 12))
    left = ChangingConductance(wires)
    left(cells)
    for row in range(40):
        for _ in range(2):
            cells[row] = random.uniform(1e-6, 4e-4, 12)
            np.testing.assert_allclose(left(cells), effective_conductance(cells, wires), rtol=1e-12)


def test_a_change_of_all_cells_amid_a_campaign_is_seen_from_the_next_row_too():
    random = np.random.default_rng(3)
    cells = random.uniform(1e-6, 4e-4, (40, 6))
    left = ChangingConductance(WIRES)
    for rows in (range(40), [7], [7], [8], range(40), [8], [9], [9]):
        cells[list(rows)] *= random.uniform(0.5, 1.5, (len(rows), 6))
        np.testing.assert_allclose(left(cells), effective_conductance(cells, WIRES), rtol=1e-12)


def test_pulses_here_and_there_solve_the_whole_array():
    random, solved = np.random.default_rng(2), []

    def counted(cells, wires):
        solved.append(wires)
        return effective_conductance(cells, wires)

    cells = random.uniform(1e-6, 4e-4, (60, 4))
    with patch.object(changing, "effective_conductance", counted):
        left = ChangingConductance(WIRES)
        left(cells)
        for row in (5, 50, 5, 50, 50, 51, 5):
            cells[row] *= 1.1
            left(cells)
    assert len(solved) == 1 + 4 + 1  # all but the second pulse to row 50 and the one beside it


def test_another_size_is_another_array():
    left = ChangingConductance(WIRES)
    for shape in ((5, 3), (3, 5)):
        cells = np.full(shape, 1e-4)
        np.testing.assert_array_equal(left(cells), effective_conductance(cells, WIRES))


def test_cells_that_no_array_has_are_refused_also_in_a_row_that_changed():
    left, cells = ChangingConductance(WIRES), np.full((5, 3), 1e-4)
    left(cells)
    cells[2, 1] = np.nan
    with pytest.raises(ArrayError, match="nan S at row 2, column 1"):
        left(cells)
