"""How readings of one cell vary: the standard deviation of a single reading relative to the conductance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.laws.pulse import Siemens
from fxlstm.program.device import Preset

Numbers = NDArray[np.float64]


class Reading(Protocol):
    """The noise of readings."""

    @classmethod
    def of(cls, preset: Preset) -> Reading:
        """Read the law's numbers from a preset."""

    def noise(self, conductance: Siemens, seconds: Numbers) -> Numbers | float:
        """Standard deviation over conductance, for cells written ``seconds`` ago; a single number where it is the same for all."""


@dataclass(frozen=True)
class Relative:
    """A constant part of the conductance."""

    part: float

    @classmethod
    def of(cls, preset: Preset) -> Relative:
        """Read the law's numbers from a preset."""
        return cls(preset["read.noise"])

    def noise(self, conductance: Siemens, seconds: Numbers) -> float:
        """Standard deviation over conductance."""
        return self.part


def _memory(seconds: Numbers, width: float) -> Numbers:
    """How 1/f noise grows from the writing until a reading that takes ``width`` seconds; cells never written stand at a day."""
    since = np.where(np.isfinite(seconds), seconds, 86400.0)
    return np.asarray(np.sqrt(np.maximum(np.log((since + width) / (2 * width)), 0.0)))


@dataclass(frozen=True)
class Logarithmic:
    """1/f noise whose standard deviation is ``factor`` times log10(conductance in microsiemens), in siemens; 0 below 1 uS."""

    factor: float
    width: float

    @classmethod
    def of(cls, preset: Preset) -> Logarithmic:
        """Read the law's numbers from a preset."""
        return cls(preset["read.factor"], preset.positive("read.width"))

    def noise(self, conductance: Siemens, seconds: Numbers) -> Numbers:
        """Standard deviation over conductance."""
        microsiemens = np.maximum(conductance * 1e6, 1.0)
        return np.asarray(self.factor * 1e6 * np.log10(microsiemens) / microsiemens * _memory(seconds, self.width))


@dataclass(frozen=True)
class Flicker:
    """1/f noise whose part of the conductance is ``factor`` / (conductance / ``full``) ** ``power``, at most ``most``.

    ``origin``: seconds for which it has grown already when a cell counts as written.
    """

    factor: float
    power: float
    most: float
    width: float
    full: float
    origin: float

    @classmethod
    def of(cls, preset: Preset) -> Flicker:
        """Read the law's numbers from a preset."""
        factor, power, most = (preset[f"read.{key}"] for key in ("factor", "power", "most"))
        width, full = preset.positive("read.width"), preset.positive("conductance.reference")
        return cls(factor, power, most, width, full, preset.get("read.origin"))

    def noise(self, conductance: Siemens, seconds: Numbers) -> Numbers:
        """Standard deviation over conductance."""
        part = np.maximum(conductance / self.full, 1e-12)
        return np.asarray(np.minimum(self.factor / part**self.power, self.most) * _memory(seconds + self.origin, self.width))
