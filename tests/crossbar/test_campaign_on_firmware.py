"""The firmware's programming engine is the Python definition: the same pulses on the same noisy cells, in the same order."""

from __future__ import annotations

import numpy as np
import pytest
from crossbar_programs import airline_program

from fxlstm.board.board import Board
from fxlstm.crossbar import Array, SimulatedArray
from fxlstm.program.mapping import target_map
from fxlstm.urls.protocol_emu import emulated_board


def test_simulated_array_and_board_have_the_same_verbs():
    assert isinstance(SimulatedArray(), Array)
    with Board("emu://host", log=False) as board:
        assert isinstance(board, Array)


@pytest.mark.parametrize("device", ["ideal", "ta-hfo2"])
def test_a_campaign_on_the_board_ends_exactly_as_write_verify_in_python(device):
    targets = target_map(airline_program())
    array = SimulatedArray(device=device, seed=5)
    report = array.program(targets)
    with Board(f"emu://host?device={device}&seed=5&board=campaign-{device}", log=False) as board:
        on_board = board.program(targets)
        emulated = emulated_board(f"campaign-{device}").array
        np.testing.assert_array_equal(emulated.conductance, array.conductance)
        np.testing.assert_array_equal(emulated.pulse_counts, array.pulse_counts)
    for field in ("state", "cycles", "pulses", "reading", "error"):
        np.testing.assert_array_equal(getattr(on_board, field), getattr(report, field), err_msg=field)
