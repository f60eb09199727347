"""The physics of one kind of cell, read from a device preset: its laws, its window, its defects, and which pulses act."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.laws import Ageing, Drift, Law, Reading, ageing_of, law_of, reading_of
from fxlstm.crossbar.temperature import ROOM, Warmth
from fxlstm.errors import ArrayError
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

    def check(self, row_volts: NDArray[np.float64], gate_volts: NDArray[np.float64], seconds: float, device: str) -> None:
        """Refuse a pulse beyond the limits of cells of ``device``, and one of NaN."""
        row, gate = float(np.abs(row_volts).max()), float(np.abs(gate_volts).max())
        if not row <= self.row_limit:
            raise ArrayError(f"a row voltage of {row:g} V: device {device!r} allows {self.row_limit:g} V at most")
        if not gate <= self.gate_limit or gate_volts.min() < 0:
            raise ArrayError(f"a gate voltage of {gate:g} V: device {device!r} allows 0 to {self.gate_limit:g} V")
        if not 0 < seconds <= 10:
            raise ArrayError(f"a pulse of {seconds} s: choose more than 0 and at most 10 s")


@dataclass(frozen=True)
class Defects:
    """Which cells no pulse moves: part of all cells, and where they stand in siemens (``None``: where they were made).

    ``kinds``: ``stuck`` as in chips whose paper does not say at which end, ``stuck_on``, ``stuck_off``, ``unresponsive``.
    """

    kinds: tuple[tuple[float, float | None], ...]

    @classmethod
    def of(cls, preset: Preset) -> Defects:
        """Read the defects from a preset; kinds that it does not name do not occur."""
        places: dict[str, str | None] = {"stuck": "stuck.conductance", "stuck_on": "conductance.maximum"}
        places |= {"stuck_off": "conductance.minimum", "unresponsive": None}
        present = [(preset[f"{kind}.fraction"], place) for kind, place in places.items() if f"{kind}.fraction" in preset]
        if sum(fraction for fraction, _ in present) > 1:
            raise ArrayError(f"device preset {preset.name!r}: its defects make up more than all cells; lower their fractions")
        return cls(tuple((fraction, None if place is None else preset[place]) for fraction, place in present))

    def strike(self, state: Siemens, chances: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Bring the cells that are struck to where they stand and return which; ``chances``: uniform in 0..1, one per cell."""
        struck = np.zeros(state.shape, np.bool_)
        low = 0.0
        for fraction, place in self.kinds:
            hit = (chances >= low) & (chances < low + fraction)
            if place is not None:
                state[hit] = place
            struck |= hit
            low += fraction
        return struck


@dataclass(frozen=True)
class Device:
    """The physics of one kind of cell: three laws and the numbers that all kinds share; siemens and volts.

    Cells stay inside ``minimum .. maximum``; fresh ones are uniform in ``initial``. ``cubic``: I = G V (1 + cubic V**2), in 1/V**2.
    ``warmth``: how the temperature changes what the laws give.
    """

    law: Law
    ageing: Ageing
    reading: Reading
    defects: Defects
    minimum: float
    maximum: float
    initial: tuple[float, float]
    cubic: float
    warmth: Warmth

    @classmethod
    def of(cls, preset: Preset, kelvin: float = ROOM) -> Device:
        """Read the physics at a temperature from a preset.

        Raises :class:`ArrayError` for cells that would start outside their own window.
        """
        window = preset["conductance.minimum"], preset["conductance.maximum"]
        initial = preset["initial.minimum"], preset["initial.maximum"]
        if not window[0] <= initial[0] <= initial[1] <= window[1] or window[0] == window[1]:
            spans = f"conductance {window[0]:g} to {window[1]:g} S, initial {initial[0]:g} to {initial[1]:g} S"
            raise ArrayError(f"device preset {preset.name!r}: {spans}; the window must hold the initial conductances")
        warmth = Warmth.of(preset, kelvin)
        ageing = ageing_of(preset)
        if isinstance(ageing, Drift):
            ageing = replace(ageing, warmth=warmth.drift)
        laws = law_of(preset), ageing, reading_of(preset)
        return cls(*laws, Defects.of(preset), *window, initial, preset.get("conduction.cubic"), warmth)

    def inside(self, conductance: Siemens) -> Siemens:
        """Conductances kept inside the window."""
        return np.clip(conductance, self.minimum, self.maximum)
