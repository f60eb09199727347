"""One network at every stage between float and the board, and what each stage adds to the error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import fxlstm as fx
from fxlstm.analysis.errors import decibel, rms
from fxlstm.analysis.settings import target_siemens
from fxlstm.app.console import progress_bar
from fxlstm.sweep.task import Runs

Array = NDArray[np.float64]
REPEATS = 32  # runs on the same cells: what differs between them is read noise


@dataclass(frozen=True)
class StageError:
    """What one stage adds to the network's output: root mean square in output units, and signal over it in decibel."""

    stage: str
    rms: float
    signal_to_noise: float


@dataclass(frozen=True, eq=False)
class Simulation:
    """Outputs of one program on the simulated array, (time, features), with its imperfections switched on one after the other.

    ``written``: update noise of the pulses, as write-verify leaves it. ``stuck``: stuck cells too. ``runs``: read noise too, as
    (runs, time, features) of the same cells. ``report``: what write-verify said of the last array.
    """

    written: Array
    stuck: Array
    runs: Array
    report: str


@dataclass(frozen=True, eq=False)
class Stages:
    """Outputs of one network for one input sequence, (time, features) each, by stage; and the array that the board holds.

    ``outputs`` go from the float network to the board. ``target`` and ``measured`` are siemens, NaN where there is no weight.
    ``devices``: how many each matrix takes. ``programming``: what write-verify said of the simulated array and of the board.
    """

    outputs: Mapping[str, Array]
    errors: tuple[StageError, ...]
    target: Array
    measured: Array
    devices: Mapping[str, int]
    programming: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class OnBoard:
    """What a board gave: ``outputs``, siemens asked for (``target``) and ``measured``, and what it said of programming.

    ``name``: of the stage. The siemens are those of the whole array, NaN where there is no weight.
    """

    name: str
    outputs: Array
    target: Array
    measured: Array
    programming: str


def run_on_board(program: fx.Program, outputs: Callable[[Runs], Array], url: str, log: Path | bool, device: str) -> OnBoard:
    """Write ``program`` into the board at ``url`` and return what ``outputs`` gets when it runs there.

    ``device``: preset of a real board's cells; an ``emu://`` URL names its own. ``log``: where readings and pulses are kept.
    """
    name = "emulated board" if url.startswith("emu://") else "board"
    with fx.Board(url, device=device if name == "board" else None, log=log) as board:
        with progress_bar(f"programming the {name}") as progress:
            campaign = board.program(program, progress=progress)
        found = outputs(board.run)
        target = target_siemens(program, board.info.device)
        rows, columns = target.shape
        measured = np.where(np.isfinite(target), board.read_conductance()[:rows, :columns], np.nan)
    return OnBoard(name, found, target, measured, str(campaign))


def run_stages(network: fx.Network, x: Array, calibration: Array, url: str, log: Path, device: str, seed: int) -> Stages:
    """Run ``network`` on ``x`` as float network, integer program, on a simulated array and on the board at ``url``.

    ``device`` and ``seed`` are those of the simulated array, which is programmed by write-verify as the board is; the board's cells
    are of the same preset unless its URL names another. ``log``: where the board's readings and pulses are kept.
    """
    program = fx.quantize(network, calibration=calibration)
    floats, integers = network(x), fx.Engine(program).run(x)
    simulation = simulate(program, x, device, seed)
    board = run_on_board(program, lambda run: run(x), url, log, device)
    return Stages(
        outputs={
            "float network": floats,
            "integer program": integers,
            "simulated array": simulation.runs[0],
            board.name: board.outputs,
        },
        errors=attribute(floats, integers, simulation),
        target=board.target,
        measured=board.measured,
        devices={matrix.name: 2 * matrix.weights.size for matrix in program.matrices},
        programming={"simulated array": simulation.report, board.name: board.programming},
    )


def simulate(program: fx.Program, x: Array, device: str, seed: int) -> Simulation:
    """Write ``program`` into simulated arrays of ``device`` with more and more imperfections, and run ``x`` on each."""

    def run(runs: int, *, stuck: bool, read_noise: bool) -> tuple[Array, str]:
        rows, columns = program.hardware.rows, program.hardware.columns
        array = fx.SimulatedArray(rows, columns, device, seed, program.hardware.board, stuck=stuck, read_noise=read_noise)
        report = array.program(program)
        return fx.Engine(program, array=array).run(np.repeat(x[np.newaxis], runs, axis=0)), str(report)

    written, _ = run(1, stuck=False, read_noise=False)
    stuck, _ = run(1, stuck=True, read_noise=False)
    return Simulation(written[0], stuck[0], *run(REPEATS, stuck=True, read_noise=True))


def attribute(floats: Array, integers: Array, simulation: Simulation) -> tuple[StageError, ...]:
    """Return the error that each stage adds to the output, and all of them together.

    The stages of the simulation differ by what they switch on; read noise is the spread of its runs about their mean.
    """
    runs = simulation.runs
    differences = {
        "quantization": integers - floats,
        "programming": simulation.written - integers,
        "stuck cells": simulation.stuck - simulation.written,
        "read noise": (runs - runs.mean(axis=0)) * np.sqrt(len(runs) / (len(runs) - 1)),
        "all together": runs - floats,
    }
    signal = rms(floats)
    return tuple(StageError(stage, rms(error), decibel(signal, rms(error))) for stage, error in differences.items())
