"""The float forward pass: walks a cell's equations, knows no cell by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np

from fxlstm.network.cells import Activate, Complement, Equation, Interpolate, Multiply, Product, ProductSum, Sum
from fxlstm.network.layer import Array, Layer

Trace = dict[str, Array]


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)), without overflow for any x."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "centred_logistic_g": lambda x: 2.0 * np.tanh(0.5 * x),
    "centred_logistic_h": lambda x: np.tanh(0.5 * x),
}


def evaluate(equation: Equation, vectors: Trace, layer: Layer) -> None:
    """Evaluate one equation on the last axis of ``vectors`` and store its results there."""
    operands = [vectors[name] for name in equation.operands]
    if isinstance(equation, Multiply):
        product = np.concatenate(operands, axis=-1) @ layer.parameters[equation.weight] + layer.parameters[equation.bias]
        ends = np.cumsum([layer.length(name) for name in equation.results])
        vectors.update(zip(equation.results, np.split(product, ends[:-1], axis=-1), strict=True))
    else:
        vectors[equation.result] = _elementwise(equation, *operands)


def _elementwise(equation: Equation, a: Array, *others: Array) -> Array:
    match equation, others:
        case Activate(), ():
            return FUNCTIONS[equation.function](a)
        case Complement(), ():
            return 1.0 - a
        case Sum(), (b,):
            return a + b
        case Product(), (b,):
            return a * b
        case Interpolate(), (b, c):
            return a * b + (1.0 - a) * c
        case ProductSum(), (b, c, d):
            return a * b + c * d
    raise TypeError(f"no float form of {equation!r}")


def trace_layer(
    layer: Layer,
    x: Array,
    names: Collection[str] | None = None,
    initial: Mapping[str, Array] | None = None,
    reverse: bool = False,
) -> Trace:
    """Return the vectors called ``names`` over time, (batch, time, length) each; where ``None`` all but those that never change.

    ``x``: (batch, time, inputs). States start at ``initial``, (batch, length) each, else at zero; what is returned for a state is
    its new value at each timestep. ``reverse`` runs from the last timestep to the first; the results are in order all the same.
    """
    if reverse:
        backward = trace_layer(layer, x[:, ::-1], names, initial)
        return {name: values[:, ::-1] for name, values in backward.items()}
    if not layer.cell.states:
        return _step(layer, {"x": x}, names)
    batch, time, _ = x.shape
    states: Trace = {state: np.zeros((batch, layer.length(state))) for state in layer.cell.states} | dict(initial or {})
    kept = None if names is None else {*names, *states}
    steps: list[Trace] = []
    for t in range(time):
        steps.append(_step(layer, {**states, "x": x[:, t]}, kept))
        states = {state: steps[-1][state] for state in states}
    return {name: np.stack([step[name] for step in steps], axis=1) for name in (steps[0] if names is None else names)}


def _step(layer: Layer, vectors: Trace, names: Collection[str] | None) -> Trace:
    """Return the named vectors, or all that change, after one pass through the equations."""
    fixed = layer.fixed
    vectors = {**fixed, **vectors}
    for equation in layer.cell.equations:
        evaluate(equation, vectors, layer)
    return {name: vectors[name] for name in (names or [name for name in vectors if name not in fixed])}
