"""Operators on constants and shapes: what the graph computes without the data.

Arrays are numeric, or shapes: arrays of objects whose elements are integers and, where each call decides, :class:`Extent`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from fxlstm.network.importers.onnx.axes import Extent
from fxlstm.network.importers.onnx.node import Node

Known = NDArray[Any]
MOST_ELEMENTS = 1 << 28  # of an array that a node may make from a shape


def constant(node: Node) -> Known:
    """Return the value of a Constant node."""
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in node.attributes:
            return numeric(node, np.asarray(node.attributes[name]))
    node.refuse("its value is neither numbers nor a dense tensor")


def numeric(node: Node, array: Known) -> Known:
    """Return an array of a file in a type that NumPy computes with."""
    if array.dtype.kind in "fiub":
        return array
    try:
        return array.astype(np.float32)  # bfloat16 and narrower
    except (TypeError, ValueError):
        node.refuse(f"holds values of the type {array.dtype}; numbers are needed")


def lengths(node: Node, shape: Any, what: str = "shape") -> list[int]:
    """Return a shape as integers, 1 in place of a length that each call decides: along it all values of the result are the same."""
    if not isinstance(shape, np.ndarray):
        node.refuse(f"its {what} depends on the data")
    known = [1 if isinstance(size, Extent) else int(size) for size in shape.ravel()]
    if min(known, default=0) < 0 or math.prod(known) > MOST_ELEMENTS:
        node.refuse(f"its {what} is {known}; at most {MOST_ELEMENTS} elements can be made")
    return known


def axes(node: Node, operands: list[Any], place: int, rank: int) -> list[int] | None:
    """Return the axes that a node names in an attribute or, of later opsets, in an operand; ``None`` where it names none."""
    given = node.attributes.get("axes", operands[place] if len(operands) > place else None)
    return None if given is None else [node.axis(axis, rank) for axis in node.integers(given, "axes")]


def slices(node: Node, operands: list[Any], rank: int) -> dict[int, slice]:
    """Return the slice of each axis that a Slice node names."""
    names = ("starts", "ends", "axes", "steps")
    given = [node.attributes.get(name, operands[place] if len(operands) > place else None) for place, name in enumerate(names, 1)]
    starts, ends = (node.integers(value, name) for value, name in zip(given[:2], names[:2], strict=True))
    chosen = list(range(len(starts))) if given[2] is None else node.integers(given[2], "axes")
    steps = [1] * len(starts) if given[3] is None else node.integers(given[3], "steps")
    if not len(starts) == len(ends) == len(chosen) == len(steps) or 0 in steps:
        node.refuse(f"has {len(starts)} starts, {len(ends)} ends, {len(chosen)} axes and the steps {steps}")
    return {
        node.axis(axis, rank): _slice(start, end, step) for axis, start, end, step in zip(chosen, starts, ends, steps, strict=True)
    }


def pieces(node: Node, operands: list[Any], rank: int, length: Callable[[int], Any]) -> tuple[int, list[slice]]:
    """Return the axis of a Split node and the slice of each output; ``length`` gives that of an axis."""
    axis = node.axis(node.attributes.get("axis", 0), rank)
    count, given = len(node.proto.output), node.attributes.get("split", operands[1] if len(operands) > 1 else None)
    total = length(axis)
    if given is None and not isinstance(total, int):
        node.refuse("splits an axis whose length each call decides")
    each = -(-total // count) if given is None else 0
    sizes = [min(each, total - each * place) for place in range(count)] if given is None else node.integers(given, "sizes")
    if len(sizes) != count or min(sizes) < 1:
        node.refuse(f"has {count} outputs of the sizes {sizes}")
    ends = np.cumsum(sizes).tolist()
    return axis, [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]


def _slice(start: int, end: int, step: int) -> slice:
    """Return a Python slice; an end below every index, going down, is the front."""
    return slice(start, None if step < 0 and end < -(1 << 31) + 2 else end, step)


def _cast(node: Node, array: Known, *_: Any) -> Known:
    if array.dtype == object:
        return array
    wanted = node.attributes.get("to", onnx.TensorProto.FLOAT)
    if wanted == onnx.TensorProto.STRING:
        node.refuse("makes texts")
    return numeric(node, array.astype(onnx.helper.tensor_dtype_to_np_dtype(wanted)))


def _concat(node: Node, *arrays: Known) -> Known:
    mixed = any(array.dtype == object for array in arrays)
    return np.concatenate([array.astype(object) if mixed else array for array in arrays], axis=node.attributes["axis"])


def _constant_of_shape(node: Node, shape: Known) -> Known:
    value = numeric(node, np.asarray(node.attributes.get("value", np.zeros(1, np.float32))))
    return np.full(lengths(node, shape), value.ravel()[0])


def _expand(node: Node, array: Known, shape: Known) -> Known:
    wanted = lengths(node, shape)
    return np.broadcast_to(array, np.broadcast_shapes(array.shape, tuple(wanted)))


def _gather(node: Node, array: Known, indices: Known) -> Known:
    return np.asarray(np.take(array, indices.astype(np.int64), axis=node.attributes.get("axis", 0)), dtype=array.dtype)


def _reshape(node: Node, array: Known, shape: Known) -> Known:
    sizes = [
        array.shape[place] if size == 0 and not node.attributes.get("allowzero", 0) else size
        for place, size in enumerate(node.integers(shape, "sizes"))
    ]
    return array.reshape(sizes)


def _slice_known(node: Node, array: Known, *bounds: Any) -> Known:
    found = slices(node, [array, *bounds], array.ndim)
    return array[tuple(found.get(axis, slice(None)) for axis in range(array.ndim))]


def _split(node: Node, array: Known, *sizes: Any) -> tuple[Known, ...]:
    axis, found = pieces(node, [array, *sizes], array.ndim, lambda place: array.shape[place])
    return tuple(array[(slice(None),) * axis + (part,)] for part in found)


def _squeeze(node: Node, array: Known, *named: Any) -> Known:
    found = axes(node, [array, *named], 1, array.ndim)
    return np.squeeze(array, None if found is None else tuple(found))


def _unsqueeze(node: Node, array: Known, *named: Any) -> Known:
    given = node.attributes.get("axes", named[0] if named else None)
    return np.expand_dims(array, tuple(node.integers(given, "axes")))


def _transpose(node: Node, array: Known) -> Known:
    return np.transpose(array, node.attributes.get("perm"))


def _reduce_prod(node: Node, array: Known, *named: Any) -> Known:
    found = axes(node, [array, *named], 1, array.ndim)
    keep = bool(node.attributes.get("keepdims", 1))
    return np.asarray(np.prod(array, axis=None if found is None else tuple(found), keepdims=keep), dtype=array.dtype)


def _elementwise(function: Callable[..., Any]) -> Callable[..., Known]:
    def fold(node: Node, *arrays: Known) -> Known:
        return np.asarray(function(*arrays))

    return fold


def _equal(node: Node, a: Known, b: Known) -> Known:
    return np.asarray(a == b, dtype=bool)


def _div(a: Known, b: Known) -> Known:
    return a / b if "f" in (a.dtype.kind, b.dtype.kind) else a // b


def fold(node: Node, *operands: Known | None) -> Known | tuple[Known, ...]:
    """Return what a node computes of constants; a shape whose elements are all known is an array of integers again."""
    results = FOLDS[node.operator](node, *operands)
    return tuple(map(_simplified, results)) if isinstance(results, tuple) else _simplified(results)


def _simplified(array: Known) -> Known:
    if array.dtype == object and not any(isinstance(size, Extent) for size in array.flat):
        return array.astype(np.int64)
    return array


FOLDS: dict[str, Callable[..., Known | tuple[Known, ...]]] = {
    "Add": _elementwise(np.add),
    "Cast": _cast,
    "Concat": _concat,
    "Constant": constant,
    "ConstantOfShape": _constant_of_shape,
    "Div": _elementwise(_div),
    "Dropout": lambda node, array, *_: array,
    "Equal": _equal,
    "Expand": _expand,
    "Gather": _gather,
    "Identity": lambda node, array: array,
    "MatMul": _elementwise(np.matmul),
    "Mul": _elementwise(np.multiply),
    "ReduceProd": _reduce_prod,
    "Reshape": _reshape,
    "Shape": lambda node, array: np.asarray(array.shape[node.attributes.get("start", 0) : node.attributes.get("end")]),
    "Slice": _slice_known,
    "Split": _split,
    "Squeeze": _squeeze,
    "Sub": _elementwise(np.subtract),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _elementwise(np.where),
}
