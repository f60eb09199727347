"""Plans: TOML files that name a task, parameters with their values, and seeds; and the points that they come to."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from fxlstm.errors import FxlstmError, SweepError
from fxlstm.sweep.axes import Axis, Distribution, Value, is_axis, read_axis
from fxlstm.sweep.parameters import SECTIONS, check, completed, find_parameter

LARGEST_PLAN = 1_000_000  # points
_FORM = "seeds = [1, 2, 3] or seeds = {from = 1, to = 20}"


@dataclass(frozen=True)
class Point:
    """One set of parameters, defaults included, and one seed: all that its metrics depend on.

    ``own_seed`` is the seed of its array, derived from both, so that no two points share their chances.
    """

    parameters: Mapping[str, Value]
    seed: int

    @property
    def own_seed(self) -> int:
        """Seed of the point's array."""
        return derived_seed(self.parameters, self.seed, "array")

    def key(self, task: str) -> str:
        """Return the name under which the result is kept; ``task`` is the identity of what was run."""
        return _digest([task, self.seed, sorted(self.parameters.items())]).hex()[:32]


@dataclass(frozen=True, eq=False)
class Plan:
    """A checked plan.

    ``text``: as it was written. ``task``: what its task is, a name or a table of files. ``axes``: the values of every parameter it
    gives. ``seeds``: one point each per set of parameters.
    """

    text: str
    task: str | Mapping[str, str]
    axes: Mapping[str, Axis]
    seeds: tuple[int, ...]

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """All points, in the order of the plan: the last axis changes fastest, and seeds faster still."""
        return tuple(self._points())

    def _points(self) -> Iterator[Point]:
        grid = {name: axis for name, axis in self.axes.items() if not isinstance(axis, Distribution)}
        drawn = {name: axis for name, axis in self.axes.items() if isinstance(axis, Distribution)}
        for values in product(*grid.values()):
            fixed = dict(zip(grid, values, strict=True))
            base = None if drawn else completed(fixed)
            for seed in self.seeds:
                chances = {
                    name: find_parameter(name).checked(name, axis.draw(derived_seed(fixed, seed, name)))
                    for name, axis in drawn.items()
                }
                yield Point(completed(fixed | chances) if base is None else base, seed)

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.seeds) * math.prod(len(axis) for axis in self.axes.values() if not isinstance(axis, Distribution))


def derived_seed(parameters: Mapping[str, Value], seed: int, use: str) -> int:
    """Return a seed of 63 bits that follows from a plan's seed, parameters, and what it is used for."""
    return int.from_bytes(_digest([use, seed, sorted(parameters.items())])[:8]) >> 1


def _digest(content: list[Any]) -> bytes:
    return hashlib.sha256(json.dumps(content).encode()).digest()


def load_plan(path: str | os.PathLike[str]) -> Plan:
    """Return the plan of a TOML file, every set of its parameters checked.

    Raises :class:`SweepError` for a file that is no plan, that has no seeds, unknown parameters, or asks for what is not possible.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SweepError(f"the plan {os.fspath(path)!r} cannot be read ({error}); check the path") from None
    return read_plan(text)


def read_plan(text: str) -> Plan:
    """Return the plan that a TOML text describes; raises as :func:`load_plan`."""
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SweepError(f"the plan is no TOML: {error}") from None
    if "seeds" not in written:
        raise SweepError(f"the plan has no seeds, so it could not be repeated; add {_FORM}")
    seeds, task = _seeds(written.pop("seeds")), _task(written.pop("task", None))
    if unknown := sorted(written.keys() - set(SECTIONS)):
        raise SweepError(f"{unknown[0]!r} is no part of a plan; it has task, seeds, and tables {', '.join(SECTIONS)}")
    plan = Plan(text, task, dict(_axes(written)), seeds)
    if plan.size > LARGEST_PLAN:
        raise SweepError(f"the plan has {plan.size} points; at most {LARGEST_PLAN} are allowed, so give fewer values or split it")
    _check(plan)
    return plan


def _seeds(written: Any) -> tuple[int, ...]:
    if not isinstance(written, list | Mapping):
        raise SweepError(f"seeds = {written!r}: write {_FORM}")
    seeds = read_axis("seeds", written)
    if isinstance(seeds, Distribution):
        raise SweepError(f"seeds are not drawn, they are what draws; write {_FORM}")
    whole = [seed for seed in seeds if isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0]
    if len(whole) != len(seeds):
        raise SweepError(f"seeds are whole numbers from 0; write {_FORM}")
    return tuple(whole)


def _task(written: Any) -> str | Mapping[str, str]:
    named = isinstance(written, str) and written
    filed = isinstance(written, Mapping) and written and all(isinstance(value, str) for value in written.values())
    if not named and not filed:
        raise SweepError(
            'the plan has no task; add task = "airline", or task = {network = "net.safetensors", inputs = "x.npy"}, '
            'or task = {program = "model.fxl", inputs = "x.npy"}'
        )
    return written if isinstance(written, str) else dict(written)


def _axes(written: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Axis]]:
    """Give each parameter's name, tables joined by dots, and its checked values."""
    for key, value in written.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and not is_axis(value):
            yield from _axes(value, f"{name}.")
        elif not prefix:
            raise SweepError(f"{name} = {value!r}: {name} is a table; write [{name}] and its parameters below")
        else:
            yield name, _checked(name, read_axis(name, value))


def _checked(name: str, axis: Axis) -> Axis:
    known = find_parameter(name)
    if isinstance(axis, Distribution):
        known.checked(name, axis.draw(0))
        return axis
    return tuple(known.checked(name, value) for value in axis)


def _check(plan: Plan) -> None:
    """Raise :class:`SweepError` unless every set of parameters can be run."""
    try:
        points = plan.points
    except FxlstmError as error:
        raise SweepError(f"the plan asks for what is not possible: {error}") from None
    seen = set()
    for point in points:
        identity = tuple(point.parameters.items())
        if identity not in seen:
            seen.add(identity)
            check(point.parameters)
