"""The float forward pass: walks a cell's equations, knows no cell by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from fxlstm.network.cells import FUNCTIONS, Activate, Clamp, Complement, Equation, Interpolate, Multiply, Product, ProductSum, Sum
from fxlstm.network.directions import Block, directed_layers, merged
from fxlstm.network.layer import Array, Layer
from fxlstm.network.masking import Mask, running

Trace = dict[str, Array]


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
        case Clamp(), (low, high):
            return np.minimum(np.maximum(a, low), high)
        case Interpolate(), (b, c):
            return a * b + (1.0 - a) * c
        case ProductSum(), (b, c, d):
            return a * b + c * d
    raise TypeError(f"no float form of {equation!r}")


def trace_layer(
    layer: Layer,
    given: Mapping[str, Array],
    names: Collection[str] | None = None,
    initial: Mapping[str, Array] | None = None,
    reverse: bool = False,
    present: Mask | None = None,
) -> Trace:
    """Return the vectors called ``names`` over time, (batch, time, length) each; where ``None`` all but those that never change.

    ``given``: the cell's inputs, (batch, time, length) each. States start at ``initial``, (batch, length) each, else at zero; what
    is returned for a state is its new value at each timestep. ``reverse`` runs from the last timestep to the first; the results
    are in order all the same. Where ``present``, (batch, time), is false, or the layer's period leaves a timestep out, every
    vector holds its value; it is 0 before the first run, or the initial one of a state.
    """
    if reverse:
        flipped = {name: values[:, ::-1] for name, values in given.items()}
        backward = trace_layer(layer, flipped, names, initial, present=None if present is None else present[:, ::-1])
        return {name: values[:, ::-1] for name, values in backward.items()}
    if not layer.remembers:
        return _step(layer, layer.fixed, given, names)
    batch, time, _ = given["x"].shape
    runs = running(layer.period, present, batch, time)
    kept = set(layer.cell.changing) if names is None else {*names, *layer.cell.states} - set(given)
    held: Trace = {name: np.zeros((batch, layer.length(name))) for name in kept} | dict(initial or {})
    steps: list[Trace] = []
    fixed = layer.fixed
    for t in range(time):
        states = {state: held[state] for state in layer.cell.states}
        new = _step(layer, fixed, {**states, **{name: values[:, t] for name, values in given.items()}}, kept)
        held = new if runs is None else {name: np.where(runs[:, t, np.newaxis], new[name], held[name]) for name in kept}
        steps.append(held)
    over_time = {name: np.stack([step[name] for step in steps], axis=1) for name in kept}
    wanted = (*given, *layer.cell.changing) if names is None else names
    return {name: given[name] if name in given else over_time[name] for name in wanted}


def _step(layer: Layer, fixed: Trace, vectors: Mapping[str, Array], names: Collection[str] | None) -> Trace:
    """Return the named vectors, or all that change, after one pass through the equations."""
    vectors = {**fixed, **vectors}
    for equation in layer.cell.every_equation:
        evaluate(equation, vectors, layer)
    return {name: vectors[name] for name in (names or [name for name in vectors if name not in fixed])}


def trace_blocks(
    blocks: Collection[Block],
    names: Collection[str],
    x: Array,
    states: Mapping[str, Array],
    outputs_only: bool,
    present: Mask | None = None,
) -> list[Trace]:
    """Return the traces of a stack's layers over sequences of equal length, from the given states.

    ``names``: one for each layer, by which ``states`` (``layer/state``) and nothing else knows it. ``outputs_only``: trace the
    outputs alone.
    """
    remaining = iter(names)
    traces: list[Trace] = []
    for block in blocks:
        for layer, reverse in directed_layers(block):
            prefix = f"{next(remaining)}/"
            own = {name.removeprefix(prefix): values for name, values in states.items() if name.startswith(prefix)}
            wanted = {layer.cell.output} if outputs_only else None
            traces.append(trace_layer(layer, {"x": x}, wanted, own, reverse, present))
        x = merged(block, traces)
    return traces
