"""The laws that device presets choose by name: what pulses do, what time does, how a cell's reading varies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from fxlstm.crossbar.laws.ageing import Ageing, Decay, Drift, Relaxation, Stable
from fxlstm.crossbar.laws.bounded import Bounded
from fxlstm.crossbar.laws.gate import Direct, GateLimited
from fxlstm.crossbar.laws.ion_drift import IonDrift
from fxlstm.crossbar.laws.pulse import Law, Pulse
from fxlstm.crossbar.laws.reading import Flicker, Logarithmic, Reading, Relative
from fxlstm.errors import ArrayError
from fxlstm.program.device import Preset

LAWS: Mapping[str, type[Law]] = {"gate-limited": GateLimited, "direct": Direct, "bounded": Bounded, "ion-drift": IonDrift}
AGEINGS: Mapping[str, type[Ageing]] = {"none": Stable, "relaxation": Relaxation, "decay": Decay, "drift": Drift}
READINGS: Mapping[str, type[Reading]] = {"relative": Relative, "logarithmic": Logarithmic, "flicker": Flicker}

Kind = TypeVar("Kind")


def law_of(preset: Preset) -> Law:
    """Return what pulses do to the cells of a preset."""
    return _chosen(LAWS, "law", preset).of(preset)


def ageing_of(preset: Preset) -> Ageing:
    """Return what time does to the cells of a preset."""
    return _chosen(AGEINGS, "ageing", preset).of(preset)


def reading_of(preset: Preset) -> Reading:
    """Return how readings of a preset's cells vary."""
    return _chosen(READINGS, "reading", preset).of(preset)


def _chosen(table: Mapping[str, type[Kind]], key: str, preset: Preset) -> type[Kind]:
    name: str = getattr(preset, key)
    if name not in table:
        raise ArrayError(f"device preset {preset.name!r}: {key} = {name!r}; choose one of {', '.join(table)}")
    return table[name]


__all__ = [
    "AGEINGS",
    "LAWS",
    "READINGS",
    "Ageing",
    "Drift",
    "Law",
    "Pulse",
    "Reading",
    "Relative",
    "Stable",
    "ageing_of",
    "law_of",
    "reading_of",
]
