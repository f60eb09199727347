"""What one pulse does to which cells, and which pulses are refused."""

from __future__ import annotations

import numpy as np
import pytest

from fxlstm.crossbar import SimulatedArray
from fxlstm.errors import ArrayError

OPEN = np.full(3, 1.0)  # gate volts


def quiet_array() -> SimulatedArray:
    return SimulatedArray(rows=4, cols=3, seed=0, read_noise=False, update_noise=False, stuck=False)


def only(row: int, volts: float) -> np.ndarray:
    rows = np.zeros(4)
    rows[row] = volts
    return rows


def test_set_raises_a_cell_to_what_its_gate_voltage_allows():
    array = quiet_array()
    array.pulse(only(2, 2.5), np.array([0.5, 1.0, 1.7]), 1e-5)
    np.testing.assert_allclose(array.conductance[2], [100e-6, 245.85e-6, 450.04e-6])


def test_set_never_lowers_a_cell_and_reset_takes_it_to_the_floor():
    array = quiet_array()
    array.pulse(only(0, 2.5), OPEN * 1.5, 1e-5)
    high = array.conductance[0]
    array.pulse(only(0, 2.5), OPEN, 1e-5)
    np.testing.assert_array_equal(array.conductance[0], high)
    array.pulse(only(0, -1.7), OPEN * 5, 1e-5)
    np.testing.assert_allclose(array.conductance[0], 10e-6)


def test_other_rows_and_closed_gates_are_untouched():
    array = quiet_array()
    before = array.conductance
    array.pulse(only(1, 2.5), np.array([0.0, 1.5, 0.3]), 1e-5)
    changed = array.conductance != before
    assert np.argwhere(changed).tolist() == [[1, 1]]
    assert np.argwhere(array.pulse_counts).tolist() == [[1, 1]]


@pytest.mark.parametrize("volts, seconds", [(0.99, 1e-5), (-0.99, 1e-5), (0.2, 1.0), (2.5, 1e-9)])
def test_weak_and_short_pulses_move_nothing_and_are_counted(volts, seconds):
    array = quiet_array()
    before = array.conductance
    array.pulse(only(1, volts), OPEN, seconds)
    np.testing.assert_array_equal(array.conductance, before)
    assert array.pulse_counts[1].tolist() == [1, 1, 1]


@pytest.mark.parametrize("device", ["ideal", "ta-hfo2"])
def test_a_cell_made_to_stick_stays_where_it_stands(device):
    array = SimulatedArray(rows=4, cols=3, device=device, seed=0)
    before = array.conductance[1, 1]
    array.stuck[1, 1] = True
    array.pulse(only(1, 2.5), OPEN * 1.5, 1e-5)
    assert array.conductance[1, 1] == before
    assert (np.delete(array.conductance[1], 1) > 300e-6 * (device == "ta-hfo2")).all()


@pytest.mark.parametrize(
    "row_volts, gate_volts, seconds, words",
    [
        (only(0, np.nan), OPEN, 1e-5, "row voltage of nan V"),
        (only(0, -4.1), OPEN, 1e-5, "row voltage of 4.1 V.* 4 V at most"),
        (only(0, 2.5), OPEN * np.nan, 1e-5, "gate voltage of nan V"),
        (only(0, 2.5), OPEN * 5.5, 1e-5, "gate voltage of 5.5 V"),
        (only(0, 2.5), -OPEN, 1e-5, "allows 0 to 5 V"),
        (only(0, 2.5), OPEN, np.nan, "a pulse of nan s"),
        (np.zeros(3), OPEN, 1e-5, "give 4 and 3"),
    ],
)
def test_an_impossible_pulse_is_refused_and_changes_nothing(row_volts, gate_volts, seconds, words):
    array = quiet_array()
    before = array.conductance
    with pytest.raises(ArrayError, match=words):
        array.pulse(row_volts, gate_volts, seconds)
    np.testing.assert_array_equal(array.conductance, before)
    assert not array.pulse_counts.any()
