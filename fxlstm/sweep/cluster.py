"""Points computed by the workers of a Dask cluster that is there already."""

from __future__ import annotations

import gc
import queue
import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import fxlstm
from fxlstm.errors import FxlstmError, SweepError
from fxlstm.sweep.measure import Outcome, measure
from fxlstm.sweep.plan import Point
from fxlstm.sweep.task import Task

if TYPE_CHECKING:
    from distributed import Client, Future

AHEAD = 3  # points that each thread of the cluster has before it
PATIENCE = 10.0  # seconds for the scheduler to answer, and for a first worker
KEPT = "what is finished is kept: run the same again"


def measure_on_cluster(task: Task, points: Sequence[Point], scheduler: str) -> Generator[tuple[Point, Outcome], None, None]:
    """Give the points with their outcomes as the workers of the cluster at ``scheduler`` (``tcp://host:port``) finish them.

    Raises :class:`SweepError` when there is no scheduler or no worker, and when it, or the last worker, ends midway.
    """
    client = _connect(scheduler)
    try:
        yield from _Cluster(client, scheduler, task).measure(points)
    finally:
        client.close(timeout=2)


def _connect(scheduler: str) -> Client:
    try:
        from distributed import Client
    except ImportError:
        raise SweepError("a Dask cluster needs the package distributed; install it: pip install 'fxlstm[sweep]'") from None
    try:
        client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError):
        client = None
    if client is None:
        gc.collect()  # ends the client that failed while its event loop runs; at the interpreter's exit it would wait in vain
        raise SweepError(
            f"no Dask scheduler answers at {scheduler!r}; start one with: dask scheduler, or leave --scheduler out to compute here"
        )
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except (TimeoutError, OSError):
        client.close(timeout=2)
        raise SweepError(f"the Dask scheduler at {scheduler!r} has no workers; start some: dask worker {scheduler}") from None
    return client


class _Cluster:
    """One sweep on one cluster."""

    def __init__(self, client: Client, scheduler: str, task: Task) -> None:
        self._client, self._scheduler = client, scheduler
        self._task = client.scatter(task, broadcast=True, hash=False)
        self._done: queue.Queue[Future] = queue.Queue()
        self._last_sign = time.monotonic()

    def measure(self, points: Sequence[Point]) -> Generator[tuple[Point, Outcome], None, None]:
        waiting = iter(points)
        running: dict[Future, Point] = {}
        while True:
            while len(running) < AHEAD * max(1, self._threads()) and (point := next(waiting, None)) is not None:
                running[self._submit(point)] = point
            if not running:
                return
            future = self._next()
            yield running.pop(future), self._outcome(future)

    def _threads(self) -> int:
        """Return how many threads the cluster has; 0 when it cannot be asked."""
        if self._client.status != "running":
            return 0
        try:
            return sum(int(count) for count in self._client.nthreads().values())
        except (OSError, TimeoutError):
            return 0

    def _submit(self, point: Point) -> Future:
        future = self._client.submit(measure, self._task, point, fxlstm.__version__, pure=False)
        future.add_done_callback(self._done.put)
        return future

    def _next(self) -> Future:
        """Return the next future that is done; while waiting, look whether the cluster is still there."""
        while True:
            try:
                future = self._done.get(timeout=0.5)
            except queue.Empty:
                self._check()
            else:
                return future

    def _check(self) -> None:
        if self._threads():
            self._last_sign = time.monotonic()
        elif time.monotonic() - self._last_sign > PATIENCE:
            raise self._lost()

    def _lost(self) -> SweepError:
        what = "has no workers any more" if self._client.status == "running" else "does not answer any more"
        return SweepError(f"the Dask scheduler at {self._scheduler!r} {what}; {KEPT}")

    def _outcome(self, future: Future) -> Outcome:
        """Return what a worker found; what it raised comes through as far as it is a reason that a user understands."""
        from distributed import CancelledError

        try:
            error = future.exception(timeout=PATIENCE)
            if error is None:
                outcome: Outcome = future.result(timeout=PATIENCE)
                return outcome
        except (CancelledError, TimeoutError, OSError):
            raise self._lost() from None
        if isinstance(error, FxlstmError):
            raise error
        raise SweepError(f"a worker of {self._scheduler!r} failed ({type(error).__name__}: {error}); {KEPT}")
