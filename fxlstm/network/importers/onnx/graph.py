"""From a graph to a network: every node in order, then what the chosen output is made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx

from fxlstm.errors import ModelError
from fxlstm.network.importers.onnx.axes import Axis
from fxlstm.network.importers.onnx.files import opset_of, read
from fxlstm.network.importers.onnx.folding import FOLDS, fold, numeric
from fxlstm.network.importers.onnx.glue import GLUE, described, settled
from fxlstm.network.importers.onnx.layers import LAYERS
from fxlstm.network.importers.onnx.node import Node
from fxlstm.network.importers.onnx.recurrent import RECURRENT, recurrent
from fxlstm.network.importers.onnx.values import Data, Given, Joined, Piece, Source, Stage, Value, chain, resolved, stacked
from fxlstm.network.network import Network

SUPPORTED = (
    f"{', '.join(RECURRENT)} with every attribute; {', '.join(sorted({*GLUE, *LAYERS}))} around them; "
    f"{', '.join(sorted(set(FOLDS) - {*GLUE, *LAYERS}))} on constants and shapes"
)
_AFTER_HOST_EDGE = {"Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Flatten", "Shape", "ArgMax"}

_FOR_EITHER = {"Concat", "Gather", "MatMul", "Gemm", "Add", "Sub", "Mul", "Div"}  # data need not be their first operand


def convert(source: Any, constants: Mapping[str, Any] | None, output: str | None) -> Network:
    """Return the network of a model; see :func:`fxlstm.from_onnx`."""
    model, name = read(source)
    wanted = _chosen_output(model.graph, output)
    nodes = _needed(model.graph, wanted)
    values = _given(model.graph, constants or {}, {name for node in nodes for name in node.input})
    for proto in nodes:
        node = Node(proto, opset_of(model), SUPPORTED)
        operands = [_operand(node, values, operand) for operand in proto.input]
        results = _evaluated(node, operands)
        values.update({name: value for name, value in zip(proto.output, results, strict=False) if name})
    return _network(values.get(wanted), wanted, name)


def _given(graph: onnx.GraphProto, constants: Mapping[str, Any], names: Collection[str]) -> dict[str, Value]:
    """Return the values that stand before the first node: graph inputs, weights called ``names``, the caller's constants."""
    values: dict[str, Value] = {}
    for entry in graph.input:
        shape = entry.type.tensor_type.shape
        axes = [Axis(size.dim_value if size.dim_value > 0 else None) for size in shape.dim]
        parts = stacked([Joined((Piece(Source(entry.name)),))])
        values[entry.name] = Data(tuple((axis,) for axis in axes), parts)
    if unknown := sorted(set(constants) - set(values)):
        raise ModelError(f"constants names {unknown[0]!r}, which is no graph input; the inputs: {', '.join(values)}")
    values |= {tensor.name: _array(tensor) for tensor in graph.initializer if tensor.name in names}
    return values | {name: np.asarray(value) for name, value in constants.items()}


def _array(tensor: onnx.TensorProto) -> Value:
    carrier = onnx.NodeProto(name=tensor.name, op_type="initializer")
    try:
        return numeric(Node(carrier, 0, SUPPORTED), onnx.numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise ModelError(f"initializer {tensor.name!r} is damaged ({error}); export the model again") from error


def _chosen_output(graph: onnx.GraphProto, output: str | None) -> str:
    names: list[str] = [entry.name for entry in graph.output]
    chosen = names[0] if output is None and names else output
    if chosen is None or chosen not in names:
        raise ModelError(f"output {output!r} is none of the graph's: {', '.join(names)}")
    return chosen


def _needed(graph: onnx.GraphProto, output: str) -> list[onnx.NodeProto]:
    """Return the nodes that an output is made of, in the order of the file."""
    wanted, kept = {output}, []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]


def _operand(node: Node, values: Mapping[str, Value], name: str) -> Value:
    if name and name not in values:
        node.refuse(f"reads {name!r}, which no node before it gives")
    return values[name] if name else None


def _evaluated(node: Node, operands: Sequence[Value]) -> tuple[Value, ...]:
    """Return the outputs of one node; whatever a damaged file makes go wrong is an error with the node's name."""
    try:
        with np.errstate(all="ignore"):  # numbers that are not finite are refused by the layer that gets them
            results = _apply(node, operands)
    except ModelError:
        raise
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, ArithmeticError, RuntimeError, MemoryError) as error:
        node.refuse(f"cannot be read ({type(error).__name__}: {error})")
    return results if isinstance(results, tuple) else (results,)


