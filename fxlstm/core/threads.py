"""The threads that share an engine's work: sequences of the batch, or columns of one large product after another."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from fxlstm.core._core import Team
from fxlstm.program.program import Program

# Work is counted in multiplications of a product: some 80 of them take a nanosecond where 8-bit weights are in the cache.
LEAST_RUN = 1 << 23  # below it a helper comes too late to be of use: waking one takes 10 to 25 microseconds
LEAST_PRODUCT = 1 << 16  # below it halves of a product take no less time: handing one out and back takes some 0.2 microseconds
ELEMENT = 40  # what one element of an element-wise operation takes
TOGETHER = 6  # sequences that share the weights which a kernel fetches


def work_of(program: Program) -> int:
    """Return the work of one timestep of one sequence."""
    elements = sum(operation.length for operation in program.operations)
    return sum(matrix.weights.size for matrix in program.matrices) + ELEMENT * elements


class Workers:
    """A thread that calls, and ``threads - 1`` helpers, which are started when they are first needed. Threads may share it."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._lock = threading.Lock()
        self._pool: tuple[int, ThreadPoolExecutor] | None = None  # and the process that it belongs to

    def worth(self, work: int) -> int:
        """Return how many threads a run of so much work is worth."""
        return self.threads if work >= LEAST_RUN else 1

    def alone(self, work: int) -> int:
        """Return how many times so much work are left to one thread at most."""
        return sys.maxsize if self.threads == 1 else max(LEAST_RUN - 1, 0) // max(work, 1)

    def share_columns(self, batch: int, largest_product: int) -> bool:
        """Whether to share the columns of products rather than the sequences of a batch.

        Sequences need no waiting for each other, but each thread then fetches all weights, for few sequences at a time.
        """
        return batch < self.threads * TOGETHER and min(batch, TOGETHER) * largest_product >= LEAST_PRODUCT

    def spread(self, run: Callable[[int], object], items: Sequence[int], threads: int) -> None:
        """Call ``run`` with every item, each of so many threads with the next one; who is not free is not waited for."""
        rest = iter(items)

        def work() -> None:
            for item in rest:
                run(item)

        helpers: list[Future[None]] = []
        try:
            for _ in range(1, min(threads, len(items))):
                helpers.append(self._start(work))
            work()
        finally:
            for _ in rest:  # after an error nobody begins another one
                pass
            running = [helper for helper in helpers if not helper.cancel()]
            wait(running)
        for helper in running:
            helper.result()

    @contextmanager
    def team(self) -> Iterator[Team]:
        """Give a team for one run; helpers join it as they come."""
        team = Team(self.threads, LEAST_PRODUCT)
        try:
            for share in range(1, team.size):
                self._start(team.help, share)
            yield team
        finally:
            team.end()

    def _start(self, work: Callable[..., None], *arguments: int) -> Future[None]:
        with self._lock:
            process = os.getpid()
            if self._pool is None or self._pool[0] != process:  # threads do not come along into a forked process
                self._pool = process, ThreadPoolExecutor(self.threads - 1)
            return self._pool[1].submit(work, *arguments)
