"""One LSTM layer beside other engines, over sequences and timestep by timestep: every timing of a round is taken by turns in the
same process.

An engine that is not installed is named as absent; `pip install -e ".[peers]"` brings all of them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import fxlstm as fx
from fxlstm.network.layers.builders import lstm_from_torch
from fxlstm.program.hardware import Hardware
from generators.pages import fill, table
from peers import PEERS, Absent, Parameters, Run, Task
from streaming_peers import STREAMING_PEERS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
TIMESTEPS = 100
SIZES = ((1, 15), (50, 14), (64, 64), (128, 128), (256, 256), (512, 512), (1024, 1024))
BATCHES = {1: 1024, 32: 1024, 256: 256}  # sequences side by side -> the most cells that they are measured with
STREAMED = 256  # the most cells of a layer that is measured timestep by timestep
SECONDS = 0.3  # of rounds for each engine in one line of the table
FEWEST, MOST = 3, 100  # rounds
AGAIN = 2  # runs of an engine in a round: the first finds nothing of its own in the caches
BURST = 8  # runs of an engine in a round, as long as they are short
LONG = 2e-3  # seconds of a run that is no short one
HARDWARE = {
    "fxlstm 8-bit": Hardware(levels=128, adc_bits=None, bias="digital"),
    "fxlstm 16-bit": Hardware(levels=32768, adc_bits=None, bias="digital"),
    "fxlstm 8-bit, 8-bit rows": Hardware(levels=128, dac_bits=8, adc_bits=None, bias="digital"),
}
ACCURACY_STEPS = 1000
LSB = 2.0**-15


@dataclass(frozen=True)
class Timing:
    """Microseconds per timestep of a batch: minimum and median of ``rounds`` runs, and half of what lies between 10 % and 90 %."""

    engine: str
    inputs: int
    units: int
    batch: int
    threads: int
    minimum: float
    median: float
    spread: float
    rounds: int


@dataclass(frozen=True)
class Error:
    """Of the hidden state against float64, in units of 2^-15, over a sequence of ``ACCURACY_STEPS``."""

    engine: str
    inputs: int
    units: int
    rms: float
    largest: float


def parameters(inputs: int, units: int) -> Parameters:
    """Return weights as PyTorch begins: uniform within 1 / sqrt(units)."""
    random, bound = np.random.default_rng([inputs, units]), units**-0.5
    shapes = (4 * units, inputs), (4 * units, units), (4 * units,), (4 * units,)
    return Parameters(*(random.uniform(-bound, bound, shape).astype(np.float32) for shape in shapes))


@cache
def programs(inputs: int, units: int, timesteps: int) -> dict[str, fx.Program]:
    """Return the layer for each hardware of ours, calibrated on random inputs of its own."""
    given = parameters(inputs, units)
    network = fx.Network((lstm_from_torch(*given),))
    calibration = Task(given, 1, timesteps, 1, seed=9).x[0].astype(np.float64)
    return {name: fx.quantize(network, calibration, hardware) for name, hardware in HARDWARE.items()}


def engines(task: Task) -> dict[str, Run]:
    """Return what runs the task on each engine that is there, ours first."""
    codes = np.random.default_rng(3).integers(-32767, 32768, (task.batch, TIMESTEPS, task.parameters.inputs), np.int16)
    found: dict[str, Run] = {}
    for name, program in programs(task.parameters.inputs, task.parameters.units, TIMESTEPS).items():
        engine = fx.Engine(program, threads=task.threads)
        found[name] = lambda engine=engine: engine.run_codes(codes)
    return found | _present(PEERS, task)


def streaming_engines(task: Task) -> dict[str, Run]:
    """Return what runs the task one timestep at a call on each engine that is there, ours first, with 8-bit weights."""
    program = programs(task.parameters.inputs, task.parameters.units, TIMESTEPS)["fxlstm 8-bit"]
    rows = list(task.x[0].astype(np.float64))
    codes = [program.encode(row) for row in rows]
    engine = fx.Engine(program)
    values, results = np.empty(program.output.length), np.empty(program.output.length, np.int16)

    def each(step: Callable[..., object], inputs: list[Any], *out: object) -> Run:
        return lambda: [step(one, *out) for one in inputs]

    ours = {
        "fxlstm step": each(engine.step, rows),
        "fxlstm step, out=": each(engine.step, rows, values),
        "fxlstm step_codes, out=": each(engine.step_codes, codes, results),
    }
    return ours | _present(STREAMING_PEERS, task)


def _present(peers: dict[str, Callable[[Task], Run]], task: Task) -> dict[str, Run]:
    """Return what runs the task on each peer that is there."""
    found = {}
    for name, make in peers.items():
        with suppress(Absent):
            found[name] = make(task)
    return found


def absent() -> dict[str, str]:
    """Return the peers that are not here, each with the reason."""
    reasons = {}
    for name, make in PEERS.items():
        try:
            make(Task(parameters(1, 15), 1, 2, 1))
        except Absent as error:
            reasons[name] = str(error)
    return reasons


def timings(task: Task, found: dict[str, Run]) -> list[Timing]:
    """Time all engines on a task, by turns."""
    taken: dict[str, list[float]] = {name: [] for name in found}
    for run in found.values():
        run()  # warm
    end = time.perf_counter() + SECONDS * len(found)
    for done in range(MOST):
        if done >= FEWEST and time.perf_counter() > end:
            break
        for name, run in found.items():
            taken[name] += _burst(run, time.process_time if task.threads == 1 else time.perf_counter)
    return [_timing(name, task, times) for name, times in taken.items()]


def _burst(run: Callable[[], object], clock: Callable[[], float]) -> list[float]:
    """Return what each of a few runs takes, in microseconds per timestep."""
    times: list[float] = []
    while len(times) < AGAIN or (len(times) < BURST and times[-1] < LONG * 1e6 / TIMESTEPS):
        start = clock()
        run()
        times.append((clock() - start) / TIMESTEPS * 1e6)
    return times


def _timing(name: str, task: Task, times: list[float]) -> Timing:
    low, high = np.percentile(times, (10, 90))
    given = task.parameters
    spread = float(high - low) / 2
    return Timing(
        name, given.inputs, given.units, task.batch, task.threads, min(times), statistics.median(times), spread, len(times)
    )


def tasks(largest: int) -> Iterator[Task]:
    """Give every line of the tables of runs, up to so many units: one thread, then two where a batch or a layer is large."""
    for threads in (1, 2):
        for batch, most in BATCHES.items():
            for inputs, units in SIZES:
                if units <= min(most, largest) and (threads == 1 or units >= (64 if batch > 1 else 256)):
                    yield Task(parameters(inputs, units), batch, TIMESTEPS, threads)


def streaming_tasks(largest: int) -> Iterator[Task]:
    """Give every line of the table of single timesteps."""
    for inputs, units in SIZES:
        if units <= min(STREAMED, largest):
            yield Task(parameters(inputs, units), 1, TIMESTEPS, 1)


def errors(largest: int) -> list[Error]:
    """Measure the hidden state of every engine that says what it gives against float64."""
    found = []
    for inputs, units in SIZES:
        if units <= min(largest, 128):
            found += _errors(Task(parameters(inputs, units), 1, ACCURACY_STEPS, 1))
    return found


def _errors(task: Task) -> list[Error]:
    exact = fx.Network((lstm_from_torch(*task.parameters),))(task.x[0].astype(np.float64))
    ours = programs(task.parameters.inputs, task.parameters.units, ACCURACY_STEPS)
    results = {name: fx.Engine(one).run(task.x[0]) for name, one in ours.items()}
    results |= {name: np.asarray(run()).reshape(ACCURACY_STEPS, -1) for name, run in _present(PEERS, task).items()}
    pairs = {name: (result - exact) / LSB for name, result in results.items()}
    given = task.parameters
    return [
        Error(name, given.inputs, given.units, float(np.sqrt(np.mean(wrong**2))), float(np.abs(wrong).max()))
        for name, wrong in pairs.items()
    ]


# ---- the page


def _pivot(found: list[Timing] | list[Error], value: Callable[[object], str], heads: tuple[str, ...]) -> str:
    """Return a table with a column for each engine and a line for each size and batch."""
    names = list(dict.fromkeys(one.engine for one in found))
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    for one in found:
        key = (f"{one.inputs}, {one.units}", *((str(one.batch),) if isinstance(one, Timing) else ()))
        lines.setdefault(key, {})[one.engine] = value(one)
    rows = [(*key, *(cells.get(name, "-") for name in names)) for key, cells in lines.items()]
    return table((*heads, *names), rows)


def _figure(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def timing_table(found: list[Timing], threads: int) -> str:
    """Return minimum and, in brackets, median of the timings with so many threads."""
    chosen = [one for one in found if one.threads == threads]
    return _pivot(chosen, lambda one: f"{_figure(one.minimum)} ({_figure(one.median)})", ("inputs, units", "batch"))


def error_table(found: list[Error]) -> str:
    """Return root mean square and, in brackets, largest errors."""
    return _pivot(found, lambda one: f"{_figure(one.rms)} ({_figure(one.largest)})", ("inputs, units",))


def write(found: list[Timing], streamed: list[Timing], wrong: list[Error], about: dict[str, str]) -> None:
    """Fill the page."""
    page = PAGE.read_text()
    page = fill(page, "machine", ", ".join(f"{key} {value}" for key, value in about.items()) + ".")
    for threads, name in ((1, "one thread"), (2, "two threads")):
        page = fill(page, name, timing_table(found, threads))
    page = fill(page, "streaming", timing_table(streamed, 1))
    PAGE.write_text(fill(page, "accuracy", error_table(wrong)))
