"""Points computed by processes of this computer."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from fxlstm.errors import SweepError
from fxlstm.sweep.measure import Outcome, measure
from fxlstm.sweep.plan import Point
from fxlstm.sweep.task import Task

AHEAD = 2  # points that each process has before it, so that none waits for the next


def measure_locally(task: Task, points: Sequence[Point], workers: int) -> Generator[tuple[Point, Outcome], None, None]:
    """Give the points with their outcomes as they are finished by ``workers`` processes.

    Raises :class:`SweepError` when a process ends, as it does when memory runs out.
    """
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _prepare, (task,))
    waiting = iter(points)
    running: dict[Future[Outcome], Point] = {}
    try:
        while True:
            while len(running) < AHEAD * workers and (point := next(waiting, None)) is not None:
                running[pool.submit(_measure, point)] = point
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    except BrokenProcessPool:
        raise SweepError(
            "a process that computes ended, perhaps for want of memory; what is finished is kept: run the same again, or with "
            "fewer --workers"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


_task: Task | None = None


def _prepare(task: Task) -> None:
    """Set up a process: Ctrl-C is for its parent, and it ends with its parent, however that ends."""
    global _task
    _task = task
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _measure(point: Point) -> Outcome:
    assert _task is not None
    return measure(_task, point)
