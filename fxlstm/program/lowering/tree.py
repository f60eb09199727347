"""A tree network as a program that computes one node: from its features and what its children gave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network.cells import Cell
from fxlstm.network.cells.as_data import cell_to_data
from fxlstm.network.forward import Trace, trace_cell
from fxlstm.network.topologies.trees import Tree, TreeNetwork
from fxlstm.program.calibration.calibrate import Format, Values, exact_format, input_format
from fxlstm.program.calibration.layer_formats import Calibration, choose_formats, reads_exactly
from fxlstm.program.calibration.traces import Run, Traced, padded
from fxlstm.program.lowering.arena import copied, joined
from fxlstm.program.lowering.assembly import Assembly, Draft
from fxlstm.program.lowering.network import Lowered
from fxlstm.program.program import Slice

TreeCalibration = Sequence[tuple[ArrayLike, Tree]]


def lower_tree(assembly: Assembly, network: TreeNetwork, calibration: TreeCalibration) -> Lowered:
    """Lower a tree network: a node is a sequence of its children, or one timestep; it gives its output and what parents need."""
    trace = _traced(network, calibration)
    name, *head_names = network.layer_names
    cell = network.layer.cell
    exact = reads_exactly(cell)
    form = exact_format(trace.x, assembly.method) if exact else input_format(trace.x, assembly.hardware.dac_bits, assembly.method)
    draft = Draft(returns_last=True)
    own = Calibration(trace.layers[0], {"x": form}, {}, fed_inputs(cell), assembly.method)
    homes = _enter(assembly, network, name, own, draft)
    lowered = assembly.layer(network.layer, name, 0, own, None, homes)
    draft.operations += lowered.operations
    draft.step_operations = len(draft.operations) if cell.states else 0
    draft.operations += lowered.closing
    outputs = [lowered.vectors[vector] for vector in (cell.output, *cell.passes)]
    source = lowered.output
    for layer, own_name, own_trace in zip(network.head, head_names, trace.layers[1:], strict=True):
        above = Calibration(own_trace, {"x": Format(source.fraction)}, {}, {}, assembly.method)
        upper = assembly.layer(layer, own_name, 0, above, source)
        draft.operations += upper.operations + upper.closing
        source = upper.output
    assembly.outputs.append(_leave(assembly, draft, outputs + [source] * bool(network.head)))
    assembly.sweeps.append(draft)
    return Lowered({"tree_cell": cell_to_data(cell)}, _runs(cell, trace))


def fed_inputs(cell: Cell) -> dict[str, str]:
    """Return which vector of a child each input of a tree's cell takes: ``h_k`` and ``h_1`` take ``h``."""
    return {name: name.rpartition("_")[0] for name in cell.inputs[1:]}


def _enter(assembly: Assembly, network: TreeNetwork, name: str, calibration: Calibration, draft: Draft) -> dict[str, Slice]:
    """Place the node's features and its children's vectors, one after another, as the program's input."""
    formats = choose_formats(network.layer, calibration)
    names = network.layer.cell.inputs
    parts = [
        Slice(f"{name}/{vector}", 0, network.layer.length(vector), formats[vector].fraction, formats[vector].scale)
        for vector in names
    ]
    placed = assembly.arena.place(parts)
    draft.entry = joined("node", placed)
    assembly.inputs.append(tuple(placed))
    assembly.arena.slices += placed
    return dict(zip(names, placed, strict=True))


def _leave(assembly: Assembly, draft: Draft, parts: Sequence[Slice]) -> tuple[Slice, ...]:
    """Copy what a node gives to one place."""
    placed = assembly.arena.place(parts)
    draft.output = joined("node", placed)
    draft.operations += [step for part, place in zip(parts, placed, strict=True) for step in copied(part, place)]
    return tuple(placed)


def _traced(network: TreeNetwork, calibration: TreeCalibration) -> Traced:
    """Return the traces over all nodes of all trees: a node is a sequence of its children."""
    try:
        pairs = [(x, tree) for x, tree in calibration]
    except (TypeError, ValueError) as error:
        raise ModelError("the calibration data of a tree network are pairs: [(features, tree), ...]") from error
    if not pairs or not all(isinstance(tree, Tree) for _, tree in pairs):
        raise ModelError("the calibration data of a tree network are pairs: [(features, tree), ...], at least one")
    batches = [trace for x, tree in pairs for trace in network.trace(x, tree)[0]]
    lengths = [trace["x"].shape[1] for trace in batches for _ in range(len(trace["x"]))]
    nodes = {vector: np.concatenate([padded(trace[vector], max(lengths)) for trace in batches]) for vector in batches[0]}
    heads = _head_traces(network, nodes[network.layer.cell.output])
    return Traced([nodes, *heads], lengths, list(range(len(lengths))))


def _head_traces(network: TreeNetwork, outputs: Values) -> list[Trace]:
    traces = []
    for layer in network.head:
        traces.append(trace_cell(layer, {"x": outputs}))
        outputs = traces[-1][layer.cell.output]
    return traces


def _runs(cell: Cell, trace: Traced) -> list[Run]:
    whole = np.concatenate([trace.layers[0][name] for name in cell.inputs], axis=-1)
    return [Run([values[:length]], [length]) for values, length in zip(whole, trace.lengths, strict=True)]
