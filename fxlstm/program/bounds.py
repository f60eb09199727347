"""Which values a cell's vectors can take, whatever its weights and inputs: interval arithmetic over its equations."""

from __future__ import annotations

import math

from fxlstm.network.cells import (
    CONSTANTS,
    Activate,
    Cell,
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


def value_bounds(cell: Cell) -> dict[str, Interval]:
    """Return the (lowest, highest) value of every vector over all timesteps, states starting at zero.

    A state is bounded where its equations cannot leave the interval that earlier timesteps reached, as a blend of bounded
    vectors cannot; one that grows with every timestep, as a sum does, is unbounded.
    """
    states: dict[str, Interval] = dict.fromkeys(cell.states, (0.0, 0.0))
    timestep = 0
    while True:
        bounds = _step(cell, states)
        reached = {state: _hull(states[state], bounds[state]) for state in states}
        grown = [state for state in states if reached[state] != states[state]]
        if not grown:
            return bounds
        timestep += 1
        settled = timestep <= len(states) + 1
        states.update({state: reached[state] if settled else UNBOUNDED for state in grown})


def _step(cell: Cell, states: dict[str, Interval]) -> dict[str, Interval]:
    """Return the bounds of all vectors after one timestep from the given states."""
    given = dict.fromkeys(("x", *cell.parameters), UNBOUNDED)
    bounds = {**given, **{name: (value, value) for name, value in CONSTANTS.items()}, **states}
    for equation in cell.equations:
        if isinstance(equation, Multiply):
            bounds.update(dict.fromkeys(equation.results, UNBOUNDED))
        else:
            bounds[equation.result] = _result(equation, *(bounds[name] for name in equation.operands))
    return bounds


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
        case Interpolate(), (b, c):
            return _hull(b, c) if a[0] >= 0 and a[1] <= 1 else UNBOUNDED
        case ProductSum(), (b, c, d):
            return _plus(_times(a, b), _times(c, d))
    raise TypeError(f"no bounds of {equation!r}")


def _plus(a: Interval, b: Interval) -> Interval:
    return a[0] + b[0], a[1] + b[1]


def _times(a: Interval, b: Interval) -> Interval:
    corners = [x * y if x and y else 0.0 for x in a for y in b]
    return min(corners), max(corners)


def _hull(a: Interval, b: Interval) -> Interval:
    return min(a[0], b[0]), max(a[1], b[1])
