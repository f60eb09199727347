"""The firmware's programming engine is the Python definition: the same pulses on the same noisy cells, in the same order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.board.board import Board
from fxlstm.crossbar import Array, SimulatedArray, programming_scheme
from fxlstm.program.device import load_device
from fxlstm.program.hardware import Hardware, load_board
from fxlstm.program.mapping import LEAVE
from fxlstm.program.scheme_parameters import Ladder
from fxlstm.urls.protocol_emu import emulated_board

NOISE_GROWS = ("pcm", "reram-cmo")  # with the time since writing, which the Python definition lets stand still
TWICE = {"passes": 2, "wait_milliseconds": 300}
UNEVEN = Ladder(1200, 350, 2000, 32768, 1)  # whose last step is a short one


def some_targets(rows: int) -> np.ndarray:
    targets = np.full((128, 64), LEAVE, np.uint16)
    targets[:rows] = np.random.default_rng(3).integers(0, 60000, (rows, 64))
    targets[rows // 2, :7] = LEAVE
    return targets


def test_simulated_array_and_board_have_the_same_verbs():
    assert isinstance(SimulatedArray(), Array)
    with Board("emu://host", log=False) as board:
        assert isinstance(board, Array)


@pytest.mark.parametrize(
    ("device", "name", "change"),
    [
        ("ideal", None, {}),
        ("ideal", "open-loop", TWICE),
        ("ta-hfo2", None, {}),
        ("ta-hfo2", None, TWICE),
        ("ta-hfo2", "open-loop", {}),
        ("pcm", None, {}),
        ("reram-cmo", "write-verify", {"max_cycles": 5}),
        ("hfox", None, {}),
        ("hfox", "refined", {}),
        ("hfox", "incremental", {"reversals": 1, "most_pulses": 9, "log2_reads": 3}),
        ("hfox", "incremental", {"up": UNEVEN, "tolerance": 100}),
        ("taox", None, {}),
        ("taox", None, TWICE),
    ],
)
def test_a_campaign_on_the_board_ends_exactly_as_in_python(device, name, change):
    targets, hardware = some_targets(4), Hardware(board=load_device(device).board)
    scheme = replace(programming_scheme(device, hardware, name), **change)
    quiet = device in NOISE_GROWS
    array = SimulatedArray(device=device, seed=5, board=hardware.board, ageing=False, read_noise=not quiet)
    report = array.program(targets, scheme=scheme)
    place = f"campaign-{device}-{name}-{len(change)}"
    with Board(f"emu://host?device={device}&seed=5&ageing=0&read_noise={int(not quiet)}&board={place}", log=False) as board:
        on_board = board.program(targets, scheme=scheme)
        emulated = emulated_board(place).array
        np.testing.assert_array_equal(emulated.conductance, array.conductance)
        np.testing.assert_array_equal(emulated.pulse_counts, array.pulse_counts)
    for field in ("state", "cycles", "pulses", "reading", "error"):
        np.testing.assert_array_equal(getattr(on_board, field), getattr(report, field), err_msg=field)


@pytest.mark.parametrize(("device", "name", "rows"), [("hfox", "incremental", 6), ("hfox", "refined", 6), ("hp-tio2", None, 1)])
def test_cells_that_live_in_the_boards_time_are_programmed_as_well_as_in_python(device, name, rows):
    targets, hardware = some_targets(rows), Hardware(board=load_device(device).board)
    array = SimulatedArray(device=device, seed=5, board=hardware.board)
    with Board(f"emu://host?device={device}&seed=5", log=False) as board:
        reports = board.program(targets, scheme=name), array.program(targets, scheme=name)
    ours, theirs = ((report.pulses.sum() / report.targeted.sum(), report.success_rate) for report in reports)
    assert ours == pytest.approx(theirs, rel=0.03)


@pytest.mark.parametrize(("device", "error"), [("hfox", 0.1), ("taox", 0.05), ("pcm", 0.1)])
def test_a_network_runs_on_an_emulated_board_whose_amplifiers_suit_the_cells(device, error):
    random, hardware = np.random.default_rng(0), fx.Hardware(levels=32, board=load_device(device).board)
    layers = fx.lstm(random.normal(size=(1, 8)), random.normal(size=(2, 8)), np.zeros(8)), fx.dense(np.ones((2, 1)), np.zeros(1))
    x = random.uniform(-1, 1, (12, 1))
    program = fx.quantize(fx.Network(layers), calibration=x, hardware=hardware)
    with Board(f"emu://host?device={device}&seed=1", log=False) as board:
        assert board.info.name == load_board(hardware.board)["name"]
        board.program(program)
        departure = board.run(x) - fx.Engine(program).run(x)
    assert 0 < np.sqrt((departure**2).mean()) < error
