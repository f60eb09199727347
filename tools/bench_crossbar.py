"""How long the wires of a crossbar take to solve, beside badcrossbar; each solver alone in a process of one thread."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fxlstm.crossbar.wires import Wires, effective_conductance, solve

WIRES = Wires(row=0.3, column=0.3)
SIZES = ((128, 64), (512, 512))
FEW_RUNS = 3  # of what takes seconds
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Duration:
    """Milliseconds: median and half the distance between the 10th and the 90th percentile; peak memory of the process."""

    name: str
    size: str
    milliseconds: float
    spread: float
    runs: int
    mebibytes: float


def _effective(cells: np.ndarray, volts: np.ndarray) -> Callable[[], object]:
    return lambda: effective_conductance(cells, WIRES)


def _nodal(cells: np.ndarray, volts: np.ndarray) -> Callable[[], object]:
    return lambda: solve(cells, WIRES, volts)


def _badcrossbar(cells: np.ndarray, volts: np.ndarray) -> Callable[[], object]:
    with warnings.catch_warnings(record=True):
        import badcrossbar
    import logging

    logging.disable()
    inputs, resistances = volts[:, np.newaxis], 1 / cells
    return lambda: badcrossbar.compute(inputs, resistances, WIRES.row, node_voltages=False, all_currents=False)


SOLVERS = {
    "effective_conductance (every vector)": _effective,
    "solve (one vector, every voltage)": _nodal,
    "badcrossbar (one vector)": _badcrossbar,
}


def durations(runs: int) -> list[Duration]:
    """Measure every solver at every size."""
    return [measure_alone(name, rows, columns, runs) for rows, columns in SIZES for name in SOLVERS]


def measure_alone(name: str, rows: int, columns: int, runs: int) -> Duration:
    """Measure one solver in a process of its own."""
    runs = min(runs, FEW_RUNS) if rows * columns > 1e5 else runs
    command = [sys.executable, __file__, name, str(rows), str(columns), str(runs)]
    answer = json.loads(subprocess.run(command, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=True).stdout)
    low, high = np.percentile(answer["seconds"], (10, 90))
    middle, spread = statistics.median(answer["seconds"]), float(high - low) / 2
    return Duration(name, f"{rows} x {columns}", 1e3 * middle, 1e3 * spread, runs, answer["kibibytes"] / 1024)


def _measure_here(name: str, rows: int, columns: int, runs: int) -> None:
    random = np.random.default_rng(0)
    work = SOLVERS[name](random.uniform(50e-6, 400e-6, (rows, columns)), random.uniform(-0.2, 0.2, rows))
    if rows * columns < 1e5:
        work()  # warm
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds, "kibibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


if __name__ == "__main__":
    _measure_here(sys.argv[1], *(int(number) for number in sys.argv[2:]))
