"""The time gate of the Phased LSTM, and the times at which the timesteps of a sequence were taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network.arrays import Array, as_float

TIME_GATE_INPUT = "k"


@dataclass(frozen=True, eq=False)
class TimeGate:
    """An oscillation per unit that lets new states in while it is open: Neil et al. 2016, Phased LSTM.

    ``period``, ``phase``: in the unit of the times, (units,); ``open_ratio``: the share of a period during which the gate is
    open, rising and falling linearly, in 0..1, (units,) or one number; ``leak``: what it lets through while closed, per phase in
    0..1, usually 0 outside training. Raises :class:`ModelError` for numbers out of range or arrays of different lengths.
    """

    period: Array
    phase: Array
    open_ratio: Array
    leak: float = 0.0

    def __post_init__(self) -> None:
        for name in ("period", "phase", "open_ratio"):
            array = np.atleast_1d(as_float(getattr(self, name), f"time gate, {name}"))
            object.__setattr__(self, name, array)
        try:
            shape = np.broadcast_shapes(self.period.shape, self.phase.shape, self.open_ratio.shape)
        except ValueError:
            shape = ()
        if len(shape) != 1:
            shapes = self.period.shape, self.phase.shape, self.open_ratio.shape
            raise ModelError(f"time gate: period, phase and open_ratio have the shapes {shapes}; give one number for each unit")
        for name in ("period", "phase", "open_ratio"):
            object.__setattr__(self, name, np.broadcast_to(getattr(self, name), shape))
        self._check_values()

    def _check_values(self) -> None:
        if not (self.period > 0).all():
            raise ModelError(f"time gate: a period of {self.period.min()}; periods must be positive")
        if not ((self.open_ratio > 0) & (self.open_ratio <= 1)).all():
            raise ModelError("time gate: open_ratio must be above 0 and at most 1")
        if not 0 <= self.leak <= 1:
            raise ModelError(f"time gate: leak = {self.leak}; it must be in 0..1")

    @property
    def units(self) -> int:
        """How many gates there are."""
        return len(self.period)

    def openness(self, times: ArrayLike) -> Array:
        """Return how far the gates are open at ``times``, any shape, in 0..1: (..., units)."""
        shifted = np.asarray(times, dtype=np.float64)[..., np.newaxis] - self.phase
        phi = np.mod(shifted, self.period) / self.period
        rising, falling = 2 * phi / self.open_ratio, 2 - 2 * phi / self.open_ratio
        closed = self.leak * phi
        return np.where(phi < self.open_ratio / 2, rising, np.where(phi < self.open_ratio, falling, closed))


def checked_times(times: ArrayLike | None, batch: int, time: int) -> Array:
    """Return the times of timesteps, (batch, time); their numbers 0, 1, 2, ... where none are given.

    ``times``: (batch, time), or (time,) for all sequences. Raises :class:`ModelError` for another shape, NaN and infinity.
    """
    if times is None:
        return np.broadcast_to(np.arange(time, dtype=np.float64), (batch, time))
    array = as_float(times, "times")
    if array.shape not in ((time,), (batch, time)):
        raise ModelError(f"times have shape {array.shape}; give {(batch, time)}, one time for each timestep")
    return np.broadcast_to(array, (batch, time))


def check_sorted(times: Array) -> None:
    """Raise :class:`ModelError` where a time of a sequence, (batch, time), is before the previous one."""
    if (np.diff(times, axis=1) < 0).any():
        row, step = (int(index) for index in np.argwhere(np.diff(times, axis=1) < 0)[0])
        before, after = times[row, step], times[row, step + 1]
        raise ModelError(f"times of sequence {row} go back from {before} to {after} at timestep {step + 1}; sort its timesteps")
