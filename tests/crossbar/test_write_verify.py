"""Write-verify, step by step, on cells whose behaviour the test prescribes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fxlstm.crossbar import SimulatedArray
from fxlstm.crossbar.programming import write
from fxlstm.errors import ArrayError
from fxlstm.program.hardware import Hardware
from fxlstm.program.mapping import LEAVE
from fxlstm.program.scheme import CELL_STATES, scheme_for

SCHEME = scheme_for("ta-hfo2", Hardware())


class Recorder(SimulatedArray):
    """A quiet array that keeps a list of its pulses as (row, millivolts, columns)."""

    def __init__(self) -> None:
        super().__init__(rows=3, cols=2, seed=0, read_noise=False, update_noise=False, stuck=False)
        self.pulses: list[tuple[int, int, list[int]]] = []

    def pulse(self, row_volts, gate_volts, seconds):
        super().pulse(row_volts, gate_volts, seconds)
        row = int(np.flatnonzero(row_volts)[0])
        self.pulses.append((row, round(row_volts[row] * 1000), np.flatnonzero(gate_volts).tolist()))


def test_low_cells_get_a_set_only_and_high_cells_a_reset_before_it():
    array = Recorder()
    targets = np.array([[20000, 30000], [LEAVE, LEAVE], [LEAVE, LEAVE]], np.uint16)
    write(array, targets, SCHEME)
    assert array.pulses == [(0, 2500, [0, 1])]
    array.pulses.clear()
    write(array, np.array([[10000, 40000], [LEAVE, 500], [LEAVE, LEAVE]], np.uint16), SCHEME)
    assert array.pulses == [(0, -1700, [0]), (0, 2500, [0, 1]), (1, 2500, [1])]


def test_cells_in_tolerance_at_the_first_reading_are_skipped():
    array = Recorder()
    targets = np.full((3, 2), 20000, np.uint16)
    write(array, targets, SCHEME)
    array.pulses.clear()
    report = write(array, targets, SCHEME)
    assert array.pulses == []
    assert report.success_rate == 1
    assert not report.cycles.any()
    write(array, targets, replace(SCHEME, skip=0))
    assert array.pulses == [(row, volts, [0, 1]) for row in range(3) for volts in (-1700, 2500)]


def test_the_two_pulse_rule_is_one_reset_and_one_set_whatever_the_cell_was():
    array = Recorder()
    write(array, np.array([[100, 60000], [LEAVE] * 2, [LEAVE] * 2], np.uint16), replace(SCHEME, verify=0))
    assert array.pulses == [(0, -1700, [0, 1]), (0, 2500, [0, 1])]


def test_the_gate_voltage_follows_the_error_when_the_cells_are_not_as_the_preset_says():
    array = Recorder()
    wrong_offset = replace(SCHEME, gate_offset=SCHEME.gate_offset - 600)  # about 13 uS too low
    report = write(array, np.full((3, 2), 30000, np.uint16), wrong_offset)
    assert report.success_rate == 1
    assert report.cycles.min() > 2


def test_a_cell_that_cannot_get_there_is_given_up_after_the_last_cycle():
    array = Recorder()
    array.stuck[1, 0] = True
    report = write(array, np.full((3, 2), 30000, np.uint16), replace(SCHEME, max_cycles=7))
    assert report.failed == [(1, 0)]
    assert report.state[1, 0] == CELL_STATES["gave_up"]
    assert report.cycles[1].tolist() == [7, 1]
    assert report.pulses[1].tolist() == [7, 1]
    assert np.isfinite(report.error[1, 0])


def test_cells_without_a_target_are_untouched_and_not_measured():
    array = Recorder()
    report = write(array, np.full((3, 2), LEAVE, np.uint16), SCHEME)
    assert array.pulses == []
    assert np.isnan(report.reading).all()
    assert not report.targeted.any()
    assert str(report) == "no cell had a target"


def test_progress_counts_cells_up_to_all_of_them():
    seen: list[tuple[int, int]] = []
    targets = np.array([[1, 2], [LEAVE, LEAVE], [LEAVE, 3]], np.uint16)
    Recorder().program(targets, scheme=SCHEME, progress=lambda done, cells: seen.append((done, cells)))
    assert seen == [(2, 3), (3, 3)]


def test_tolerance_and_scheme_together_are_refused():
    with pytest.raises(ArrayError, match="both tolerance and scheme"):
        Recorder().program(np.zeros((3, 2), np.uint16), tolerance=1e-6, scheme=SCHEME)
