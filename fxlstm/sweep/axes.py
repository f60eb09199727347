"""What a plan may write behind a parameter: one value, a list, a range, or a distribution to draw from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fxlstm.errors import SweepError

Value = bool | int | float | str | None
RANGE_KEYS = {"from", "to", "count", "step", "spacing"}
LARGEST_AXIS = 1_000_000  # values


@dataclass(frozen=True)
class Family:
    """A kind of distribution: the numbers that it needs, how one value is drawn, and what its numbers must fulfil."""

    numbers: tuple[str, ...]
    draw: Callable[..., float]
    sensible: Callable[..., bool]
    rule: str


FAMILIES: dict[str, Family] = {
    "uniform": Family(
        ("low", "high"), lambda random, low, high: random.uniform(low, high), lambda low, high: low < high, "low below high"
    ),
    "log-uniform": Family(
        ("low", "high"),
        lambda random, low, high: math.exp(random.uniform(math.log(low), math.log(high))),
        lambda low, high: 0 < low < high,
        "0 below low below high",
    ),
    "normal": Family(
        ("mean", "deviation"),
        lambda random, mean, deviation: random.normal(mean, deviation),
        lambda mean, deviation: deviation > 0,
        "a deviation above 0",
    ),
    "log-normal": Family(
        ("median", "factor"),
        lambda random, median, factor: median * factor ** random.standard_normal(),
        lambda median, factor: median > 0 and factor > 1,
        "a median above 0 and a factor above 1",
    ),
    "integers": Family(
        ("low", "high"),
        lambda random, low, high: int(random.integers(int(low), int(high) + 1)),
        lambda low, high: low < high and low == int(low) and high == int(high),
        "whole numbers, low below high",
    ),
}


@dataclass(frozen=True)
class Distribution:
    """A distribution that every point draws its own value from."""

    family: Family
    numbers: Mapping[str, float]

    def draw(self, seed: int) -> Value:
        """Return one value, the same for the same ``seed``."""
        drawn = self.family.draw(np.random.default_rng(seed), **self.numbers)
        return drawn if isinstance(drawn, int) else float(drawn)


Axis = tuple[Value, ...] | Distribution


def is_axis(written: object) -> bool:
    """Whether what stands in a plan describes values, and is not a table of further parameters."""
    return not isinstance(written, Mapping) or "distribution" in written or bool(RANGE_KEYS & written.keys())


def read_axis(name: str, written: Any) -> Axis:
    """Return the values of parameter ``name`` that a plan gives. Raises :class:`SweepError` for what describes none."""
    if isinstance(written, Mapping):
        return _distribution(name, written) if "distribution" in written else _range(name, written)
    values = tuple(written) if isinstance(written, list) else (written,)
    if not values:
        raise SweepError(f"{name} has an empty list; give one value at least")
    for value in values:
        if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
            raise SweepError(f"{name} = {value!r}: give a finite number, true or false, or a word")
    if len(set(map(repr, values))) < len(values):
        raise SweepError(f"{name} names a value twice; more runs of the same point come from more seeds")
    return values


def _range(name: str, written: Mapping[str, Any]) -> tuple[Value, ...]:
    """Return the values of {from, to, count}, with spacing "linear" or "log", or of {from, to, step}; both ends count."""
    form = '{from = 0, to = 1, count = 11}, with spacing = "log" where wanted, or {from = 2, to = 16, step = 2}'
    if not {"from", "to"} <= written.keys() <= RANGE_KEYS or ("count" in written and "step" in written):
        raise SweepError(f"{name} = {dict(written)}: a range is written {form}")
    low, high = (_number(name, key, written[key]) for key in ("from", "to"))
    spacing = written.get("spacing", "linear")
    if spacing not in ("linear", "log") or low >= high or (spacing == "log" and low <= 0):
        raise SweepError(f'{name}: a range goes from a number to a larger one, with spacing "linear", or "log" above 0: {form}')
    if "count" in written:
        count = written["count"]
        if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= LARGEST_AXIS:
            raise SweepError(f"{name}: count = {count!r}; give a whole number from 2 to {LARGEST_AXIS}")
        space = np.linspace if spacing == "linear" else np.geomspace
        return tuple(_short(value) for value in space(low, high, count).tolist())
    step = _number(name, "step", written.get("step", 1))
    if step <= 0 or spacing == "log" or (high - low) / step > LARGEST_AXIS:
        raise SweepError(f"{name}: step = {step:g}; give one above 0 that makes at most {LARGEST_AXIS} values, or a count")
    whole = all(isinstance(part, int) for part in (low, high, step))
    values = [low + index * step for index in range(math.floor((high - low) / step + 1e-9) + 1)]
    return tuple(values if whole else map(_short, values))


def _short(value: float) -> float:
    """Return a number without the last digits, which are traces of how it was computed."""
    return float(f"{value:.12g}")


def _distribution(name: str, written: Mapping[str, Any]) -> Distribution:
    kind = written["distribution"]
    if kind not in FAMILIES:
        raise SweepError(f"{name}: no distribution {kind!r}; choose from {', '.join(FAMILIES)}")
    family = FAMILIES[kind]
    if written.keys() != {"distribution", *family.numbers}:
        raise SweepError(f"{name}: distribution {kind!r} takes {' and '.join(family.numbers)}, and nothing else")
    numbers = {key: float(_number(name, key, written[key])) for key in family.numbers}
    if not family.sensible(**numbers):
        raise SweepError(f"{name} = {dict(written)}: choose {family.rule}")
    return Distribution(family, numbers)


def _number(name: str, key: str, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SweepError(f"{name}: {key} = {value!r}; give a finite number")
    return value
