"""Which values a cell's vectors can take: interval arithmetic over its equations."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from fxlstm.network import Layer
from fxlstm.network.cells import (
    Activate,
    Cell,
    Clamp,
    Complement,
    Equation,
    Interpolate,
    Multiply,
    Product,
    ProductSum,
    Sum,
)
from fxlstm.program.formats import UNIT_FRACTION
from fxlstm.program.operations import FUNCTION_BY_NAME

Interval = tuple[float, float]
UNBOUNDED: Interval = (-math.inf, math.inf)


def value_bounds(
    cell: Cell, fed: Mapping[str, str] | None = None, initial: Mapping[str, Interval] | None = None
) -> dict[str, Interval]:
    """Return the (lowest, highest) value of every vector over all timesteps, for any weights and inputs.

    States start at zero, or at ``initial``. ``fed``: inputs that take the values of another vector, as a tree's node takes its
    children's; they begin at zero too. Other inputs have the ranges of the cell. A vector is bounded where its equations cannot
    leave the interval that earlier timesteps reached, as a blend of bounded vectors cannot; one that grows with every timestep, as
    a sum does, is unbounded.
    """
    fed = fed or {}
    sources = {**{state: state for state in cell.states}, **fed}
    known = {**dict.fromkeys((*cell.inputs, *cell.parameters), UNBOUNDED), **cell.ranges}
    reached = {name: hull((0.0, 0.0), (initial or {}).get(name, (0.0, 0.0))) for name in sources}
    timestep = 0
    while True:
        bounds = _step(cell, {**known, **reached})
        wider = {name: hull(reached[name], bounds[source]) for name, source in sources.items()}
        grown = [name for name in sources if wider[name] != reached[name]]
        if not grown:
            return {**bounds, **reached}
        timestep += 1
        settled = timestep <= len(sources) + 1
        reached.update({name: wider[name] if settled else UNBOUNDED for name in grown})


def reachable(layer: Layer, given: Mapping[str, Interval]) -> dict[str, Interval]:
    """Return the bounds of every vector after one timestep of a layer with its weights, from bounds of its inputs and states."""
    parameters = {name: layer.parameters[name] for name in layer.cell.parameters}
    return _step(layer.cell, {**{name: (values.min(), values.max()) for name, values in parameters.items()}, **given}, layer)


def _step(cell: Cell, given: Mapping[str, Interval], layer: Layer | None = None) -> dict[str, Interval]:
    """Return the bounds of all vectors after one timestep; a product's are known where its weights are."""
    bounds = {**{name: (value, value) for name, value in cell.numbers.items()}, **given}
    for equation in cell.every_equation:
        if not isinstance(equation, Multiply):
            bounds[equation.result] = _result(equation, *(bounds[name] for name in equation.operands))
        elif layer is None:
            bounds.update(dict.fromkeys(equation.results, UNBOUNDED))
        else:
            bounds.update(_products(equation, layer, bounds))
    return bounds


def _products(multiply: Multiply, layer: Layer, bounds: Mapping[str, Interval]) -> dict[str, Interval]:
    """Return the bounds of a product's results over all their columns."""
    lengths = [layer.length(name) for name in multiply.operands]
    low, high = (np.repeat([bounds[name][end] for name in multiply.operands], lengths) for end in (0, 1))
    weight, bias = layer.parameters[multiply.weight], layer.parameters[multiply.bias]
    highest = np.maximum(weight, 0).T @ high + np.minimum(weight, 0).T @ low + bias
    lowest = np.maximum(weight, 0).T @ low + np.minimum(weight, 0).T @ high + bias
    ends = np.cumsum([layer.length(name) for name in multiply.results])[:-1]
    pairs = zip(np.split(lowest, ends), np.split(highest, ends), strict=True)
    return {name: (float(a.min()), float(b.max())) for name, (a, b) in zip(multiply.results, pairs, strict=True)}


def _result(equation: Equation, a: Interval, *others: Interval) -> Interval:
    match equation, others:
        case Activate(), ():
            high = 2.0 ** (UNIT_FRACTION - FUNCTION_BY_NAME[equation.function].result_fraction)
            return (0.0 if equation.function == "sigmoid" else -high), high
        case Complement(), ():
            return 1 - a[1], 1 - a[0]
        case Sum(), (b,):
            return _plus(a, b)
        case Product(), (b,):
            return _times(a, b)
        case Clamp(), ((low, _), (high, _)):
            return min(max(a[0], low), high), min(max(a[1], low), high)
        case Interpolate(), (b, c):
            return hull(b, c) if a[0] >= 0 and a[1] <= 1 else UNBOUNDED
        case ProductSum(), (b, c, d):
            return _plus(_times(a, b), _times(c, d))
    raise TypeError(f"no bounds of {equation!r}")


def _plus(a: Interval, b: Interval) -> Interval:
    return a[0] + b[0], a[1] + b[1]


def _times(a: Interval, b: Interval) -> Interval:
    corners = [x * y if x and y else 0.0 for x in a for y in b]
    return min(corners), max(corners)


def hull(a: Interval, b: Interval) -> Interval:
    """Return the smallest interval that holds both."""
    return min(a[0], b[0]), max(a[1], b[1])
