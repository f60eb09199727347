"""Operators that only arrange data: which axis is where, and which part of it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from fxlstm.network.importers.onnx import folding
from fxlstm.network.importers.onnx.axes import Axis, Dimension, Extent, extent, frame, regrouped
from fxlstm.network.importers.onnx.node import Node
from fxlstm.network.importers.onnx.values import SEQUENCE, Data, Given, Joined, Piece, Source, Value, chain, last_recurrent, stacked


def settled(data: Data) -> Data:
    """Return a tensor whose axis of features is known: a graph input's is the last one when its features are first used."""
    if data.features or not data.dimensions:
        return data
    *others, last = data.dimensions
    axis = last[0] if len(last) == 1 else Axis(1)
    if len(last) > 1 or not axis.take("features"):
        return data
    return replace(data, dimensions=(*others, (axis,)), features=axis)


def place_of_features(node: Node, data: Data) -> int | None:
    """Return the place of the dimension that holds all features; ``None`` where there is one feature, squeezed away."""
    group = data.group
    if group and group in data.dimensions:
        return data.dimensions.index(group)
    if group and extent(group) == 1 and not any(axis in group for dimension in data.dimensions for axis in dimension):
        return None
    node.refuse(f"its input has the axes ({described(data)}); the features of all directions must be one axis, directions first")


def described(data: Data) -> str:
    """Return what the axes of a tensor are, in words."""
    named = [" x ".join(axis.role or "unknown" for axis in dimension) or "1" for dimension in data.dimensions]
    return ", ".join(named)


def transpose(node: Node, data: Data) -> Value:
    """Reorder the dimensions."""
    rank = len(data.dimensions)
    order = node.attributes.get("perm") or list(range(rank))[::-1]
    if sorted(order) != list(range(rank)):
        node.refuse(f"has perm {order}; its input has {rank} axes")
    return replace(data, dimensions=tuple(data.dimensions[place] for place in order))


def squeeze(node: Node, data: Data, *named: Value) -> Value:
    """Remove dimensions of length 1."""
    chosen = folding.axes(node, [data, *named], 1, len(data.dimensions))
    if chosen is None:
        chosen = [place for place, dimension in enumerate(data.dimensions) if extent(dimension) == 1]
    for place in chosen:
        if extent(data.dimensions[place]) != 1:
            node.refuse(f"removes axis {place} of ({described(data)}), whose length is not known to be 1")
    return replace(data, dimensions=tuple(dimension for place, dimension in enumerate(data.dimensions) if place not in chosen))


def unsqueeze(node: Node, data: Data, *named: Value) -> Value:
    """Add dimensions of length 1."""
    given = node.attributes.get("axes", named[0] if named else None)
    added = node.integers(given, "axes")
    rank = len(data.dimensions) + len(added)
    chosen = {node.axis(axis, rank) for axis in added}
    rest = iter(data.dimensions)
    return replace(data, dimensions=tuple(() if place in chosen else next(rest) for place in range(rank)))


def reshape(node: Node, data: Data, shape: Value) -> Value:
    """Put neighbouring axes together or take them apart."""
    if not isinstance(shape, np.ndarray):
        node.refuse("its shape depends on the data")
    if node.attributes.get("allowzero", 0) and 0 in shape.tolist():
        node.refuse("makes an axis of length 0")
    return _arranged(node, data, shape.tolist())


def flatten(node: Node, data: Data) -> Value:
    """Make two dimensions of all."""
    at = node.attributes.get("axis", 1)
    at = at if at == len(data.dimensions) else node.axis(at, len(data.dimensions))
    flat = [tuple(axis for dimension in part for axis in dimension) for part in (data.dimensions[:at], data.dimensions[at:])]
    return replace(data, dimensions=tuple(flat))


def expand(node: Node, data: Data, shape: Value) -> Value:
    """Do nothing; data that would be repeated is refused."""
    if not isinstance(shape, np.ndarray) or not _same(data, shape):
        node.refuse("repeats data")
    return data


def shape_of(node: Node, data: Data) -> Value:
    """Return the lengths of the dimensions, as far as they are known."""
    sizes = [extent(dimension) for dimension in data.dimensions]
    chosen = sizes[node.attributes.get("start", 0) : node.attributes.get("end")]
    array = np.empty(len(chosen), dtype=object)
    array[:] = chosen
    return array if any(isinstance(size, Extent) for size in chosen) else array.astype(np.int64)


def concat(node: Node, *operands: Value) -> Value:
    """Put directions, layers or features one after the other."""
    data = [settled(operand) for operand in operands if isinstance(operand, Data)]
    if len(data) != len(operands):
        node.refuse("joins data with constants")
    if len(data) == 1:
        return data[0]
    place = node.axis(node.attributes.get("axis", 1), len(data[0].dimensions))
    alike = all(frame(each.dimensions, place) == frame(data[0].dimensions, place) for each in data)
    if alike and all(each.group and each.dimensions[place] == each.group for each in data):
        return _side_by_side(data, place)
    if alike and all(each.dimensions[place] in ((), each.stack) for each in data):
        return _one_behind_another(node, data, place)
    node.refuse(f"joins axis {place} of ({') and ('.join(map(described, data))}); directions, layers or features can be joined")


