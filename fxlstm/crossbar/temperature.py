"""What temperature does to cells, where a preset has published numbers about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

from fxlstm.errors import ArrayError
from fxlstm.program.device import Preset

ROOM = 300.0  # kelvin that all other numbers of a preset belong to
_BOLTZMANN = 8.617333262e-5  # eV/K


@dataclass(frozen=True)
class Warmth:
    """Factors by which cells at a temperature differ from those at 300 K: of their conductance, and of their drift exponent."""

    conductance: float = 1.0
    drift: float = 1.0

    @classmethod
    def of(cls, preset: Preset, kelvin: float) -> Warmth:
        """Read from a preset what a temperature does.

        ``temperature.resistance``: relative growth of resistance per kelvin, as of metals. ``temperature.activation``: energy in eV
        of a thermally activated current. ``temperature.drift``: energy in eV over which the drift exponent grows with -1/kT,
        relative to that at 300 K. All hold from ``temperature.least`` to ``temperature.most``. Raises :class:`ArrayError` outside,
        and for a preset that says nothing about temperature.
        """
        if isinstance(kelvin, bool) or not isinstance(kelvin, Real):
            raise ArrayError(f"temperature = {kelvin!r}: give kelvin, such as {ROOM:g}")
        if kelvin == ROOM:
            return cls()
        if "temperature.least" not in preset:
            raise ArrayError(
                f"temperature = {kelvin:g} K: device preset {preset.name!r} has no number about temperature, as none is published; "
                f"leave it at {ROOM:g} K, or give a preset of your own with a table [temperature]"
            )
        least, most = preset["temperature.least"], preset["temperature.most"]
        if not least <= kelvin <= most:
            raise ArrayError(
                f"temperature = {kelvin:g} K: device preset {preset.name!r} holds from {least:g} to {most:g} K; choose one of these"
            )
        inverse = 1 / (_BOLTZMANN * ROOM) - 1 / (_BOLTZMANN * kelvin)  # 1/eV, above 0 for a warm cell
        metal = 1 + preset.get("temperature.resistance") * (kelvin - ROOM)
        drift = 1 + preset.get("temperature.drift") * inverse
        if metal <= 0 or drift < 0:
            raise ArrayError(f"device preset {preset.name!r}: its [temperature] makes no sense at {kelvin:g} K; narrow its range")
        return cls(math.exp(preset.get("temperature.activation") * inverse) / metal, drift)
