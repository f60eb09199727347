"""The physics of one kind of cell, read from a device preset: what a pulse does and how well a cell can be read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.device import Preset

Siemens = NDArray[np.float64]


@dataclass(frozen=True)
class Thresholds:
    """Which pulses act at all, and what must not be exceeded; volts and seconds."""

    set: float
    reset: float
    gate_closed: float
    row_limit: float
    gate_limit: float
    shortest: float

    @classmethod
    def of(cls, preset: Preset) -> Thresholds:
        """Read the thresholds from a preset."""
        return cls(
            set=preset["set.threshold"],
            reset=preset["reset.threshold"],
            gate_closed=preset["gate.closed"],
            row_limit=preset["pulse.limit"],
            gate_limit=preset["gate.limit"],
            shortest=preset["pulse.shortest"],
        )


@dataclass(frozen=True)
class Device:
    """A memristor behind a transistor whose gate voltage limits the conductance that a SET reaches; siemens and volts.

    SET moves a cell up to ``gate_offset + gate_slope * gate voltage`` and never down; RESET takes it to ``floor``.
    Both add Gaussian update noise and stay inside ``minimum .. maximum``. ``read_noise`` is relative to the conductance.
    """

    minimum: float
    maximum: float
    gate_offset: float
    gate_slope: float
    floor: float
    set_noise: float
    reset_noise: float
    read_noise: float
    initial: tuple[float, float]
    stuck_fraction: float
    stuck_conductance: float

    @classmethod
    def of(cls, preset: Preset) -> Device:
        """Read the physics from a preset."""
        slope = preset["gate.slope"]
        return cls(
            minimum=preset["conductance.minimum"],
            maximum=preset["conductance.maximum"],
            gate_offset=preset["gate.reference_conductance"] - slope * preset["gate.reference_voltage"],
            gate_slope=slope,
            floor=preset["reset.floor"],
            set_noise=preset["set.noise"],
            reset_noise=preset["reset.noise"],
            read_noise=preset["read.noise"],
            initial=(preset["initial.minimum"], preset["initial.maximum"]),
            stuck_fraction=preset["stuck.fraction"],
            stuck_conductance=preset["stuck.conductance"],
        )

    def after_set(self, before: Siemens, gate_volts: NDArray[np.float64], noise: Siemens) -> Siemens:
        """Conductance after a SET pulse; ``noise`` is a standard normal sample per cell."""
        reached = np.maximum(self.gate_offset + self.gate_slope * gate_volts, before)
        return np.clip(reached + self.set_noise * noise, self.minimum, self.maximum)

    def after_reset(self, noise: Siemens) -> Siemens:
        """Conductance after a RESET pulse; ``noise`` is a standard normal sample per cell."""
        return np.clip(self.floor + self.reset_noise * noise, self.minimum, self.maximum)
