"""What holds for every crossbar of resistors: matrix and nodal solution agree, energy is conserved, voltages superpose."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fxlstm.crossbar.wires import Wires, blocks, collapse, effective_conductance, solve

OHMS = st.sampled_from([0.0]) | st.floats(1e-2, 1e3)
SIEMENS = st.sampled_from([0.0]) | st.floats(1e-6, 1e-2)


@st.composite
def any_wires(draw) -> Wires:
    ohms = {name: draw(OHMS) for name in ("row", "column", "driver", "amplifier")}
    return Wires(
        **ohms, drive=draw(st.sampled_from(["left", "right", "both"])), sense=draw(st.sampled_from(["top", "bottom", "both"]))
    )


@st.composite
def driven_arrays(draw) -> tuple[np.ndarray, Wires, np.ndarray, np.ndarray]:
    """Conductances, wires and two vectors of row voltages."""
    rows, columns = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    volts = arrays(np.float64, (2, rows), elements=st.floats(-1, 1).map(lambda volt: round(volt, 6)))
    cells = draw(arrays(np.float64, (rows, columns), elements=SIEMENS))
    return cells, draw(any_wires()), *draw(volts)


def scale(cells: np.ndarray, volts: np.ndarray) -> float:
    """A current that none is larger than, to measure errors by."""
    return float(np.abs(volts).max() * cells.sum()) or 1.0


@given(driven_arrays())
def test_matrix_and_nodal_solution_give_the_same_currents(case):
    cells, wires, volts, _ = case
    solution = solve(cells, wires, volts)
    np.testing.assert_allclose(
        volts @ effective_conductance(cells, wires), solution.currents, rtol=0, atol=1e-11 * scale(cells, volts)
    )


@given(driven_arrays())
def test_what_drivers_give_is_what_cells_and_wires_turn_into_heat(case):
    cells, wires, volts, _ = case
    solution = solve(cells, wires, volts)
    heat = (solution.device_currents * solution.device_volts).sum() + solution.wire_power
    given_power = volts @ solution.driver_currents
    np.testing.assert_allclose(given_power, heat, rtol=1e-9, atol=1e-11 * scale(cells, volts) * np.abs(volts).max())
    assert heat >= 0


@given(driven_arrays(), st.floats(-3, 3))
def test_voltages_of_two_drives_superpose(case, factor):
    cells, wires, first, second = case
    one, two, both = (solve(cells, wires, volts) for volts in (first, second, first + factor * second))
    np.testing.assert_allclose(both.device_volts, one.device_volts + factor * two.device_volts, rtol=0, atol=1e-9)
    total = one.currents + factor * two.currents
    np.testing.assert_allclose(both.currents, total, rtol=0, atol=1e-10 * (scale(cells, first) + 3 * scale(cells, second)))


@given(driven_arrays())
def test_what_is_left_of_the_conductances_is_positive_and_no_more_than_the_cells_have(case):
    cells, wires, _, _ = case
    effective = effective_conductance(cells, wires)
    assert effective.min() >= -1e-12 * cells.max()
    assert effective.sum() <= cells.sum() * (1 + 1e-12)


@given(driven_arrays(), st.integers(1, 4))
def test_blocks_joined_are_the_array_taken_in_row_by_row(case, leaf):
    cells, wires, _, _ = case
    with patch.object(collapse, "BLOCKS_FROM", 0), patch.object(blocks, "LEAF", leaf):
        joined = effective_conductance(cells, wires)
    np.testing.assert_allclose(joined, effective_conductance(cells, wires), rtol=1e-9, atol=1e-14 * cells.sum())


@given(driven_arrays())
def test_rows_and_columns_may_change_places(case):
    cells, wires, _, _ = case
    sides = {"left": "top", "right": "bottom", "both": "both", "top": "left", "bottom": "right"}
    turned = Wires(wires.column, wires.row, 0.0, wires.amplifier, wires.driver, sides[wires.sense], sides[wires.drive])
    np.testing.assert_allclose(
        effective_conductance(cells.T, turned).T, effective_conductance(cells, wires), rtol=1e-9, atol=1e-14 * cells.sum()
    )
