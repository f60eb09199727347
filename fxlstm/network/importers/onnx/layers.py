"""Operators that become dense layers or join them: products, constants added and multiplied, activations, and the host's edge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx

from fxlstm.network.cells import DENSE, Activation
from fxlstm.network.importers.onnx.axes import Axis, extent, frame
from fxlstm.network.importers.onnx.glue import described, place_of_features, settled
from fxlstm.network.importers.onnx.node import Node
from fxlstm.network.importers.onnx.values import (
    Data,
    Given,
    Joined,
    Part,
    Piece,
    Source,
    Stage,
    Value,
    joined_piece,
    resolved,
    stacked,
    without_scaling,
)
from fxlstm.network.layers.builders import dense
from fxlstm.network.layers.layer import Array, Layer, as_float


def weights(node: Node, value: Value, what: str, rank: int | None = None) -> Array:
    """Return constant weights as float64, of so many dimensions where ``rank`` says so."""
    if isinstance(value, Given) or (isinstance(value, Data) and value.source):
        name = value.name if isinstance(value, Given) else value.source
        node.refuse(f"{what} comes from the graph input {name!r}; give its value: constants={{{name!r}: array}}")
    if not isinstance(value, np.ndarray):
        node.refuse(f"{what} is computed from the data")
    if value.dtype.kind not in "fiu" or rank not in (None, value.ndim):
        wanted = "numbers" if rank is None else f"numbers with {rank} dimensions"
        node.refuse(f"{what} has shape {value.shape} and type {value.dtype}; it must be {wanted}")
    return as_float(value.astype(np.float64), f"node {node.name!r}, {what}")


def matmul(node: Node, data: Value, weight: Value) -> Value:
    """Multiply data by constant weights."""
    if not isinstance(data, Data):
        node.refuse("multiplies constants by data; data by constants is supported")
    return _product(node, data, weights(node, weight, "its weight", 2))


def gemm(node: Node, data: Value, weight: Value, bias: Value = None) -> Value:
    """Multiply data by constant weights and add a bias."""
    if not isinstance(data, Data) or node.attributes.get("transA", 0) or len(data.dimensions) != 2:
        node.refuse("multiplies something other than rows of data by weights")
    matrix = weights(node, weight, "its weight", 2) * node.attributes.get("alpha", 1.0)
    matrix = matrix.T if node.attributes.get("transB", 0) else matrix
    if bias is None:
        return _product(node, data, matrix)
    vector = weights(node, bias, "its bias") * node.attributes.get("beta", 1.0)
    if vector.shape[:-1] not in ((), (1,)) or vector.shape[-1:] not in ((), (1,), (matrix.shape[1],)):
        node.refuse(f"its bias has shape {vector.shape}; it needs ({matrix.shape[1]},)")
    return _product(node, data, matrix, np.broadcast_to(vector.ravel(), matrix.shape[1:]))


def add(node: Node, first: Value, second: Value) -> Value:
    """Add a constant, or the outputs of a forward and a backward layer."""
    if isinstance(first, Data) and isinstance(second, Data):
        return _sum_of_directions(node, first, second)
    return _affine(node, first, shift=second) if isinstance(first, Data) else _affine(node, second, shift=first)


def subtract(node: Node, first: Value, second: Value) -> Value:
    """Subtract a constant from data, or data from a constant."""
    if isinstance(first, Data):
        return _affine(node, first, shift=np.asarray(-weights(node, second, "its constant")))
    return _affine(node, second, scale=np.asarray(-1.0), shift=first)


def multiply(node: Node, first: Value, second: Value) -> Value:
    """Multiply data by a constant, element by element."""
    return _affine(node, first, scale=second) if isinstance(first, Data) else _affine(node, second, scale=first)


def divide(node: Node, data: Value, constant: Value) -> Value:
    """Divide data by a constant, element by element."""
    if not isinstance(data, Data):
        node.refuse("divides a constant by data")
    divisor = weights(node, constant, "its constant")
    if not divisor.all():
        node.refuse("divides by 0")
    return _affine(node, data, scale=np.asarray(1 / divisor))


def cast(node: Node, data: Data) -> Value:
    """Do nothing to numbers that stay floating point."""
    kind = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(node.attributes.get("to", onnx.TensorProto.FLOAT))).kind
    if data.host_edge == "argmax" or kind == "f":
        return data
    if data.source is not None:
        return Given(data.source)
    node.refuse("makes integers of data")


def dropout(node: Node, data: Data, ratio: Value = None, training: Value = None) -> Value:
    """Do nothing, as in inference."""
    if training is not None and not (isinstance(training, np.ndarray) and not training.any()):
        node.refuse("is in training mode; export the model for inference")
    return data


def activation(function: Callable[[Node], Activation]) -> Callable[..., Value]:
    """Return the operator that applies a function: the dense layer below takes it, else one of identity weights carries it."""

    def apply(node: Node, operand: Data) -> Value:
        data = settled(operand)
        piece = resolved(node, data)
        below = _linear_layer(piece)
        if below is None:
            size = _features(node, data)
            layer = dense(np.eye(size), np.zeros(size), function(node), node.name)
            return _behind(node, data, _over(piece, layer))
        parameters = below.layer.parameters
        layer = dense(parameters["weight"], parameters["bias"], function(node), below.layer.name)
        return _behind(node, data, replace(piece, origin=Stage((Part(below.below, layer),))))

    return apply


def host_edge(name: str) -> Callable[..., Value]:
    """Return the operator at the end of a classifier that is left to the host."""

    def mark(node: Node, operand: Data) -> Value:
        data = settled(operand)
        place, rank = place_of_features(node, data), len(data.dimensions)
        default = 0 if name == "argmax" else -1 if node.opset >= 13 else 1
        axis = node.axis(node.attributes.get("axis", default), rank)
        if axis != place or (node.opset < 13 and name != "argmax" and axis != rank - 1):
            node.refuse(f"works on axis {axis} of ({described(data)}); it can work on the features, as the last axis")
        if node.attributes.get("select_last_index", 0):
            node.refuse("has select_last_index=1")
        if name == "argmax":
            rest = () if not node.attributes.get("keepdims", 1) else ((),)
            return replace(data, dimensions=data.dimensions[:axis] + rest + data.dimensions[axis + 1 :], host_edge=name)
        return replace(data, host_edge=name)

    return mark


def _product(node: Node, data: Data, weight: Array, bias: Array | None = None) -> Data:
    """Return a dense layer's output."""
    data = settled(data)
    if place_of_features(node, data) != len(data.dimensions) - 1:
        node.refuse(f"multiplies the last axis of ({described(data)}), which is not that of the features")
    size = extent(data.group)
    if isinstance(size, int) and size != len(weight):
        node.refuse(f"its weights have shape {weight.shape}; its input has {size} features")
    piece = resolved(node, data)
    below, scale, shift = without_scaling(piece.origin)
    bias = np.zeros(weight.shape[1]) if bias is None else bias
    if scale is not None and shift is not None:
        weight, bias = scale[:, np.newaxis] * weight, bias + shift @ weight
    return _behind(node, data, _over(replace(piece, origin=below), dense(weight, bias, name=node.name)))