def gather(node: Node, data: Value, indices: Value) -> Value:
    """Take one index, or several, of an axis."""
    if not isinstance(data, Data):
        node.refuse("looks up rows by data, as an embedding does; give the network the vectors that were looked up")
    place = node.axis(node.attributes.get("axis", 0), len(data.dimensions))
    taken = _take(node, data, place, node.integers(indices, "indices"))
    rank = np.ndim(np.asarray(indices))
    if rank > 1:
        node.refuse(f"has indices of {rank} axes")
    if rank == 1 or not isinstance(taken, Data):
        return taken
    return replace(taken, dimensions=taken.dimensions[:place] + taken.dimensions[place + 1 :])


def slice_(node: Node, data: Data, *bounds: Value) -> Value:
    """Take a range of some axes."""
    value: Value = data
    for place, part in folding.slices(node, [data, *bounds], len(data.dimensions)).items():
        if isinstance(value, Data):
            value = _cut(node, value, place, part)
    return value


def split(node: Node, data: Data, *sizes: Value) -> tuple[Value, ...]:
    """Take an axis apart."""
    place, parts = folding.pieces(node, [data, *sizes], len(data.dimensions), lambda axis: extent(data.dimensions[axis]))
    return tuple(_cut(node, data, place, part) for part in parts)


def reverse_sequence(node: Node, data: Data, lengths: Value) -> Value:
    """Turn whole sequences round."""
    place = node.axis(node.attributes.get("time_axis", 0), len(data.dimensions))
    whole = extent(data.dimensions[place])
    if not isinstance(lengths, np.ndarray) or any(length != whole for length in lengths.ravel().tolist()):
        node.refuse("turns sequences of different lengths round; a layer of direction=reverse with sequence_lens does the same")
    return _reversed(node, data, place)


def _arranged(node: Node, data: Data, shape: list[Any]) -> Data:
    found = regrouped(data.dimensions, shape)
    if found is None and len(data.stack) == 1 and len(data.parts) % 2 == 0:  # layers x directions, as PyTorch stacks its states
        apart = _layers_and_directions(data)
        if found := regrouped(apart.dimensions, shape):
            data = apart
    if found is None:
        wanted = ", ".join("?" if isinstance(size, Extent) else str(size) for size in shape)
        node.refuse(f"makes the shape ({wanted}) of ({described(data)}), which takes an axis apart or is not known to fit")
    return replace(data, dimensions=found)


