"""The float forward pass: walks a cell's equations, knows no cell by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fxlstm.network.cells import FUNCTIONS, Activate, Clamp, Complement, Equation, Interpolate, Multiply, Product, ProductSum, Sum
from fxlstm.network.layers.layer import Array, Layer
from fxlstm.network.layers.timing import TIME_GATE_INPUT
from fxlstm.network.topologies.directions import Block, directed_layers, merged
from fxlstm.network.topologies.masking import Mask, running

Trace = dict[str, Array]


@dataclass(frozen=True)
class Sequences:
    """Sequences of one length as a stack of layers reads them.

    ``x``: (batch, time, features); ``times``: (batch, time), what time gates look at; ``present``: (batch, time), false where a
    timestep is left out; ``start``: how many timesteps were run before these.
    """

    x: Array
    times: Array
    present: Mask | None = None
    start: int = 0


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
    sequences: Sequences,
    names: Collection[str] | None = None,
    held: Mapping[str, Array] | None = None,
    reverse: bool = False,
) -> Trace:
    """Return the vectors called ``names`` over time, (batch, time, length) each; where ``None`` all but those that never change.

    Vectors start at ``held``, (batch, length) each, else at zero; what is returned for a state is its new value at each timestep.
    ``reverse`` runs from the last timestep to the first; the results are in order all the same. At a timestep that is not present,
    or that the layer's period leaves out, every vector holds its value.
    """
    given = {"x": sequences.x}
    if layer.time_gate is not None:
        given[TIME_GATE_INPUT] = layer.time_gate.openness(sequences.times)
    runs = running(layer.period, sequences.present, len(sequences.x), sequences.start, sequences.x.shape[1])
    if not reverse:
        return trace_cell(layer, given, runs, names, held)
    flipped = {name: values[:, ::-1] for name, values in given.items()}
    backward = trace_cell(layer, flipped, None if runs is None else runs[:, ::-1], names, held)
    return {name: values[:, ::-1] for name, values in backward.items()}


def trace_cell(
    layer: Layer,
    given: Mapping[str, Array],
    runs: Mask | None = None,
    names: Collection[str] | None = None,
    held: Mapping[str, Array] | None = None,
) -> Trace:
    """Return vectors over time, first to last; ``given``: the cell's inputs, (batch, time, length) each; ``runs``: (batch, time).

    ``names`` and ``held`` as for :func:`trace_layer`.
    """
    if not layer.remembers:
        return _step(layer, layer.fixed, given, names)
    batch, time, _ = given["x"].shape
    kept = set(layer.cell.changing) if names is None else {*names, *layer.cell.states} - set(given)
    holding: Trace = {name: np.zeros((batch, layer.length(name))) for name in kept} | dict(held or {})
    steps: list[Trace] = []
    fixed = layer.fixed
    for t in range(time):
        states = {state: holding[state] for state in layer.cell.states}
        new = _step(layer, fixed, {**states, **{name: values[:, t] for name, values in given.items()}}, kept)
        holding = new if runs is None else {name: np.where(runs[:, t, np.newaxis], new[name], holding[name]) for name in kept}
        steps.append(holding)
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
    blocks: Sequence[Block], names: Sequence[str], sequences: Sequences, held: Mapping[str, Array], outputs_only: bool
) -> list[Trace]:
    """Return the traces of a stack's layers.

    ``names``: one for each layer; ``held`` are what vectors hold before the first timestep, (batch, length), by ``layer/vector``:
    initial states, and outputs where a stack goes on. ``outputs_only``: trace outputs and states alone.
    """
    remaining = iter(names)
    traces: list[Trace] = []
    for block in blocks:
        for layer, reverse in directed_layers(block):
            prefix = f"{next(remaining)}/"
            own = {name.removeprefix(prefix): values for name, values in held.items() if name.startswith(prefix)}
            wanted = {layer.cell.output, *layer.cell.states} if outputs_only else None
            traces.append(trace_layer(layer, sequences, wanted, own, reverse))
        sequences = replace(sequences, x=merged(block, traces))
    return traces
