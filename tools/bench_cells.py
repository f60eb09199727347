"""Every recurrent cell of the catalogue beside the LSTM: what a timestep takes, and what a multiply-accumulate takes in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import fxlstm as fx
from bench_peers import HARDWARE, PAGE
from fxlstm.network import CELLS, Cell, Layer, Network
from generators.pages import fill, table

TIMESTEPS = 100
LAYERS = ((64, 1), (128, 1), (128, 32))  # units, as many inputs; sequences side by side
SECONDS = 0.4  # of rounds for each layer of each cell
HARDWARE_NAME = "fxlstm 8-bit"
HEADS = ("cell", *(f"{units} units, batch {batch}" for units, batch in LAYERS))


@dataclass(frozen=True)
class CellTiming:
    """Microseconds per timestep of a batch, the least of all runs; picoseconds for each of its multiply-accumulates.

    ``times_lstm``: the same of the LSTM, run by turns, goes so many times into it.
    """

    cell: str
    units: int
    batch: int
    microseconds: float
    picoseconds: float
    times_lstm: float


def layer_of(cell: Cell, units: int) -> Layer:
    """Return a layer with as many inputs as units and weights as PyTorch begins: uniform within 1 / sqrt(units)."""
    random, bound = np.random.default_rng(units), units**-0.5
    sizes = dict.fromkeys(cell.lengths.values(), units)
    shapes = cell.parameter_shapes({"inputs": units, "units": units, **sizes})
    parameters = {name: random.uniform(-bound, bound, shape) for name, shape in shapes.items()}
    return Layer(cell, units, units, parameters, sizes=sizes)


def program_of(cell: Cell, units: int) -> fx.Program:
    """Return what the quantizer makes of it."""
    calibration = np.random.default_rng(9).uniform(-1, 1, (TIMESTEPS, units))
    return fx.quantize(Network((layer_of(cell, units),)), calibration, HARDWARE[HARDWARE_NAME])


def products_of(program: fx.Program) -> int:
    """Return the multiply-accumulates of a timestep of one sequence."""
    used = [program.matrices[operation.matrix] for operation in program.operations if operation.kind == "multiply"]
    return sum(matrix.weights.size for matrix in used)


def _runner(program: fx.Program, batch: int) -> Callable[[], object]:
    codes = np.random.default_rng(3).integers(-32767, 32768, (batch, TIMESTEPS, program.input.length), np.int16)
    engine = fx.Engine(program, threads=1)
    return lambda: engine.run_codes(codes)


def _least(runs: list[Callable[[], object]]) -> list[float]:
    """Return the least processor time of each, by turns, in microseconds per timestep."""
    least = [float("inf")] * len(runs)
    end = time.process_time() + SECONDS * len(runs)
    while time.process_time() < end:
        for i, run in enumerate(runs):
            start = time.process_time()
            run()
            least[i] = min(least[i], (time.process_time() - start) / TIMESTEPS * 1e6)
    return least


def timings(units: int, batch: int) -> list[CellTiming]:
    """Time all recurrent cells at one size, each by turns with the LSTM."""
    lstm = program_of(CELLS["lstm"], units)
    found = []
    for cell in CELLS.values():
        if cell.states:
            program = program_of(cell, units)
            own, other = _least([_runner(program, batch), _runner(lstm, batch)])
            each, lstm_each = own / products_of(program) / batch, other / products_of(lstm) / batch
            found.append(CellTiming(cell.name, units, batch, own, each * 1e6, each / lstm_each))
    return found


def all_timings() -> list[CellTiming]:
    """Time all cells at all sizes of the table."""
    return [one for units, batch in LAYERS for one in timings(units, batch)]


def rows_of(found: list[CellTiming]) -> list[tuple[str, ...]]:
    """Return the table's lines: microseconds, and in brackets times the LSTM's per multiply-accumulate."""
    lines: dict[str, list[str]] = {}
    for one in found:
        lines.setdefault(one.cell, []).append(f"{one.microseconds:.3g} ({one.times_lstm:.2f})")
    return [(cell, *values) for cell, values in lines.items()]


def write_page(found: list[CellTiming]) -> None:
    """Fill the page's part."""
    PAGE.write_text(fill(PAGE.read_text(), "cells", table(HEADS, rows_of(found))))
