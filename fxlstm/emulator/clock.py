"""The time an emulated board lives in."""

from __future__ import annotations

import time


class VirtualClock:
    """Time that passes only when the board works or waits: runs are reproducible, and a lost frame costs no wall time.

    ``worked`` is that time, in nanoseconds since power-up.
    """

    def __init__(self) -> None:
        self.worked = 0

    def now(self) -> int:
        """Nanoseconds since power-up."""
        return self.worked

    def advance(self, nanoseconds: int) -> None:
        """Let time pass."""
        self.worked += nanoseconds


class RealClock(VirtualClock):
    """Time by the wall, for boards served to other processes; the board's own work and waits come on top."""

    def __init__(self) -> None:
        super().__init__()
        self._start = time.monotonic_ns()

    def now(self) -> int:
        """Nanoseconds since power-up."""
        return time.monotonic_ns() - self._start + self.worked
