"""The memristor of Strukov et al. 2008: dopants drift with the current, and the resistance follows where their front stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fxlstm.crossbar.laws.pulse import Pulse, Siemens
from fxlstm.errors import ArrayError
from fxlstm.program.device import Preset


@dataclass(frozen=True)
class IonDrift:
    """Linear drift between hard boundaries: dR/dt = -``rate`` V / R, so that a pulse takes 2 ``rate`` V t off the square of R.

    ``on`` and ``off``: least and greatest resistance in ohm; ``rate``: (off - on) mobility on / thickness**2, in ohm**2 / (V s).
    """

    on: float
    off: float
    rate: float

    @classmethod
    def of(cls, preset: Preset) -> IonDrift:
        """Read the law's numbers from a preset."""
        on, off = preset.positive("drift.on"), preset["drift.off"]
        preset.positive("conductance.minimum")
        if off <= on:
            raise ArrayError(f"device preset {preset.name!r}: drift.off = {off:g} ohm must be above drift.on = {on:g} ohm")
        return cls(on, off, (off - on) * preset["drift.mobility"] * on / preset.positive("drift.thickness") ** 2)

    def after_set(self, before: Siemens, pulse: Pulse) -> Siemens:
        """Conductances after a pulse that drives the front on."""
        return self._after(before, pulse.volts * pulse.seconds)

    def after_reset(self, before: Siemens, pulse: Pulse) -> Siemens:
        """Conductances after a pulse that drives the front back."""
        return self._after(before, -pulse.volts * pulse.seconds)

    def _after(self, before: Siemens, flux: float) -> Siemens:
        square = 1 / before**2 - 2 * self.rate * flux
        return 1 / np.sqrt(np.clip(square, self.on**2, self.off**2))
