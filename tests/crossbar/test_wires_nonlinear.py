"""Cells of any I(V) behind wires, half-selected cells, and arrays whose rows are gates."""

from __future__ import annotations

import numpy as np
import pytest

from fxlstm.crossbar.wires import Wires, solve, solve_gated, solve_nonlinear
from fxlstm.errors import ArrayError, ConvergenceError

CELLS = np.random.default_rng(1).uniform(50e-6, 900e-6, (12, 9))
VOLTS = np.random.default_rng(2).uniform(-1, 1, 12)
WIRES = Wires(row=2, column=3, driver=20, amplifier=10)


@pytest.mark.parametrize("wires", [Wires(), Wires(row=2), Wires(amplifier=5), WIRES, Wires(1, 2, 0, 3, 4, "both", "both")])
def test_linear_cells_come_out_as_the_linear_solution(wires):
    found = solve_nonlinear(lambda volts: CELLS * volts, lambda volts: CELLS, CELLS.shape, wires, VOLTS)
    expected = solve(CELLS, wires, VOLTS)
    np.testing.assert_allclose(found.driven_volts, expected.driven_volts, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.currents, expected.currents, rtol=1e-8, atol=1e-14)


def test_one_cell_of_sinh_settles_where_the_load_line_says():
    (found,) = solve_nonlinear(np.sinh, np.cosh, (1, 1), Wires(row=1, column=1, driver=1), 2.0).currents
    volts = 2.0 - 3 * found  # what the wires leave for the cell
    assert found == pytest.approx(np.sinh(volts), rel=1e-10)


@pytest.mark.parametrize("steepness", [0.5, 5, 50])
def test_energy_is_conserved_for_steep_cells(steepness):
    found = solve_nonlinear(
        lambda volts: CELLS * np.sinh(steepness * volts) / steepness,
        lambda volts: CELLS * np.cosh(steepness * volts),
        CELLS.shape,
        WIRES,
        VOLTS,
    )
    heat = (found.device_currents * found.device_volts).sum() + found.wire_power
    assert heat == pytest.approx(VOLTS @ found.driver_currents, rel=1e-8)


def test_small_voltages_see_the_slope_at_zero():
    volts = VOLTS * 1e-4
    found = solve_nonlinear(lambda v: CELLS * (v + v**3), lambda v: CELLS * (1 + 3 * v**2), CELLS.shape, WIRES, volts)
    np.testing.assert_allclose(found.currents, solve(CELLS, WIRES, volts).currents, rtol=1e-6, atol=1e-15)


def test_a_slope_that_is_none_ends_with_what_is_left_unbalanced():
    with pytest.raises(ConvergenceError, match=r"did not settle in 100 iterations: .* A are unbalanced.*slope of I\(V\)"):
        solve_nonlinear(lambda v: np.sign(v) * 1e-3, lambda v: CELLS * 1e-3, CELLS.shape, WIRES, VOLTS)


def test_a_current_that_is_not_finite_is_named():
    with pytest.raises(ConvergenceError, match=r"I\(V\) of a cell is not finite"):
        solve_nonlinear(lambda v: np.full_like(v, np.nan), lambda v: CELLS, CELLS.shape, WIRES, VOLTS)


def test_half_selected_cells_see_half_the_voltage_and_the_selected_one_all_of_it():
    rows, columns = np.full(12, 0.5), np.full(9, 0.5)
    rows[3], columns[5] = 1.0, 0.0
    seen = solve(CELLS, Wires(), rows, columns).device_volts
    assert seen[3, 5] == 1.0
    np.testing.assert_array_equal(np.delete(seen[3], 5), 0.5)
    np.testing.assert_array_equal(np.delete(seen[:, 5], 3), 0.5)
    np.testing.assert_array_equal(np.delete(np.delete(seen, 3, 0), 5, 1), 0)
    assert solve(CELLS, WIRES, rows, columns).device_volts[3, 5] < 1.0


def test_wires_take_voltage_from_a_selected_cell_that_no_other_is_needed_for():
    cells = np.zeros((4, 4))
    cells[0, 2] = 1e-3
    solution = solve(cells, Wires(row=10, column=20, driver=100, amplifier=50), [1, 0, 0, 0])
    ohms = 100 + 3 * 10 + 4 * 20 + 50
    assert solution.currents[2] == pytest.approx(1 / (1000 + ohms), rel=1e-12)
    assert solution.device_volts[0, 2] == pytest.approx(1000 / (1000 + ohms), rel=1e-12)


def test_gated_cells_add_up_where_wires_are_ideal():
    gates = np.arange(12) % 3 == 0
    np.testing.assert_allclose(solve_gated(CELLS, Wires(), gates, 0.2).currents, 0.2 * gates @ CELLS, rtol=1e-12)


def test_two_open_cells_between_bit_and_source_line_as_worked_by_hand():
    # All resistances are 1 ohm, i and k the currents of the two cells. Through the upper one, the bit line's first segment and both
    # of the source line: 1 = (i + k) + i + i + (i + k); through the lower one 1 = (i + k) + k + k + (i + k); so both are 1/6.
    wires = Wires(column=1, source=1)
    solution = solve_gated(np.ones((2, 1)), wires, [1, 1], 1.0)
    np.testing.assert_allclose(solution.device_currents, [[1 / 6], [1 / 6]], rtol=1e-12)
    np.testing.assert_allclose(solution.currents, [1 / 3], rtol=1e-12)


@pytest.mark.parametrize("sense", ["top", "bottom", "both"])
def test_opening_more_cells_gives_less_than_the_sum_of_each(sense):
    wires = Wires(column=2, source=3, driver=10, amplifier=5, sense=sense)
    one_by_one = sum(solve_gated(CELLS, wires, row).currents for row in np.eye(12))
    together = solve_gated(CELLS, wires, np.ones(12)).currents
    assert (together < one_by_one).all() and (together > 0).all()


def test_gates_that_are_neither_open_nor_closed_and_rows_with_resistance_are_refused():
    with pytest.raises(ArrayError, match="true or false for each of the 12 rows"):
        solve_gated(CELLS, Wires(), np.full(12, 0.5))
    with pytest.raises(ArrayError, match="rows of 3 ohm"):
        solve_gated(CELLS, Wires(row=3), np.ones(12))
