"""The float forward pass: walks a cell's equations, knows no cell by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from fxlstm.network.cells import Activate, Cell, Equation, Multiply, Product, ProductSum

Array = NDArray[np.float64]
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


def evaluate(equation: Equation, vectors: Trace, parameters: Mapping[str, Array]) -> None:
    """Evaluate one equation on the last axis of ``vectors`` and store its results there."""
    match equation:
        case Multiply(results, operands, weight, bias):
            stacked = np.concatenate([vectors[operand] for operand in operands], axis=-1)
            product = stacked @ parameters[weight] + parameters[bias]
            vectors.update(zip(results, np.split(product, len(results), axis=-1), strict=True))
        case Activate(result, function, operand):
            vectors[result] = FUNCTIONS[function](vectors[operand])
        case Product(result, a, b):
            vectors[result] = vectors[a] * vectors[b]
        case ProductSum(result, a, b, c, d):
            vectors[result] = vectors[a] * vectors[b] + vectors[c] * vectors[d]


def trace_cell(cell: Cell, units: int, parameters: Mapping[str, Array], x: Array, names: Collection[str] | None = None) -> Trace:
    """Return the vectors called ``names`` (all where ``None``) over time, (batch, time, length) each.

    ``x``: (batch, time, inputs). States start at zero; what is returned for a state is its new value at each timestep.
    """
    if not cell.states:
        return _keep(_step(cell, {"x": x}, parameters), names)
    batch, time, _ = x.shape
    vectors: Trace = {state: np.zeros((batch, units)) for state in cell.states}
    steps: list[Trace] = []
    for t in range(time):
        vectors = _step(cell, {**vectors, "x": x[:, t]}, parameters)
        steps.append(_keep(vectors, names))
    return {name: np.stack([step[name] for step in steps], axis=1) for name in steps[0]}


def _step(cell: Cell, vectors: Trace, parameters: Mapping[str, Array]) -> Trace:
    """Return ``vectors`` after one pass through the equations; the argument stays as it was."""
    vectors = dict(vectors)
    for equation in cell.equations:
        evaluate(equation, vectors, parameters)
    return vectors


def _keep(vectors: Trace, names: Collection[str] | None) -> Trace:
    return vectors if names is None else {name: vectors[name] for name in names}
