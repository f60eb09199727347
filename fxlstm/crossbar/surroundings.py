"""What surrounds the cells of an array, by name: wires and front end as options of a command, of a URL, in a file or a plan.

The names are those of the fields, behind the section that they belong to: ``wires.row``, ``adc.noise``, ``front_end.reads``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from fxlstm.crossbar.front_end import Converter, FrontEnd
from fxlstm.crossbar.wires import Wires
from fxlstm.errors import ArrayError

Value = bool | int | float | str
Part = TypeVar("Part")

SECTIONS: dict[str, type[Any]] = {"wires": Wires, "front_end": FrontEnd, "dac": Converter, "adc": Converter}
DEFAULTS: dict[str, Value] = {
    f"{section}.{field.name}": field.default
    for section, kind in SECTIONS.items()
    for field in fields(kind)
    if isinstance(field.default, Value)
}
_SWITCHES = {"0": False, "false": False, "1": True, "true": True}


class Surroundings(NamedTuple):
    """Arguments of a :class:`SimulatedArray` beside its cells."""

    wires: Wires
    front_end: FrontEnd


def surroundings(values: Mapping[str, Any]) -> Surroundings:
    """Return wires and front end by those of ``values`` that have one of their names; all others are as by default.

    Raises :class:`ArrayError` for values out of range.
    """
    parts: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for name in DEFAULTS.keys() & values.keys():
        section, _, field = name.partition(".")
        parts[section][field] = values[name]
    dac, adc = (_made(name, Converter, parts[name]) for name in ("dac", "adc"))
    wires = _made("wires", Wires, parts["wires"])
    return Surroundings(wires, _made("front_end", FrontEnd, {"dac": dac, "adc": adc} | parts["front_end"]))


def _made(section: str, kind: Callable[..., Part], values: Mapping[str, Any]) -> Part:
    """Return a part of the surroundings; what it refuses is named with its section, for DAC and ADC have the same fields."""
    try:
        return kind(**values)
    except ArrayError as error:
        raise ArrayError(f"{section}: {error}") from None


def from_texts(texts: Mapping[str, str]) -> Surroundings:
    """Return wires and front end by names and values as a person writes them.

    Raises :class:`ArrayError`, with the list, for an unknown name, and for text that is no value of its field.
    """
    return surroundings({name: _value(name, text) for name, text in texts.items()})


def from_options(options: Iterable[str]) -> Surroundings:
    """Return wires and front end by options, each ``NAME=VALUE`` or the path of a file; a later one stands above an earlier one.

    A file is TOML with a table for each section: ``[wires]``, ``[front_end]``, ``[dac]``, ``[adc]``.
    Raises :class:`ArrayError` as :func:`from_texts`, and for a file that is not there or is no such file.
    """
    values: dict[str, Value] = {}
    for option in options:
        name, equals, text = option.partition("=")
        values |= {name: _value(name, text)} if equals else _of_file(Path(option))
    return surroundings(values)


def _of_file(path: Path) -> dict[str, Value]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ArrayError(f"{str(path)!r} is neither NAME=VALUE nor a TOML file that can be read ({error})") from None
    values = {}
    for section, table in tables.items():
        for field, value in (table if isinstance(table, dict) else {"": table}).items():
            values[f"{section}.{field}".rstrip(".")] = value
    for name in values:
        _default(name)
    return values


def _default(name: str) -> Value:
    if name not in DEFAULTS:
        raise ArrayError(f"nothing around the cells is named {name!r}; choose from {', '.join(DEFAULTS)}")
    return DEFAULTS[name]


def _value(name: str, text: str) -> Value:
    default = _default(name)
    try:
        if isinstance(default, bool):
            return _SWITCHES[text.lower()]
        return type(default)(text)
    except (ValueError, KeyError):
        words = {bool: "true or false", int: "a whole number", float: "a number"}
        raise ArrayError(f"{name} = {text!r}: give {words[type(default)]}") from None
