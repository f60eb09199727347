"""How errors are counted: root mean square, signal to noise, and the median and spread over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def rms(values: Values) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(values**2)))


def decibel(signal: float, noise: float) -> float:
    """Return the ratio of two root mean squares in decibel; infinite without noise, minus infinite without signal."""
    if not noise:
        return float("inf")
    return float(20 * np.log10(signal / noise)) if signal else float("-inf")


@dataclass(frozen=True)
class Spread:
    """A number measured for several seeds: its ``median``, and the ``low`` and ``high`` ends."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of at least one value."""
        return cls(float(np.median(values)), float(min(values)), float(max(values)))

    def text(self, format: str) -> str:
        """The median, and the ends where they differ as written, each by a format specification."""
        low, high = f"{self.low:{format}}", f"{self.high:{format}}"
        ends = f" ({low} to {high})" if low != high else ""
        return f"{self.median:{format}}{ends}"
