"""The self-test names the chip and the channel behind every fault that a board can have there."""

from __future__ import annotations

import pytest

from fxlstm.board.array_check import Finding
from fxlstm.board.board import Board
from fxlstm.urls.protocol_emu import emulated_board

FAULTS = [
    ("dead_row=55", "row DAC 3 at chip select 3, channel 7, row 55", "the output stays at 0 V"),
    ("stuck_row=20", "row DAC 1 at chip select 1, channel 4, row 20", "the output stays at a voltage"),
    ("dead_gate=17", "gate DAC 1 at chip select 9, channel 1, column 17", "no row gives it a current"),
    ("dead_gate=17", "column ADC 2 at chip select 14, channel 1, column 17", "its gate"),
    ("saturated_column=40", "column ADC 5 at chip select 17, channel 0, column 40", "full scale"),
    ("weak_column=9", "column ADC 1 at chip select 13, channel 1, column 9", "two gains"),
]


def findings(options: str, kind: str) -> list[Finding]:
    name = f"test-{options.split('=')[0]}"
    with Board(f"emu://host?board={name}&device=ta-hfo2&seed=3&stuck=0&{options}".rstrip("&"), log=False) as board:
        found = board.check_array()
        assert not emulated_board(name).bus.violations
        assert not emulated_board(name).array.pulse_counts.any()
    return [finding for finding in found if finding.kind == kind]


def test_a_board_that_is_well_has_nothing_to_say() -> None:
    assert findings("", "channel") + findings("", "cells") + findings("", "note") == []


@pytest.mark.parametrize(("option", "part", "words"), FAULTS, ids=[part for _, part, _ in FAULTS])
def test_a_fault_is_found_at_its_channel(option: str, part: str, words: str) -> None:
    (finding,) = findings(option, "channel")
    assert part in finding.part
    assert words in finding.words


def test_open_and_shorted_cells_are_found() -> None:
    with Board("emu://host?board=test-cells&device=ta-hfo2&seed=3&stuck=0", log=False) as board:
        siemens = emulated_board("test-cells").array._cells.state
        siemens[4, 5], siemens[90, 60] = 0.0, 0.2
        found = [str(finding) for finding in board.check_array()]
    assert found == [
        "array: 1 cells are shorted (full scale in the coarsest range): row 90 column 60; let programs avoid them",
        "array: 1 cells are open (no current): row 4 column 5; let programs avoid them",
    ]


def test_an_array_without_conducting_cells_tells_nothing() -> None:
    with Board("emu://host?device=ideal", log=False) as board:
        (note,) = board.check_array()
    assert note.kind == "note" and "no cell conducts" in note.words
