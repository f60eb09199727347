"""The time an emulated board lives in."""

from __future__ import annotations

import time


class VirtualClock:
    """Time that passes only when the board works or waits: runs are reproducible, and a lost frame costs no wall time."""

    def __init__(self) -> None:
        self._now = 0

    def now(self) -> int:
        """Nanoseconds since power-up."""
        return self._now

    def advance(self, nanoseconds: int) -> None:
        """Let time pass."""
        self._now += nanoseconds

    def tick(self) -> int:
        """The main loop is about to run once more; return the nanoseconds that pass before it does."""
        return 0


class RealClock(VirtualClock):
    """Time that also passes by the wall, for boards served to other processes.

    The wall's time comes in between two runs of the main loop, never within one: a busy computer lengthens no pulse.
    """

    def __init__(self) -> None:
        super().__init__()
        self._wall = time.monotonic_ns()

    def tick(self) -> int:
        """Return how far the wall's clock has gone on since the last tick."""
        before, self._wall = self._wall, time.monotonic_ns()
        return self._wall - before
