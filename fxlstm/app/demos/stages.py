"""One network at every stage between float and the board, and what each stage adds to the error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import fxlstm as fx
from fxlstm.app.console import progress_bar
from fxlstm.program.device import load_device
from fxlstm.program.mapping import LEAVE, target_map

Array = NDArray[np.float64]
REPEATS = 32  # runs of the same cells that separate read noise, which changes, from programming error, which stays


@dataclass(frozen=True)
class StageError:
    """What one stage adds to the network's output: root mean square in output units, and signal over it in decibel."""

    stage: str
    rms: float
    signal_to_noise: float


@dataclass(frozen=True, eq=False)
class Stages:
    """Outputs of one network for one input sequence, (time, features) each, by stage; and the array that the board holds.

    ``outputs`` go from the float network to the board. ``target`` and ``measured`` are siemens, NaN where there is no weight.
    """

    program: fx.Program
    outputs: Mapping[str, Array]
    errors: tuple[StageError, ...]
    target: Array
    measured: Array
    cells: Mapping[str, int]


def run_stages(network: fx.Network, x: Array, calibration: Array, url: str, device: str, seed: int) -> Stages:
    """Run ``network`` on ``x`` as float network, integer program, on a simulated array and on the board at ``url``.

    ``device`` and ``seed`` are those of the simulated array, which is programmed by write-verify as the board is.
    """
    program = fx.quantize(network, calibration=calibration)
    floats, integers = network(x), fx.Engine(program).run(x)
    array = fx.SimulatedArray(program.hardware.rows, program.hardware.columns, device, seed)
    with progress_bar("programming the simulated array") as progress:
        array.program(program, progress=progress)
    repeats = fx.Engine(program, array=array).run(np.repeat(x[np.newaxis], REPEATS, axis=0))
    board_name = "emulated board" if url.startswith("emu://") else "board"
    with fx.Board(url) as board:
        with progress_bar(f"programming the {board_name}") as progress:
            board.program(program, progress=progress)
        board_output = board.run(x)
        measured = board.read_conductance()
    outputs = {"float network": floats, "integer program": integers, "simulated array": repeats[0], board_name: board_output}
    target = target_conductance(program, device)
    measured = np.where(np.isfinite(target), measured[: target.shape[0], : target.shape[1]], np.nan)
    return Stages(program, outputs, attribute(floats, integers, repeats), target, measured, placed_cells(program))


def attribute(floats: Array, integers: Array, repeats: Array) -> tuple[StageError, ...]:
    """Return the error that quantization, programming and read noise add, and all three together.

    ``repeats``: outputs of several runs on the same programmed array, (runs, time, features). Their mean differs from the integer
    program by what was programmed wrong, stuck cells included; each run differs from their mean by the noise of reading.
    """
    mean = repeats.mean(axis=0)
    spread = (repeats - mean) * np.sqrt(len(repeats) / (len(repeats) - 1))
    differences = {
        "quantization": integers - floats,
        "programming": mean - integers,
        "read noise": spread,
        "together": repeats - floats,
    }
    signal = rms(floats)
    return tuple(StageError(stage, rms(error), decibel(signal, rms(error))) for stage, error in differences.items())


def rms(values: Array) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(values**2)))


def decibel(signal: float, noise: float) -> float:
    """Return the ratio of two root mean squares in decibel; infinite without noise."""
    return float(20 * np.log10(signal / noise)) if noise else float("inf")


def target_conductance(program: fx.Program, device: str) -> Array:
    """Return the siemens that a program asks of cells of preset ``device``, (rows, columns), NaN where it asks nothing."""
    units = target_map(program)
    siemens = units * program.hardware.conductance_unit + load_device(device)["conductance.base"]
    return np.where(units == LEAVE, np.nan, siemens)


def placed_cells(program: fx.Program) -> dict[str, int]:
    """Return the number of devices that each matrix of ``program`` takes."""
    return {matrix.name: 2 * matrix.weights.size for matrix in program.matrices}
