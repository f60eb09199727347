"""The self-test names the chip and the channel behind every fault that a board can have there."""

from __future__ import annotations

import numpy as np
import pytest

from fxlstm.board.array_check import CheckReport
from fxlstm.board.board import Board
from fxlstm.urls.protocol_emu import emulated_board

FAULTS = [
    ("dead_row=55", "row DAC 3 at chip select 3, channel 7, row 55", "asked for -0.29 V and 0.29 V it gives 0.00 V and 0.00 V"),
    ("stuck_row=20", "row DAC 1 at chip select 1, channel 4, row 20", "the output stays at -2.06 V"),
    ("open_row=55", "row DAC 3 at chip select 3, channel 7, row 55", "its output is well: the array's line is open"),
    ("dead_gate=17", "gate DAC 1 at chip select 9, channel 1, column 17", "the output stays at 0 V"),
    ("saturated_column=40", "column ADC 5 at chip select 17, channel 0, column 40", "full scale whatever its current"),
    ("weak_column=9", "column ADC 1 at chip select 13, channel 1, column 9", "1.000 with its large resistor and 0.900"),
    ("offset_column=9", "column ADC 1 at chip select 13, channel 1, column 9", "2.29 uA off with its large resistor and 18.31 uA"),
    ("dead_monitor=3", "row DAC 3 at chip select 3, MUX pin", "none of its outputs is seen"),
    (
        "dead_calibration=1",
        "calibration switch",
        "the monitor net is at 4.00 V and the calibration bus behind its switch at 0.00 V",
    ),
    ("missing_chip=20", "monitor ADC at chip select 20", "did not answer with its identity"),
]

# What the monitor does not see, the array finds: the option that hides it and what is found then beside that.
UNSEEN = [
    ("dead_row=55", "dead_monitor=3", "the output stays at 0 V or the array's line is open"),
    ("stuck_row=20", "dead_monitor=1", "the output stays at a voltage"),
    ("open_row=55", "dead_monitor=3", "the output stays at 0 V or the array's line is open"),
    ("dead_gate=17", "dead_monitor=9", "check its gate's output, its amplifier"),
    ("dead_row=55", "missing_chip=20", "the output stays at 0 V or the array's line is open"),
    ("saturated_column=40", "missing_chip=20", "full scale with all rows at 0 V"),
    ("saturated_column=40", "dead_calibration=1", "full scale with all rows at 0 V"),
]


def report(options: str) -> CheckReport:
    name = f"test-{options.replace('=', '-').replace('&', '-')}"
    with Board(f"emu://host?board={name}&device=ta-hfo2&seed=3&stuck=0&{options}".rstrip("&"), log=False) as board:
        found = board.check_array()
        assert not emulated_board(name).bus.violations
        assert not emulated_board(name).array.pulse_counts.any()
    return found


@pytest.fixture(scope="module")
def well() -> CheckReport:
    return report("")


def test_a_board_that_is_well_has_nothing_to_say(well: CheckReport) -> None:
    assert well.findings == []


def test_every_output_is_measured_at_two_voltages_that_no_other_output_of_its_chip_has(well: CheckReport) -> None:
    assert [output.line for output in well.outputs] == [*range(128), *range(64)]
    for first in range(0, len(well.outputs), 16):
        chip = well.outputs[first : first + 16]
        assert all(len({output.measured[turn] for output in chip}) == 16 for turn in (0, 1))
    assert all(output.state == "well" and abs(output.asked[0] - output.asked[1]) > 0.25 for output in well.outputs)


def test_gain_and_offset_of_every_amplifier_are_measured(well: CheckReport) -> None:
    np.testing.assert_allclose([amplifier.gains for amplifier in well.amplifiers], 1, atol=1e-3)
    np.testing.assert_allclose([amplifier.offsets for amplifier in well.amplifiers], 0, atol=1e-7)


@pytest.mark.parametrize(("option", "part", "words"), FAULTS, ids=[option for option, _, _ in FAULTS])
def test_a_fault_is_found_at_its_channel(option: str, part: str, words: str) -> None:
    (finding,) = report(option).findings
    assert (finding.kind, finding.part) == ("channel", part)
    assert words in finding.words


@pytest.mark.parametrize(("option", "hidden", "words"), UNSEEN)
def test_what_the_monitor_does_not_see_the_array_finds(option: str, hidden: str, words: str) -> None:
    found = [finding for finding in report(f"{option}&{hidden}").findings if words in finding.words]
    assert len(found) == 1


def test_outputs_and_amplifiers_of_a_blank_array_are_told() -> None:
    with Board("emu://host?device=ideal&dead_gate=17&weak_column=9", log=False) as board:
        found = board.check_array().findings
    assert [finding.kind for finding in found] == ["channel", "channel", "note"]
    assert ["column 17" in found[0].part, "column 9" in found[1].part, "no cell conducts" in found[2].words] == [True] * 3


@pytest.mark.parametrize("device", ["hfox", "taox"])
def test_amplifiers_of_other_boards_get_a_current_that_suits_them(device: str) -> None:
    with Board(f"emu://host?device={device}&seed=1", log=False) as board:
        gains = [amplifier.gains for amplifier in board.check_array().amplifiers]
    np.testing.assert_allclose(gains, 1, atol=2e-3)


def test_a_column_whose_gate_and_amplifier_are_well_has_an_open_line() -> None:
    with Board("emu://host?board=test-column&device=ta-hfo2&seed=3&stuck=0", log=False) as board:
        emulated_board("test-column").array._cells.state[:, 21] = 0.0
        (finding,) = board.check_array().findings
    assert "column 21 (gate DAC 1 at chip select 9, channel 5" in finding.part
    assert "its amplifier are well: the array's line or its gate's is open" in finding.words


def test_a_monitor_net_that_shows_nothing_is_no_hundred_dead_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    with Board("emu://host?device=ta-hfo2&seed=3&stuck=0", log=False) as board:
        monkeypatch.setattr(board._driver, "measure_outputs", lambda chip, codes, log2_reads: np.zeros(16))
        found = board.check_array()
    assert [finding.part.endswith("MUX pin") for finding in found.findings] == [True] * 12 + [False]
    assert found.findings[-1].part == "monitor net" and found.amplifiers == []


def test_outputs_that_are_not_seen_are_none_of_those_that_are_told_to_be_off() -> None:
    with Board("emu://host?device=ideal&dead_monitor=3", log=False) as board:
        assert "176 DAC outputs, the worst 1.1 mV off" in board.check_array().summary


def test_open_and_shorted_cells_are_found() -> None:
    with Board("emu://host?board=test-cells&device=ta-hfo2&seed=3&stuck=0", log=False) as board:
        siemens = emulated_board("test-cells").array._cells.state
        siemens[4, 5], siemens[90, 60] = 0.0, 0.2
        found = [str(finding) for finding in board.check_array().findings]
    assert found == [
        "array: 1 cells are shorted (full scale in the coarsest range): row 90 column 60; let programs avoid them",
        "array: 1 cells are open (no current): row 4 column 5; let programs avoid them",
    ]