def _affine(node: Node, operand: Value, scale: Value = None, shift: Value = None) -> Data:
    """Return data scaled and shifted by constants: the dense layer below takes them, else one of their own."""
    if not isinstance(operand, Data):
        node.refuse("computes with constants alone")
    data = settled(operand)
    size = _features(node, data)
    factors = np.ones(size) if scale is None else _per_feature(node, data, scale, size)
    summands = np.zeros(size) if shift is None else _per_feature(node, data, shift, size)
    piece = resolved(node, data)
    below = _linear_layer(piece)
    if below is None:
        return _behind(node, data, _over(piece, dense(np.diag(factors), summands, name=node.name), elementwise=True))
    parameters = below.layer.parameters
    layer = dense(parameters["weight"] * factors, parameters["bias"] * factors + summands, name=below.layer.name)
    return _behind(node, data, replace(piece, origin=Stage((replace(below, layer=layer),))))


def _per_feature(node: Node, data: Data, constant: Value, size: int) -> Array:
    """Return a constant as one number for each feature."""
    array = weights(node, constant, "its constant")
    if array.size == 1 and array.ndim <= len(data.dimensions):
        return np.full(size, array.item())
    place = place_of_features(node, data)
    expected = [1] * len(data.dimensions)
    if place is not None:
        expected[place] = size
    if [1] * (len(expected) - array.ndim) + list(array.shape) != expected:
        node.refuse(f"its constant has shape {array.shape}; it can be one number or one for each of the {size} features")
    return array.ravel()


def _sum_of_directions(node: Node, first: Data, second: Data) -> Data:
    first, second = settled(first), settled(second)
    if frame(first.dimensions) != frame(second.dimensions):
        node.refuse(f"adds ({described(first)}) and ({described(second)})")
    pieces = [resolved(node, first), resolved(node, second)]
    if isinstance(pieces[0].origin, Stage) and pieces[0].origin.parts[0].reverse:
        pieces.reverse()
    return _behind(node, first, joined_piece(node, (pieces[0], pieces[1]), "sum"))


def _linear_layer(piece: Piece) -> Part | None:
    """Return the dense layer without an activation whose output a piece is."""
    origin = piece.origin
    if isinstance(origin, Source) or len(origin.parts) != 1 or origin.parts[0].layer.cell != DENSE:
        return None
    return origin.parts[0]


def _features(node: Node, data: Data) -> int:
    size = extent(data.group)
    if not isinstance(size, int) or not data.features:
        node.refuse("works on a graph input whose number of features the file does not tell")
    return size


def _over(piece: Piece, layer: Layer, elementwise: bool = False) -> Piece:
    """Return the output of a dense layer over a piece."""
    return replace(piece, origin=Stage((Part(piece.origin, layer, elementwise=elementwise),)))


def _behind(node: Node, data: Data, piece: Piece) -> Data:
    """Return the tensor that holds a piece where ``data`` had its features."""
    place = place_of_features(node, data)
    axis = Axis(piece.length, "features")
    dimensions = tuple((axis,) if at == place else dimension for at, dimension in enumerate(data.dimensions))
    return Data(dimensions, stacked([Joined((piece,))]), axis)


LAYERS: dict[str, Callable[..., Value]] = {
    "MatMul": matmul,
    "Gemm": gemm,
    "Add": add,
    "Sub": subtract,
    "Mul": multiply,
    "Div": divide,
    "Relu": activation(lambda node: "relu"),
    "Sigmoid": activation(lambda node: "sigmoid"),
    "Tanh": activation(lambda node: "tanh"),
    "HardSigmoid": activation(lambda node: ("hard_sigmoid", node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5))),
    "LeakyRelu": activation(lambda node: ("leaky_relu", node.attributes.get("alpha", 0.01))),
    "Cast": cast,
    "Dropout": dropout,
    "Softmax": host_edge("softmax"),
    "LogSoftmax": host_edge("log_softmax"),
    "ArgMax": host_edge("argmax"),
}
