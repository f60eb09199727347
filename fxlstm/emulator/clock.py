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


class RealClock(VirtualClock):
    """Time by the wall, for boards served to other processes; the board's own work and waits come on top, so time never stands still."""

    def __init__(self) -> None:
        super().__init__()
        self._start = time.monotonic_ns()

    def now(self) -> int:
        """Nanoseconds since power-up."""
        return time.monotonic_ns() - self._start + self._now
