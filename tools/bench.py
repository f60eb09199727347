#!/usr/bin/env python3
"""Timesteps per second of the reference interpreter, the engine and the emulated board, on the airline network; or, with the
argument "crossbar", how long a simulated crossbar takes, beside its peers; with "sweep", what a second process
brings; with "peers", how long other engines and this one take for an LSTM layer; with "cells", how long every cell takes.

Each figure is the median of several runs, with their spread: half the distance between the 10th and the 90th percentile.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import bench_cells
import bench_peers
import fxlstm as fx
from bench_crossbar import HEADS, Duration, absent, durations, rows_of, write_page
from bench_peers import Timing
from bench_sweep import Throughput, throughputs
from fxlstm.app.console import print_table
from fxlstm.app.demos.airline_task import AirlineTask, load_trained
from fxlstm.core import kernel_names
from fxlstm.program.reference import Reference
from peers import Run, Task

URL = "emu://host?device=ideal&seed=1"
SECONDS = 0.2  # one run takes at least so long; what is faster is repeated inside it


@dataclass(frozen=True)
class Rate:
    """Timesteps per second: median and spread of ``runs`` runs."""

    name: str
    timesteps_per_second: float
    spread: float
    runs: int


def measure(name: str, timesteps: int, work: Callable[[], object], runs: int) -> Rate:
    """Return the rate at which ``work``, which takes ``timesteps`` timesteps, is done."""
    work()  # warm
    start = time.perf_counter()
    work()
    repeats = max(1, round(SECONDS / (time.perf_counter() - start)))
    rates = []
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(repeats):
            work()
        rates.append(repeats * timesteps / (time.perf_counter() - start))
    low, high = np.percentile(rates, (10, 90))
    return Rate(name, statistics.median(rates), float(high - low) / 2, runs)


def rates(runs: int, port: str) -> list[Rate]:
    """Measure every executor on the same program and inputs."""
    x = AirlineTask.load().inputs
    program = fx.quantize(load_trained(), calibration=x)
    codes, timesteps = program.encode(x), len(x)
    many = np.repeat(codes[np.newaxis], 64, axis=0)
    engine = fx.Engine(program)
    reference = Reference(program)
    found = [
        measure("reference interpreter", timesteps, lambda: (reference.reset(), reference.run_codes(codes)), runs),
        measure("engine, one sequence", timesteps, lambda: engine.run_codes(codes), runs),
        measure("engine, 64 sequences", many.shape[0] * timesteps, lambda: engine.run_codes(many), runs),
    ]
    with fx.Board(port) as board:
        board.program(program)
        name = "emulated board" if port.startswith("emu:") else f"board at {port}"
        found.append(measure(name, timesteps, lambda: board.run(x), runs))
    return found


def machine() -> dict[str, str]:
    """Describe the machine that the figures are from."""
    return {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "load at the end": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "fxlstm": fx.__version__,
    }


def processor() -> str:
    """Return the processor's name as its system tells it."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith(("model name", "Model")):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def show_rates(found: list[Rate]) -> None:
    """Print rates as a table."""
    rows = [(rate.name, f"{rate.timesteps_per_second:,.0f}", f"{rate.spread:,.0f}") for rate in found]
    print_table("LSTM 1-15 and dense 15-1", ("executor", "timesteps per second", "+-"), rows)


def show_durations(found: list[Duration]) -> None:
    """Print durations as a table."""
    print_table("Simulated crossbars, one thread", HEADS, rows_of(found))
    print(*absent(found), sep="\n")


def show_throughputs(found: list[Throughput]) -> None:
    """Print throughputs as a table."""
    rows = [
        (str(one.workers), f"{one.points_per_second:.2f}", f"{one.spread:.2f}", f"{one.speed_up:.2f}", f"{one.free_speed_up:.2f}")
        for one in found
    ]
    heads = ("processes", "points per second", "+-", "speed-up", "speed-up of an empty loop")
    print_table("Sweep of the airline task", heads, rows)


def timings_of(tasks: Iterable[Task], engines: Callable[[Task], dict[str, Run]]) -> list[Timing]:
    """Measure tasks, and say on the error output how far it is."""
    found: list[Timing] = []
    for task in tasks:
        found += (taken := bench_peers.timings(task, engines(task)))
        print(*(f"{one.engine} {one.minimum:.3g}" for one in taken), sep=", ", file=sys.stderr)
    return found


def show_cells(found: list[bench_cells.CellTiming]) -> None:
    """Print cells as a table."""
    print_table("Microseconds of a timestep (times the LSTM's per product)", bench_cells.HEADS, bench_cells.rows_of(found))


def peers(largest: int, write: bool, as_json: bool) -> None:
    """Measure a layer on all engines; print or write the tables."""
    about = machine() | {"kernels": kernel_names()[0]}
    missing = bench_peers.absent()
    found = timings_of(bench_peers.tasks(largest), bench_peers.engines)
    streamed = timings_of(bench_peers.streaming_tasks(largest), bench_peers.streaming_engines)
    wrong = bench_peers.errors(largest)
    if write:
        bench_peers.write(found, streamed, wrong, about)
    if as_json:
        everything = {"machine": about, "absent": missing, "timings": found, "streaming": streamed, "errors": wrong}
        print(json.dumps(everything, default=asdict, indent=2))
    elif not write:
        tables = [bench_peers.timing_table(found, 1), bench_peers.timing_table(found, 2), bench_peers.timing_table(streamed, 1)]
        print(*tables, bench_peers.error_table(wrong), sep="\n\n")
    for name, reason in missing.items():
        print(f"{name}: absent, {reason}", file=sys.stderr)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "part", nargs="?", choices=("executors", "crossbar", "sweep", "peers", "cells"), default="executors", help="what to measure"
    )
    parser.add_argument("--runs", type=int, default=9, help="runs of each (default 9)")
    parser.add_argument("--port", default=URL, help=f"the board (default {URL})")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--largest", type=int, default=1024, help="peers: the most cells of a layer (default 1024)")
    parser.add_argument("--write", action="store_true", help="crossbar, peers, cells: write the tables into docs/performance.md")
    arguments = parser.parse_args()
    if arguments.part == "peers":
        peers(arguments.largest, arguments.write, arguments.json)
        return
    if arguments.part == "crossbar":
        name, found, show = "durations", durations(arguments.runs), show_durations
    elif arguments.part == "cells":
        name, found, show = "cells", bench_cells.all_timings(), show_cells
    elif arguments.part == "sweep":
        name, found, show = "throughputs", throughputs(arguments.runs), show_throughputs
    else:
        name, found, show = "rates", rates(arguments.runs, arguments.port), show_rates
    about = machine()
    described = ", ".join(f"{key} {value}" for key, value in about.items())
    if arguments.write and arguments.part == "crossbar":
        write_page(found, described)
    if arguments.write and arguments.part == "cells":
        bench_cells.write_page(found)
    if arguments.json:
        print(json.dumps({"machine": about, name: [asdict(one) for one in found]}, indent=2))
        return
    show(found)
    print(described)


if __name__ == "__main__":
    main()
