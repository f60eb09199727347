"""Device presets (``fxlstm/devices/*.toml``): numbers of a memristor cell, each with its unit and published source."""

from __future__ import annotations

import copy
import math
import tomllib
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ArrayError

# Factor to SI of every unit that a preset may use.
_UNITS = {
    "V": 1.0,
    "S": 1.0,
    "uS": 1e-6,
    "s": 1.0,
    "us": 1e-6,
    "ns": 1e-9,
    "uS/V": 1e-6,
    "1": 1.0,
    "1/V2": 1.0,
    "ohm": 1.0,
    "m": 1.0,
    "K": 1.0,
    "1/K": 1.0,
    "eV": 1.0,
}
_UNITS["m2/(V s)"] = 1.0

# What a preset may say in a word, and what holds when it does not.
_WORDS = {"law": "gate-limited", "scheme": "write-verify", "ageing": "none", "reading": "relative", "board": "reference"}

Numbers = NDArray[np.float64]


class Preset:
    """The numbers of one device preset in SI units; ``preset["set.voltage"]`` is in volts.

    ``integer``: the cells are ideal and compute in integers. ``law``, ``ageing``, ``reading``: the laws that the numbers belong to
    (:mod:`fxlstm.crossbar.laws`). ``scheme``: how the cells are programmed unless asked otherwise. ``board``: a board whose
    amplifiers suit them. ``sources``: where each number comes from, by its name.
    Raises :class:`ArrayError` for a number without unit or source, that is negative or not finite. Lists may hold negative
    numbers: they are the coefficients of published fits, or one such list for each of several times.
    """

    def __init__(self, name: str, text: str) -> None:
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ArrayError(f"device preset {name!r} is no TOML file: {error}") from None
        self.name = name
        self.description = str(data.pop("description", name))
        self.integer = bool(data.pop("integer", False))
        words = {key: str(data.pop(key, default)) for key, default in _WORDS.items()}
        self.law, self.scheme, self.ageing, self.reading, self.board = words.values()
        self.sources: dict[str, str] = {}
        self._values: dict[str, float] = {}
        self._lists: dict[str, Numbers] = {}
        self._units: dict[str, str] = {}
        for group, quantities in data.items():
            if not isinstance(quantities, dict):
                raise ArrayError(f"device preset {name!r}: {group} has no unit and no source; write it as a table with both")
            for key, quantity in quantities.items():
                self._add(f"{group}.{key}", quantity)

    def _add(self, key: str, quantity: Any) -> None:
        """Take one quantity, or refuse it for want of a value, a known unit or a source."""
        if not isinstance(quantity, dict) or not str(quantity.get("source", "")).strip():
            raise ArrayError(f"device preset {self.name!r}: {key} has no source; say where the number comes from")
        value = _numbers(quantity.get("value"))
        if quantity.get("unit") not in _UNITS or value is None or not np.isfinite(value).all():
            raise ArrayError(f"device preset {self.name!r}: {key} needs a value and a unit of {', '.join(_UNITS)}")
        if value.ndim:
            self._lists[key] = value * _UNITS[quantity["unit"]]
        elif value < 0:
            raise ArrayError(f"device preset {self.name!r}: {key} = {value:g} is negative; give a magnitude, 0 or more")
        else:
            self._values[key] = float(value) * _UNITS[quantity["unit"]]
        self.sources[key], self._units[key] = quantity["source"], quantity["unit"]

    def changed(self, changes: str) -> Preset:
        """Return this preset with other numbers, ``read.noise=0.02&stuck.fraction=0``, each in the unit that the file uses."""
        preset = copy.copy(self)
        preset.name, preset._values = f"{self.name}?{changes}", dict(self._values)
        for change in changes.split("&"):
            key, _, text = change.partition("=")
            if key not in self._values:
                raise ArrayError(f"device preset {self.name!r} has no number {key!r}; it has {', '.join(self._values)}")
            try:
                value = float(text)
            except ValueError:
                value = math.nan
            if not 0 <= value < math.inf:
                raise ArrayError(f"device preset {self.name!r}: {key} = {text}; give a finite number, 0 or more")
            preset._values[key] = value * _UNITS[self._units[key]]
        return preset

    def __contains__(self, key: str) -> bool:
        return key in self.sources

    def __getitem__(self, key: str) -> float:
        if key not in self._values:
            raise ArrayError(f"device preset {self.name!r} lacks {key}; add it to the file with its source")
        return self._values[key]

    def get(self, key: str, absent: float = 0.0) -> float:
        """Return a number that a preset may leave out, as it must where nothing is published and nothing is assumed."""
        return self._values.get(key, absent)

    def positive(self, key: str) -> float:
        """Return a number that may not be 0."""
        if self[key] == 0:
            raise ArrayError(f"device preset {self.name!r}: {key} = 0; give a number above 0")
        return self[key]

    def list(self, key: str, *shape: int | None) -> Numbers:
        """Return the coefficients ``key`` in SI units: a list of ``shape`` (``None``: any length), or a table of two lengths."""
        if key not in self._lists:
            raise ArrayError(f"device preset {self.name!r} lacks the list {key}; add it to the file with its source")
        found = self._lists[key]
        if found.ndim != len(shape) or any(want not in (None, have) for want, have in zip(shape, found.shape, strict=True)):
            wanted = " x ".join("any" if length is None else str(length) for length in shape)
            raise ArrayError(f"device preset {self.name!r}: {key} is a list of shape {found.shape}; give {wanted} numbers")
        return found


def _numbers(value: Any) -> Numbers | None:
    """A number, a list or a table of numbers as an array; ``None`` for anything else."""
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    return array.astype(np.float64) if array.dtype.kind in "iuf" and array.size else None


def load_device(name: str) -> Preset:
    """Return the device preset ``name`` of ``fxlstm/devices``, or of one's own file when ``name`` ends in ``.toml``.

    ``"ta-hfo2?read.noise=0.02&stuck.fraction=0"`` is that preset with other numbers, see :meth:`Preset.changed`.
    An unknown name raises :class:`ArrayError` that lists the known ones.
    """
    name, _, changes = name.partition("?")
    if changes:
        return load_device(name).changed(changes)
    if not name.endswith(".toml"):
        return _shipped(name)
    try:
        return Preset(name, Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ArrayError(f"device preset {name!r} cannot be read ({error}); check the path") from None


def device_names() -> list[str]:
    """Return the names of all presets that come with the package."""
    folder = files("fxlstm") / "devices"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


@lru_cache
def _shipped(name: str) -> Preset:
    known = device_names()
    if name not in known:
        raise ArrayError(
            f"no device preset named {name!r}; known presets: {', '.join(known)}, or the path of a file my-device.toml"
        )
    return Preset(name, (files("fxlstm") / "devices" / f"{name}.toml").read_text(encoding="utf-8"))
