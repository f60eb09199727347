"""Cells whose transistor's gate voltage says what conductance a SET reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.laws.pulse import Pulse, Siemens
from fxlstm.program.device import Preset


@dataclass(frozen=True)
class _GateLine:
    """The straight line of conductance over gate voltage; ``spread``: its standard deviation from cell to cell; siemens, volts."""

    offset: float
    slope: float
    spread: float

    @classmethod
    def of(cls, preset: Preset) -> _GateLine:
        slope = preset.positive("gate.slope")
        offset = preset["gate.reference_conductance"] - slope * preset["gate.reference_voltage"]
        return cls(offset, slope, preset.get("gate.spread"))

    def reached(self, pulse: Pulse) -> Siemens:
        line = self.offset + self.slope * pulse.gates
        return line + self.spread * pulse.character[0] if self.spread else line


@dataclass(frozen=True)
class GateLimited:
    """SET moves a cell up to the line of its gate voltage and never down; RESET takes it to ``floor``; both add Gaussian noise."""

    line: _GateLine
    floor: float
    set_noise: float
    reset_noise: float

    @classmethod
    def of(cls, preset: Preset) -> GateLimited:
        """Read the law's numbers from a preset."""
        return cls(_GateLine.of(preset), preset["reset.floor"], preset["set.noise"], preset["reset.noise"])

    def after_set(self, before: Siemens, pulse: Pulse) -> Siemens:
        """Conductances after a SET pulse."""
        return np.maximum(self.line.reached(pulse), before) + self.set_noise * pulse.noise

    def after_reset(self, before: Siemens, pulse: Pulse) -> Siemens:
        """Conductances after a RESET pulse."""
        return self.floor + self.reset_noise * pulse.noise


@dataclass(frozen=True)
class Direct:
    """Cells of which only the outcome of a whole programming is published: a mean at the target, a spread that depends on it.

    One SET stands for that programming, whatever the cell was before; its gate voltage names the target. ``noise`` are
    coefficients in siemens of the powers of target / ``full``.
    """

    line: _GateLine
    full: float
    noise: NDArray[np.float64]

    @classmethod
    def of(cls, preset: Preset) -> Direct:
        """Read the law's numbers from a preset."""
        return cls(_GateLine.of(preset), preset.positive("conductance.reference"), preset.list("set.polynomial", None))

    def after_set(self, before: Siemens, pulse: Pulse) -> Siemens:
        """Conductances after the programming that a SET stands for."""
        target = self.line.reached(pulse)
        return target + np.asarray(np.abs(np.polynomial.Polynomial(self.noise)(target / self.full))) * pulse.noise

    def after_reset(self, before: Siemens, pulse: Pulse) -> Siemens:
        """Conductances after a RESET pulse: the lowest."""
        return np.zeros_like(before)
