"""Points per second of a sweep with one process and with two, beside what two processes bring to a loop that shares nothing.

The last says how much of the second core was free: on a machine that others use, no program gains more.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fxlstm.app.sweep_tasks import load_task
from fxlstm.sweep import run_sweep
from fxlstm.sweep.plan import read_plan

POINTS = 40
LOOP = 5_000_000


@dataclass(frozen=True)
class Throughput:
    """Points per second while points are computed, without the start of the processes: median and spread of ``runs`` runs.

    ``speed_up``: over one process. ``free_speed_up``: that of an empty loop in as many processes, just before.
    """

    workers: int
    points_per_second: float
    spread: float
    speed_up: float
    free_speed_up: float
    runs: int


def throughputs(runs: int) -> list[Throughput]:
    """Measure one process and two, by turns."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    free: list[float] = []
    for _ in range(runs):
        loop = {workers: _loop_rate(workers) for workers in rates}
        free.append(loop[2] / loop[1])
        for workers, found in rates.items():
            found.append(_rate(workers))
    single = statistics.median(rates[1])
    result = []
    for workers, found in rates.items():
        low, high = np.percentile(found, (10, 90))
        median = statistics.median(found)
        available = statistics.median(free) if workers == 2 else 1.0
        result.append(Throughput(workers, median, float(high - low) / 2, median / single, available, runs))
    return result


def _rate(workers: int) -> float:
    """Return points per second between the first tenth of the points and the last."""
    plan = read_plan(f'task = "airline"\nseeds = {{ from = 1, to = {POINTS} }}')
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "results.parquet"
        run_sweep(plan, load_task("airline", output), output, workers, progress=lambda *_: times.append(time.perf_counter()))
    first, last = POINTS // 10, POINTS - workers
    return (last - first) / (times[last] - times[first])


def _loop_rate(workers: int) -> float:
    """Return loops per second of so many processes."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(_loop, [1] * workers)
        start = time.perf_counter()
        pool.map(_loop, [LOOP] * (2 * workers), chunksize=1)
        return 2 * workers / (time.perf_counter() - start)


def _loop(count: int) -> None:
    for _ in range(count):
        pass
