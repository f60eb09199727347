"""A thousand times over links that spoil bytes and come unplugged: never a wrong result, never a pulse given twice."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fxlstm.board.board import Board
from fxlstm.emulator.board import EmulatedBoard
from fxlstm.errors import LinkLost
from fxlstm.network import Network, lstm
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.reference import Reference
from fxlstm.urls.protocol_emu import emulated_board

RUNS_PER_BATCH, BATCHES = 100, 10
PULSED_ROW = 100
COLUMNS = 64


class Task:
    """A network of two cells, a sequence for it, and what it does on a perfect link."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        layer = lstm(random.normal(0, 0.5, (1, 8)), random.normal(0, 0.5, (2, 8)), random.normal(0, 0.3, 8))
        x = random.uniform(-1, 1, (30, 1))
        self.program: Program = quantize(Network((layer,)), x, Hardware(levels=256))
        self.codes = self.program.encode(x)
        self.outputs = Reference(self.program).run_codes(self.codes)
        with Board(f"emu://host?device=ideal&board=perfect{seed}", log=False) as board:
            board.program(self.program)
            self.pulses: NDArray[np.int64] = emulated_board(f"perfect{seed}").array.pulse_counts.copy()


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return [Task(seed) for seed in range(4)]


def bad_link(seed: int) -> str:
    """A URL with a random mixture of faults: up to one byte in 700 is spoiled, and the cable falls out now and then."""
    random = np.random.default_rng(seed)
    rates = {name: 10 ** random.uniform(-5, -3.3) for name in ("drop", "flip", "duplicate")}
    options = "&".join(f"{name}={rate:.2e}" for name, rate in rates.items())
    return f"emu://host?device=ideal&board=bench&{options}&disconnect=3e-5&fault_seed={seed}"


def opened(url: str) -> Board:
    """A board, however often the cable falls out meanwhile."""
    while True:
        try:
            return Board(url, log=False)
        except LinkLost:
            continue


def use(board: Board, emulated: EmulatedBoard, task: Task, seed: int) -> None:
    """Program a network, run it, pulse and read cells; the array must have got what was asked and nothing else."""
    before = emulated.array.pulse_counts.copy()
    report = board.program(task.program)
    assert not (report.state == 3).any()
    assert np.array_equal(emulated.array.pulse_counts - before, task.pulses)
    assert np.array_equal(board.run_codes(task.codes), task.outputs)

    before = emulated.array.pulse_counts.copy()
    gates = np.random.default_rng(seed).uniform(0.1, 5.0, COLUMNS)
    for row in range(PULSED_ROW, PULSED_ROW + 3):
        board.pulse(row, 2.5, 1e-4, gates)
    asked = np.zeros_like(before)
    asked[PULSED_ROW : PULSED_ROW + 3] = 1
    assert np.array_equal(emulated.array.pulse_counts - before, asked)
    measured = board.read_conductance(rows=range(PULSED_ROW, PULSED_ROW + 3))
    assert np.array_equal(measured[PULSED_ROW], emulated.array.read_conductance()[PULSED_ROW])


@pytest.mark.parametrize("batch", range(BATCHES))
def test_nothing_is_wrong_lost_or_done_twice(tasks: list[Task], batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fxlstm.board.link.time.sleep", lambda seconds: None)  # an emulated port needs no time to come back
    for seed in range(batch * RUNS_PER_BATCH, (batch + 1) * RUNS_PER_BATCH):
        with opened(bad_link(seed)) as board:
            use(board, emulated_board("bench"), tasks[seed % len(tasks)], seed)
    with Board("emu://host?board=bench", log=False) as board:
        seen = board.snapshot()
    assert seen["bad_frames"] > RUNS_PER_BATCH
    assert seen["replays"] > RUNS_PER_BATCH
    assert not emulated_board("bench").bus.violations


def test_runs_that_take_many_slices_and_the_states_they_start_from_survive_bad_links(
    tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fxlstm.board.link.time.sleep", lambda seconds: None)
    for seed in range(60):
        task = tasks[seed % len(tasks)]
        given, timesteps, initial = [task.codes], [400], {0: np.arange(len(task.program.arena) // 2, dtype=np.int16)}
        wanted = Reference(task.program).run_phases(given, timesteps, initial)
        with opened(bad_link(seed)) as board:
            board.program(task.program)
            assert np.array_equal(board.run_phases(given, timesteps, initial), wanted), seed
            assert np.array_equal(board.run_phases(given, timesteps, initial, on_array=False), wanted), seed