def _apply(node: Node, operands: Sequence[Value]) -> Value | tuple[Value, ...]:
    operator = node.operator
    if operator not in {*GLUE, *LAYERS, *FOLDS, *RECURRENT}:
        node.refuse("is not supported")
    edge = next((operand.host_edge for operand in operands if isinstance(operand, Data) and operand.host_edge), "")
    if edge and (operator not in _AFTER_HOST_EDGE or (operator == "ArgMax" and edge == "argmax")):
        node.refuse(f"stands behind {edge}, which ends a network")
    if operator in RECURRENT:
        return recurrent(node, operands)
    if operator in FOLDS and not any(isinstance(operand, Data | Given) for operand in operands):
        return fold(node, *[operand for operand in operands if not isinstance(operand, Data | Given)])
    if operator in {*GLUE, "Cast"} and (given := next((each for each in operands if isinstance(each, Given)), None)):
        return (given,) * len(node.proto.output)
    if any(isinstance(operand, Given) for operand in operands):
        node.refuse("computes with a part of a graph input, which can only be an initial state or the lengths of sequences")
    if operator not in {*GLUE, *LAYERS}:
        node.refuse("works on data; it is supported on constants and shapes")
    if not isinstance(operands[0], Data) and operator not in _FOR_EITHER:
        node.refuse("takes data in the place of a constant")
    return {**GLUE, **LAYERS}[operator](node, *operands)


def _network(value: Value, output: str, name: str) -> Network:
    """Return the network whose output a value is."""
    end = Node(onnx.NodeProto(name=output, op_type="graph output"), 0, SUPPORTED)
    if not isinstance(value, Data):
        end.refuse("does not depend on the network's input")
    data = settled(value)
    _check_arrangement(end, data)
    piece = resolved(end, data)
    stages = list(chain(piece.origin))[::-1]
    if not stages:
        end.refuse("is the input itself: there is no layer with weights")
    _check_inputs(end, stages)
    backward = any(axis.mirror for dimension in data.dimensions for axis in dimension)
    if backward:
        stages = [_turned(end, stage) for stage in stages]
    has_time = any(axis.role != "batch" and axis not in data.group for dimension in data.dimensions for axis in dimension)
    returns = next(form for form in ("sequence", "last", "final") if form in piece.forms)
    if returns == "sequence" and not has_time and any(part.layer.remembers for stage in stages for part in stage.parts):
        returns = "last"  # the graph takes sequences of one timestep, and gives its axis away
    metadata = {"host_edge": data.host_edge} if data.host_edge else {}
    network = Network(tuple(stage.block for stage in stages), returns, name, metadata, reads_backward=backward)
    parts = [part for stage in stages for part in stage.parts]
    initial = {
        f"{label}/{state}": vector
        for label, part in zip(network.layer_names, parts, strict=True)
        for state, vector in part.initial.items()
    }
    return replace(network, initial=initial)


def _turned(end: Node, stage: Stage) -> Stage:
    """Return a stage as it reads sequences that were turned round."""
    if any(part.lengths for part in stage.parts) or (len(stage.parts) > 1 and stage.merge == "concat"):
        end.refuse(f"gives the outputs of {stage.block.name!r} from the last timestep to the first; turn them round at the end")
    turned = (replace(part, reverse=part.layer.remembers and not part.reverse) for part in reversed(stage.parts))
    return replace(stage, parts=tuple(turned))


def _check_arrangement(end: Node, data: Data) -> None:
    """Check that the features of all directions stand in order, with nothing else between them."""
    group = set(data.group)
    order = [axis for dimension in data.dimensions for axis in dimension if axis in group]
    mixed = [dimension for dimension in data.dimensions if group & set(dimension) and set(dimension) - group]
    if order != [axis for axis in data.group if axis in order] or mixed:
        end.refuse(f"has the axes ({described(data)}); features must not be mixed with others, directions come before them")


def _check_inputs(end: Node, stages: Sequence[Stage]) -> None:
    """Check that no graph input is both data and the lengths or states that a call gives."""
    source = stages[0].below
    parts = [part for stage in stages for part in stage.parts]
    others = {name for part in parts for name in (part.lengths, *part.given) if name}
    if isinstance(source, Source) and source.name in others:
        end.refuse(f"reads the graph input {source.name!r} as data and as lengths or initial states")