def _layers_and_directions(data: Data) -> Data:
    """Return a tensor whose stacked axis is taken apart into one of layers and one of two directions."""
    stack = Axis(len(data.parts) // 2, "directions"), Axis(2, "directions")
    dimensions = tuple(
        tuple(new for axis in dimension for new in (stack if axis is data.stack[0] else (axis,))) for dimension in data.dimensions
    )
    return replace(data, dimensions=dimensions, parts=data.parts.reshape(-1, 2), stack=stack)


def _same(data: Data, shape: Any) -> bool:
    """Return whether an Expand to ``shape`` leaves a tensor as it is."""
    sizes = [extent(dimension) for dimension in data.dimensions]
    wanted = shape.tolist()
    return len(wanted) == len(sizes) and all(want in (1, size) for want, size in zip(wanted, sizes, strict=True))


def _side_by_side(data: list[Data], place: int) -> Data:
    pieces = tuple(piece for each in data for joined in each.parts.flat for piece in joined.pieces)
    lengths = [length for each in data if isinstance(length := extent(each.dimensions[place]), int)]
    axis = Axis(sum(lengths) if len(lengths) == len(data) else None, "features")
    first = data[0].dimensions
    return Data((*first[:place], (axis,), *first[place + 1 :]), stacked([Joined(pieces)]), axis)


def _one_behind_another(node: Node, data: list[Data], place: int) -> Data:
    if any(each.stack and each.dimensions[place] != each.stack for each in data):
        node.refuse(f"joins axis {place} of ({') and ('.join(map(described, data))}) while another axis holds directions")
    entries = [joined for each in data for joined in each.parts.flat]
    axis = Axis(len(entries), "directions")
    first = data[0]
    return replace(
        first,
        dimensions=(*first.dimensions[:place], (axis,), *first.dimensions[place + 1 :]),
        parts=stacked(entries),
        stack=(axis,),
    )


def _cut(node: Node, data: Data, place: int, part: slice) -> Value:
    """Return a range of one dimension."""
    size = extent(data.dimensions[place])
    if isinstance(size, int):
        indices = list(range(size))[part]
        turned = size > 1 and indices == list(range(size))[::-1]
        return _reversed(node, data, place) if turned else _take(node, data, place, indices)
    if (part.start, part.stop, part.step) == (-1, None, -1):
        return _reversed(node, data, place)
    start, stop, step = part.start, part.stop, part.step or 1
    if step == 1 and start == 0 and stop is not None and stop > 1 << 30:
        return data
    if step == 1 and start == -1 and stop is not None and stop > 1 << 30:
        return _take(node, data, place, [-1])
    if step == 1 and (start, stop) == (0, 1):
        return _take(node, data, place, [0])
    return _take(node, data, place, None)


def _reversed(node: Node, data: Data, place: int) -> Data:
    """Return data with an axis turned round, which must turn out to be that of time."""
    dimension = data.dimensions[place]
    if len(dimension) != 1 or dimension[0].role not in ("", "time"):
        node.refuse(f"turns axis {place} of ({described(data)}) round; only time can run backward")
    turned = dimension[0].reversed()
    return replace(data, dimensions=(*data.dimensions[:place], (turned,), *data.dimensions[place + 1 :]))


def _take(node: Node, data: Data, place: int, indices: list[int] | None) -> Value:
    """Return some indices of one dimension, in order; ``None``: a range that is not the first or last one."""
    dimension = data.dimensions[place]
    size = extent(dimension)
    if isinstance(size, int) and indices is not None:
        if any(not -size <= index < size for index in indices) or not indices:
            node.refuse(f"takes the indices {indices} of an axis of length {size}")
        indices = [index % size for index in indices]
        if indices == list(range(size)):
            return data
    if indices is not None and dimension and data.group and dimension in (data.group, (data.features,)):
        return _some_features(node, data, place, indices)
    if len(dimension) == 1 and indices is not None and dimension[0] in data.stack:
        return _some_of_stack(data, place, indices)
    if len(dimension) == 1 and dimension[0].role == "time" and indices in ([-1], [0], [(dimension[0].size or 0) - 1]):
        return _one_timestep(node, data, place, first=(indices == [0]) != bool(dimension[0].mirror))
    if data.source is not None and not any(axis.role for axis in dimension):
        return Given(data.source)
    node.refuse(
        f"takes a part of axis {place} of ({described(data)}); the last timestep, directions, layers and features can be taken"
    )


def _some_of_stack(data: Data, place: int, indices: list[int]) -> Data:
    axis = data.dimensions[place][0]
    parts = np.take(data.parts, indices, axis=data.stack.index(axis))
    if len(indices) > 1:
        new: Dimension = (Axis(len(indices), "directions"),)
    else:
        new, parts = (), parts.squeeze(data.stack.index(axis))
    stack = tuple(other for at in data.stack for other in (new if at is axis else (at,)))
    return replace(data, dimensions=(*data.dimensions[:place], new, *data.dimensions[place + 1 :]), parts=parts, stack=stack)


def _some_features(node: Node, data: Data, place: int, indices: list[int]) -> Data:
    """Return the features of some of the layers that stand one after the other."""
    pieces = [piece for joined in data.parts.flat for piece in joined.pieces]
    ends = np.cumsum([piece.length or 0 for piece in pieces]).tolist()
    chosen = [piece for piece, end in zip(pieces, ends, strict=True) if set(range(end - (piece.length or 0), end)) <= set(indices)]
    total = sum(piece.length or 0 for piece in chosen)
    if data.dimensions[place] != data.group or not chosen or indices != list(range(indices[0], indices[0] + total)):
        node.refuse("takes some of the features of a layer; all of a layer's, or of one direction's, can be taken")
    axis = Axis(total, "features")
    before, after = data.dimensions[:place], data.dimensions[place + 1 :]
    return Data((*before, (axis,), *after), stacked([Joined(tuple(chosen))]), axis)


def _one_timestep(node: Node, data: Data, place: int, first: bool) -> Data:
    """Return the first or last timestep alone."""
    parts = np.empty(data.parts.shape, dtype=object)
    for index, joined in np.ndenumerate(data.parts):
        parts[index] = Joined(tuple(_at_timestep(node, piece, first) for piece in joined.pieces))
    return replace(data, dimensions=(*data.dimensions[:place], (), *data.dimensions[place + 1 :]), parts=parts)


def _at_timestep(node: Node, piece: Piece, first: bool) -> Piece:
    """Return a layer's output at the first or last timestep, as what the network gives back."""
    recurrent = last_recurrent(piece.origin)
    if isinstance(piece.origin, Source) or recurrent is None or piece.forms != SEQUENCE:
        node.refuse("takes a timestep of what no recurrent layer computed")
    directions = {part.reverse for part in recurrent.parts}
    if first:
        return Piece(piece.origin, frozenset({"final"} if directions == {True} else {"first"}))
    if any(part.lengths for stage in chain(piece.origin) for part in stage.parts):
        node.refuse("takes the last timestep of sequences of different lengths, which is beyond the shorter ones; take Y_h")
    return Piece(piece.origin, frozenset({"last"}) if True in directions else frozenset({"last", "final"}))


GLUE: dict[str, Callable[..., Value | tuple[Value, ...]]] = {
    "Concat": concat,
    "Expand": expand,
    "Flatten": flatten,
    "Gather": gather,
    "Identity": lambda node, data: data,
    "Reshape": reshape,
    "ReverseSequence": reverse_sequence,
    "Shape": shape_of,
    "Slice": slice_,
    "Split": split,
    "Squeeze": squeeze,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}
