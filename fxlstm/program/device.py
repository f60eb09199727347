"""Device presets (``fxlstm/devices/*.toml``): numbers of a memristor cell, each with its unit and published source."""

from __future__ import annotations

import math
import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any

from fxlstm.errors import ArrayError

# Factor to SI of every unit that a preset may use.
_UNITS = {"V": 1.0, "S": 1.0, "uS": 1e-6, "s": 1.0, "us": 1e-6, "uS/V": 1e-6, "1": 1.0}


class Preset:
    """The numbers of one device preset in SI units; ``preset["set.voltage"]`` is in volts.

    ``integer``: the cells are ideal and compute in integers. ``sources``: where each number comes from, by its name.
    """

    def __init__(self, name: str, text: str) -> None:
        data = tomllib.loads(text)
        self.name = name
        self.description = str(data.pop("description", name))
        self.integer = bool(data.pop("integer", False))
        self.sources: dict[str, str] = {}
        self._values: dict[str, float] = {}
        for group, quantities in data.items():
            if not isinstance(quantities, dict):
                raise ArrayError(f"device preset {name!r}: {group} has no unit and no source; write it as a table with both")
            for key, quantity in quantities.items():
                self._add(f"{group}.{key}", quantity)

    def _add(self, key: str, quantity: Any) -> None:
        """Take one quantity, or refuse it for want of a value, a known unit or a source."""
        if not isinstance(quantity, dict) or not str(quantity.get("source", "")).strip():
            raise ArrayError(f"device preset {self.name!r}: {key} has no source; say where the number comes from")
        value = quantity.get("value")
        if quantity.get("unit") not in _UNITS or not isinstance(value, int | float) or not math.isfinite(value):
            raise ArrayError(f"device preset {self.name!r}: {key} needs a value and a unit of {', '.join(_UNITS)}")
        self._values[key] = value * _UNITS[quantity["unit"]]
        self.sources[key] = quantity["source"]

    def __getitem__(self, key: str) -> float:
        if key not in self._values:
            raise ArrayError(f"device preset {self.name!r} lacks {key}; add it to the file with its source")
        return self._values[key]


@lru_cache
def load_device(name: str) -> Preset:
    """Return the device preset ``name``; an unknown name raises :class:`ArrayError` that lists the known ones."""
    folder = files("fxlstm") / "devices"
    known = sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    if name not in known:
        raise ArrayError(f"no device preset named {name!r}; known presets: {', '.join(known)}")
    return Preset(name, (folder / f"{name}.toml").read_text(encoding="utf-8"))
