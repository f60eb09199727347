"""What time does to a cell after it was written. Each cell keeps one standard normal number per writing that says how it fares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from fxlstm.crossbar.laws.pulse import Siemens
from fxlstm.errors import ArrayError
from fxlstm.program.device import Preset

Numbers = NDArray[np.float64]


class Ageing(Protocol):
    """Conductances at a time after writing."""

    @classmethod
    def of(cls, preset: Preset) -> Ageing:
        """Read the law's numbers from a preset."""

    def after(self, written: Siemens, seconds: Numbers, fate: Numbers) -> Siemens:
        """Conductances ``seconds`` after they were ``written``; ``fate``: a standard normal number per cell and writing."""


@dataclass(frozen=True)
class Stable:
    """Cells that keep what was written, where nothing is published about their ageing."""

    @classmethod
    def of(cls, preset: Preset) -> Stable:
        """Read nothing from a preset."""
        return cls()

    def after(self, written: Siemens, seconds: Numbers, fate: Numbers) -> Siemens:
        """Return what was written."""
        return written.copy()


@dataclass(frozen=True)
class Relaxation:
    """A Gaussian departure whose spread depends on conductance and time.

    ``spread``: for each of ``times`` (seconds, growing) the coefficients of the powers of conductance / ``full``, in siemens.
    Between these times the spread is a straight line over the logarithm of time; before the first it grows in proportion to
    time, after the last it stays.
    """

    times: Numbers
    spread: Numbers
    full: float

    @classmethod
    def of(cls, preset: Preset) -> Relaxation:
        """Read the law's numbers from a preset."""
        times = preset.list("relaxation.times", None)
        if times[0] <= 0 or (np.diff(times) <= 0).any():
            raise ArrayError(f"device preset {preset.name!r}: relaxation.times = {times} s; give growing times above 0")
        return cls(times, preset.list("relaxation.spread", len(times), None), preset.positive("conductance.reference"))

    def after(self, written: Siemens, seconds: Numbers, fate: Numbers) -> Siemens:
        """Conductances ``seconds`` after writing."""
        return written + self.sigma(written, seconds) * fate

    def sigma(self, written: Siemens, seconds: Numbers) -> Siemens:
        """The spread in siemens of cells written to ``written``, ``seconds`` ago."""
        times, seconds = self.times, np.asarray(seconds, np.float64)
        spreads = np.array([np.abs(Polynomial(row)(written / self.full)) for row in self.spread])
        position = np.interp(np.log(np.maximum(seconds, times[0])), np.log(times), np.arange(len(times)))
        weights = np.maximum(1 - np.abs(position - np.arange(len(times)).reshape(-1, *[1] * position.ndim)), 0)
        return np.asarray((weights * spreads).sum(axis=0) * np.minimum(seconds / times[0], 1.0))


@dataclass(frozen=True)
class Decay:
    """A departure whose mean and spread are straight lines over ln(seconds), whatever the conductance; siemens."""

    mean: Numbers
    spread: Numbers

    @classmethod
    def of(cls, preset: Preset) -> Decay:
        """Read the law's numbers from a preset."""
        return cls(preset.list("decay.mean", None), preset.list("decay.spread", None))

    def after(self, written: Siemens, seconds: Numbers, fate: Numbers) -> Siemens:
        """Conductances ``seconds`` after writing; before the first second only the part of it that has passed counts."""
        time, begun = np.log(np.maximum(seconds, 1.0)), np.minimum(seconds, 1.0)
        return written + begun * (Polynomial(self.mean)(time) + Polynomial(self.spread)(time) * fate)


@dataclass(frozen=True)
class Drift:
    """Power-law drift: conductance times ((t + origin) / origin) ** -nu; nu varies from cell to cell and with the conductance.

    ``mean`` and ``spread`` of nu: (slope, offset, least, greatest) of a straight line over ln(conductance / ``full``).
    ``warmth``: factor of nu at the cells' temperature.
    """

    origin: float
    mean: Numbers
    spread: Numbers
    full: float
    warmth: float = 1.0

    @classmethod
    def of(cls, preset: Preset) -> Drift:
        """Read the law's numbers from a preset."""
        lines = preset.list("drift.mean", 4), preset.list("drift.spread", 4)
        return cls(preset.positive("drift.origin"), *lines, preset.positive("conductance.reference"))

    def exponents(self, written: Siemens, fate: Numbers) -> Numbers:
        """The drift exponent nu of each cell, never below 0: no cell gains."""
        logarithm = np.log(np.maximum(written / self.full, 1e-12))
        mean, spread = (np.clip(line[0] * logarithm + line[1], line[2], line[3]) for line in (self.mean, self.spread))
        return np.asarray(np.abs(mean + spread * fate) * self.warmth)

    def after(self, written: Siemens, seconds: Numbers, fate: Numbers) -> Siemens:
        """Conductances ``seconds`` after writing."""
        return np.asarray(written * ((seconds + self.origin) / self.origin) ** -self.exponents(written, fate))
