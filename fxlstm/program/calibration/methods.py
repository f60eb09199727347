"""Calibration methods: where the scale of given values ends. What lies beyond saturates; what lies within shares its codes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ModelError

Values = NDArray[np.float64]

# Fractions of the largest magnitude that "error" tries as the end of a scale.
_FRACTIONS = np.linspace(1.0, 0.2, 81)


class Method(ABC):
    """How the ends of scales are chosen: of inputs and weight columns freely, of states and ADC ranges among given ones."""

    @abstractmethod
    def limits(self, values: Values, steps: int) -> Values:
        """Return, per column of ``values`` (samples, columns), the magnitude that stands on the largest code, ``steps`` above 0."""

    def choose(self, values: Values, limits: Sequence[float], steps: int, headroom: float) -> int:
        """Return which of ``limits`` (ascending) ends the scale of ``values``, all of them, with ``headroom`` (a factor) to spare.

        This is the first that reaches, the last where none does.
        """
        needed = float(self.limits(values.reshape(-1, 1), steps)[0]) * headroom
        return next((index for index, limit in enumerate(limits) if needed <= limit), len(limits) - 1)


@dataclass(frozen=True)
class Range(Method):
    """Nothing seen in calibration saturates."""

    def limits(self, values: Values, steps: int) -> Values:
        """Return the largest magnitude of each column."""
        largest: Values = np.abs(values).max(axis=0)
        return largest


@dataclass(frozen=True)
class Percentile(Method):
    """The given percentage of magnitudes is held, 0 < ``percentile`` <= 100; the largest ones saturate."""

    percentile: float = 99.9

    def __post_init__(self) -> None:
        if not isinstance(self.percentile, Real) or not 0 < float(self.percentile) <= 100:
            raise ModelError(f"percentile = {self.percentile!r}: choose a number above 0, at most 100")

    def limits(self, values: Values, steps: int) -> Values:
        """Return each column's percentile of magnitudes; of its largest one where that is 0, as in columns of few weights."""
        magnitudes = np.abs(values)
        held: Values = np.percentile(magnitudes, float(self.percentile), axis=0)
        return np.where(held > 0, held, magnitudes.max(axis=0))


@dataclass(frozen=True)
class LeastError(Method):
    """The mean squared error of rounding and saturation together is least."""

    def limits(self, values: Values, steps: int) -> Values:
        """Return, of some fractions of each column's largest magnitude, the one of least error."""
        largest = np.abs(values).max(axis=0)
        errors = np.stack([_squared_error(values, fraction * largest, steps) for fraction in _FRACTIONS])
        best: Values = _FRACTIONS[errors.argmin(axis=0)] * largest
        return best

    def choose(self, values: Values, limits: Sequence[float], steps: int, headroom: float) -> int:
        """Return the limit of least error for values that are larger by ``headroom``."""
        column = values.reshape(-1, 1) * headroom
        return int(np.argmin([_squared_error(column, np.array([limit]), steps)[0] for limit in limits]))


def _squared_error(values: Values, limits: Values, steps: int) -> Values:
    """Return the mean squared error of each column of ``values``, coded in ``steps`` up to its limit on either side of 0."""
    step = limits / steps
    per_step = np.divide(1.0, step, out=np.zeros_like(step), where=step > 0)
    codes = np.clip(np.floor(values * per_step + 0.5), -steps, steps)
    error: Values = np.mean((codes * step - values) ** 2, axis=0)
    return error


RANGE = Range()
METHODS: dict[str, type[Method]] = {"range": Range, "percentile": Percentile, "error": LeastError}


def find_method(method: str | Method, percentile: float | None = None) -> Method:
    """Return a method by its name; ``percentile`` is that of ``"percentile"``, 99.9 for ``None``.

    Raises :class:`ModelError` for an unknown name, or a percentile given to another method.
    """
    if not isinstance(method, str | Method) or (isinstance(method, str) and method not in METHODS):
        raise ModelError(f"no calibration method {method!r}; choose from: {', '.join(METHODS)}")
    if percentile is None:
        return METHODS[method]() if isinstance(method, str) else method
    if method != "percentile":
        raise ModelError(f"percentile = {percentile!r} means nothing to {method!r}; choose method 'percentile' or leave it out")
    return Percentile(percentile)
