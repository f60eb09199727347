"""How long a simulated crossbar takes to multiply, to serve an LSTM and to be solved with its wires, beside its peers.

Every contestant works alone in a process of one thread; they take turns, round after round, so that what disturbs the machine
disturbs all alike.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from crossbar_contestants import CONTESTANTS, Contestant
from generators.pages import fill, table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SECONDS = 0.02  # one measurement takes at least so long; what is faster is repeated inside it
SLOW = 1.0  # seconds: what takes longer runs few rounds
FEW_RUNS = 3


@dataclass(frozen=True)
class Duration:
    """Microseconds: median and half the distance between the 10th and the 90th percentile; peak memory of the process.

    ``absent``: why there are none.
    """

    task: str
    name: str
    microseconds: float = 0.0
    spread: float = 0.0
    runs: int = 0
    mebibytes: float = 0.0
    absent: str = ""


class Worker:
    """A process in which one contestant works when it is asked."""

    def __init__(self, index: int) -> None:
        self.contestant = CONTESTANTS[index]
        command = [sys.executable, __file__, str(index)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, env=os.environ | ONE_THREAD, text=True, **pipes)
        self.absent: str = self._answer()["absent"]
        self.seconds: list[float] = []

    def work(self) -> None:
        """Take one turn, unless enough is known of what is slow."""
        if self.absent or (len(self.seconds) >= FEW_RUNS and self.seconds[0] > SLOW):
            return
        self._write("go")
        self.seconds.append(self._answer()["seconds"])

    def finish(self) -> Duration:
        """End the process and return what came of it."""
        task, name = self.contestant.task, self.contestant.name
        if self.absent:
            self._process.wait()
            return Duration(task, name, absent=self.absent)
        self._write("end")
        kibibytes = self._answer()["kibibytes"]
        self._process.wait()
        scaled = np.array(self.seconds) * (1e6 / self.contestant.steps)
        low, high = np.percentile(scaled, (10, 90))
        return Duration(task, name, statistics.median(scaled), float(high - low) / 2, len(scaled), kibibytes / 1024)

    def _write(self, word: str) -> None:
        _pipe(self._process.stdin).write(word + "\n")
        _pipe(self._process.stdin).flush()

    def _answer(self) -> dict[str, float | str]:
        return json.loads(_pipe(self._process.stdout).readline() or '{"absent": "its process ended"}')


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def durations(runs: int) -> list[Duration]:
    """Measure all contestants, those of one task in turns."""
    found = []
    for task in dict.fromkeys(contestant.task for contestant in CONTESTANTS):
        workers = [Worker(index) for index, contestant in enumerate(CONTESTANTS) if contestant.task == task]
        for _ in range(runs):
            for worker in workers:
                worker.work()
        found += [worker.finish() for worker in workers]
    return found


def rows_of(found: list[Duration]) -> list[tuple[str, ...]]:
    """Return the table's rows: what was measured."""
    return [
        (one.task, one.name, _short(one.microseconds), _short(one.spread), f"{one.mebibytes:,.0f}")
        for one in found
        if not one.absent
    ]


def absent(found: list[Duration]) -> list[str]:
    """Say who could not be measured and why."""
    return list(dict.fromkeys(f"Not measured: {one.name}: {one.absent}." for one in found if one.absent))


HEADS = ("what", "by", "microseconds", "+-", "peak MiB")


def _short(microseconds: float) -> str:
    return f"{microseconds:,.2f}" if microseconds < 100 else f"{microseconds:,.0f}"


def write_page(found: list[Duration], machine: str) -> None:
    """Write the table into docs/performance.md."""
    lines = [table(HEADS, rows_of(found)), *absent(found), f"Measured on {machine}."]
    PAGE.write_text(fill(PAGE.read_text(), "crossbar", "\n\n".join(lines)))


def _work_here(contestant: Contestant) -> None:
    """What a worker's process does: answer every line by one line of JSON."""
    try:
        work = contestant.make()
        work()
    except Exception as reason:
        why = contestant.why_absent if isinstance(reason, ImportError) and contestant.why_absent else str(reason)
        print(json.dumps({"absent": why}), flush=True)
        return
    print(json.dumps({"absent": ""}), flush=True)
    repeats = 0
    for line in sys.stdin:
        if line.strip() == "end":
            break
        repeats = repeats or max(1, round(SECONDS / _seconds(work, 1)))
        print(json.dumps({"seconds": _seconds(work, repeats)}), flush=True)
    print(json.dumps({"kibibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}), flush=True)


def _seconds(work: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - start) / repeats


if __name__ == "__main__":
    _work_here(CONTESTANTS[int(sys.argv[1])])
