"""Cells that every pulse moves a little: further the higher its voltage, less the nearer they are to the end of their window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fxlstm.crossbar.laws.pulse import Pulse, Siemens
from fxlstm.program.device import Preset


@dataclass(frozen=True)
class _Direction:
    """One polarity: ``slope`` siemens per volt above ``threshold``, at full room; spreads of threshold (volts) and of a step."""

    slope: float
    threshold: float
    spread: float
    variation: float

    @classmethod
    def of(cls, preset: Preset, name: str) -> _Direction:
        keys = ("slope", "onset", "onset_spread", "variation")
        return cls(*(preset[f"{name}.{key}"] for key in keys))

    def step(self, pulse: Pulse, character: Siemens) -> Siemens:
        drive = np.maximum(pulse.volts - self.threshold - self.spread * character, 0.0)
        return self.slope * drive * np.maximum(1 + self.variation * pulse.noise, 0.0)


@dataclass(frozen=True)
class Bounded:
    """Steps up and down with soft bounds: a step shrinks in proportion to the room that is left of the window.

    Identical pulses of Yao et al. 2020 and growing ones of Wan et al. 2022 follow the same law at constant and growing voltage.
    """

    up: _Direction
    down: _Direction
    minimum: float
    maximum: float

    @classmethod
    def of(cls, preset: Preset) -> Bounded:
        """Read the law's numbers from a preset."""
        window = preset["conductance.minimum"], preset["conductance.maximum"]
        return cls(_Direction.of(preset, "set"), _Direction.of(preset, "reset"), *window)

    def after_set(self, before: Siemens, pulse: Pulse) -> Siemens:
        """Conductances after a SET pulse."""
        room = (self.maximum - before) / (self.maximum - self.minimum)
        return before + self.up.step(pulse, pulse.character[0]) * room

    def after_reset(self, before: Siemens, pulse: Pulse) -> Siemens:
        """Conductances after a RESET pulse."""
        room = (before - self.minimum) / (self.maximum - self.minimum)
        return before - self.down.step(pulse, pulse.character[1]) * room
