"""The operators LSTM, GRU and RNN with all their attributes and operands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from fxlstm.errors import ModelError
from fxlstm.network.cells import ACTIVATIONS, Activation
from fxlstm.network.importers.onnx.axes import Axis, Dimension, Extent, extent
from fxlstm.network.importers.onnx.glue import described, place_of_features, settled
from fxlstm.network.importers.onnx.layers import weights
from fxlstm.network.importers.onnx.node import Node
from fxlstm.network.importers.onnx.values import (
    SEQUENCE,
    Data,
    Forms,
    Given,
    Joined,
    Part,
    Piece,
    Source,
    Stage,
    Value,
    chain,
    resolved,
    stacked,
    without_scaling,
)
from fxlstm.network.layers.builders import gru, lstm, peephole_lstm, rnn
from fxlstm.network.layers.layer import Array, Layer

# Operator -> (blocks of rows in W and R, activations of one direction where none are named).
_OPERATORS: dict[str, tuple[int, tuple[str, ...]]] = {
    "LSTM": (4, ("Sigmoid", "Tanh", "Tanh")),
    "GRU": (3, ("Sigmoid", "Tanh")),
    "RNN": (1, ("Tanh",)),
}
_ATTRIBUTES = {
    "activation_alpha",
    "activation_beta",
    "activations",
    "clip",
    "direction",
    "hidden_size",
    "layout",
    "output_sequence",
}
_OWN_ATTRIBUTES = {"LSTM": {"input_forget"}, "GRU": {"linear_before_reset"}, "RNN": set[str]()}
# Operand by operator: the states' initial values, and the states by the names of our cells.
_INITIAL = {"h": 5, "c": 6}
_STATES = {"LSTM": ("h", "c"), "GRU": ("h",), "RNN": ("h",)}
_PEEPHOLES = 7
# ONNX activation in small letters -> our name, and its alpha and beta where they are not given (None: they must be).
_ACTIVATIONS: dict[str, tuple[str, dict[str, float | None]]] = {
    "sigmoid": ("sigmoid", {}),
    "tanh": ("tanh", {}),
    "relu": ("relu", {}),
    "hardsigmoid": ("hard_sigmoid", {"alpha": 0.2, "beta": 0.5}),
    "affine": ("affine", {"alpha": None, "beta": None}),
    "leakyrelu": ("leaky_relu", {"alpha": 0.01}),
    "scaledtanh": ("scaled_tanh", {"alpha": None, "beta": None}),
}
_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
# Blocks of rows i, o, f, c of W, R and B in the order a, i, f, o of our LSTM, and of P (i, o, f) in the order i, f, o.
_LSTM_BLOCKS, _LSTM_COUPLED_BLOCKS = (3, 0, 2, 1), (3, 0, 1)
_PEEPHOLE_BLOCKS, _PEEPHOLE_COUPLED_BLOCKS = (0, 2, 1), (0, 1)


@dataclass(frozen=True)
class _Arrays:
    """What one direction computes with: rows of blocks as in ONNX."""

    kernel: Array
    recurrent: Array
    bias: Array  # (2, blocks * units)
    peephole: Array | None
    activations: tuple[Activation, ...]
    clip: float | None

    def scaled(self, scale: Array | None, shift: Array | None) -> _Arrays:
        """Return the arrays that take x where these take scale * x + shift."""
        if scale is None or shift is None:
            return self
        bias = self.bias + np.stack([self.kernel @ shift, np.zeros(len(self.kernel))])
        return replace(self, kernel=self.kernel * scale, bias=bias)


def recurrent(node: Node, operands: Sequence[Any]) -> tuple[Value, ...]:
    """Return Y, Y_h and, of an LSTM, Y_c."""
    operands = (*operands, *[None] * 8)[:8]
    _check_attributes(node)
    batch_first = bool(node.attributes.get("layout", 0))
    data, time, batch = _read_input(node, operands[0], batch_first)
    piece = resolved(node, data)
    if piece.forms != SEQUENCE:
        node.refuse("reads one timestep of another layer, which is no sequence")
    below, scale, shift = without_scaling(piece.origin)
    backward = any(axis.mirror for axis in time)
    reverses = tuple(reverse != backward for reverse in _DIRECTIONS[node.attributes.get("direction", "forward")])
    arrays = _arrays(node, operands, len(reverses), extent(data.group))
    lengths = _lengths(node, operands[4], time)
    _check_lengths_below(node, below, lengths)
    if backward and lengths:
        node.refuse("reads sequences of different lengths that were turned round whole; use direction=reverse")
    initial, given = _initial_states(node, operands, len(reverses), arrays[0].recurrent.shape[1], batch_first)
    parts = []
    for reverse, each, states in zip(reverses, arrays, initial, strict=True):
        name = node.name if len(reverses) == 1 else f"{node.name}.{'backward' if reverse else 'forward'}"
        parts.append(Part(below, _layer(node, each.scaled(scale, shift), name), reverse, lengths, states, given))
    return _outputs(parts, time, batch, batch_first)


def _outputs(parts: list[Part], time: Dimension, batch: Dimension, batch_first: bool) -> tuple[Value, ...]:
    """Return the tensors of a node: the sequence of h, then the last h and, where there is one, the last c of each direction."""
    over_time: list[Forms] = [SEQUENCE] * len(parts)
    final: list[Forms] = [frozenset({"final"} if part.reverse else {"last", "final"}) for part in parts]
    results = [_output(parts, over_time, "h", [batch, time] if batch_first else [time], [] if batch_first else [batch])]
    for state in parts[0].layer.cell.states:
        results.append(_output(parts, final, state, [batch] if batch_first else [], [] if batch_first else [batch]))
    return tuple(results)


def _output(parts: list[Part], forms: list[Forms], state: str, outer: list[Dimension], inner: list[Dimension]) -> Data:
    features = Axis(parts[0].layer.units, "features")
    stack: Dimension = (Axis(len(parts), "directions"),) if len(parts) > 1 else ()
    entries = [Joined((Piece(Stage((_giving(part, state),)), form),)) for part, form in zip(parts, forms, strict=True)]
    return Data((*outer, stack, *inner, (features,)), stacked(entries), features, stack)


def _giving(part: Part, state: str) -> Part:
    """Return the part with a state as its output."""
    cell = part.layer.cell
    if cell.output == state:
        return part
    return replace(part, layer=replace(part.layer, cell=replace(cell, name=f"{cell.name}(output={state})", output=state)))


def _check_attributes(node: Node) -> None:
    if unknown := sorted(set(node.attributes) - _ATTRIBUTES - _OWN_ATTRIBUTES[node.operator]):
        node.refuse(f"has the attribute {unknown[0]!r}, which the operator does not define")
    for name, allowed in (
        ("layout", (0, 1)),
        ("direction", _DIRECTIONS),
        ("input_forget", (0, 1)),
        ("linear_before_reset", (0, 1)),
    ):
        if name in node.attributes and node.attributes[name] not in allowed:
            node.refuse(f"has {name} = {node.attributes[name]!r}; it must be one of {', '.join(map(str, allowed))}")
    if node.attributes.get("clip", 1.0) < 0:
        node.refuse(f"has clip = {node.attributes['clip']}; it must be positive")


def _read_input(node: Node, value: Value, batch_first: bool) -> tuple[Data, Dimension, Dimension]:
    """Return the operand X, and its dimensions of time and batch."""
    if not isinstance(value, Data):
        node.refuse("its X is not the network's input or another layer's output")
    if len(value.dimensions) != 3:
        node.refuse(f"its X has the axes ({described(value)}); it must have three")
    data = settled(value)
    if place_of_features(node, data) != 2:
        node.refuse(f"its X has the axes ({described(data)}); the last must be the features")
    time, batch = data.dimensions[1::-1] if batch_first else data.dimensions[:2]
    before = described(data)
    if not all(len(dimension) <= 1 for dimension in (time, batch)) or not (
        all(axis.take("time") for axis in time) and all(axis.take("batch") for axis in batch)
    ):
        order = "batch, time" if batch_first else "time, batch"
        node.refuse(f"its X has the axes ({before}) where layout={int(batch_first)} has ({order}, features)")
    return data, time, batch


def _arrays(node: Node, operands: Sequence[Any], directions: int, features: int | Extent) -> list[_Arrays]:
    """Return the weights and settings of each direction, checked."""
    blocks = _OPERATORS[node.operator][0]
    kernel, hidden = weights(node, operands[1], "its W", 3), weights(node, operands[2], "its R", 3)
    units = int(node.attributes.get("hidden_size") or hidden.shape[2])
    inputs = features if isinstance(features, int) else kernel.shape[2]
    bias = np.zeros((directions, 2 * blocks * units)) if operands[3] is None else weights(node, operands[3], "its B", 2)
    peephole = None if operands[_PEEPHOLES] is None else weights(node, operands[_PEEPHOLES], "its P", 2)
    expected = {
        "W": (kernel, (directions, blocks * units, inputs)),
        "R": (hidden, (directions, blocks * units, units)),
        "B": (bias, (directions, 2 * blocks * units)),
        "P": (peephole, (directions, 3 * units)),
    }
    for name, (array, shape) in expected.items():
        if array is not None and array.shape != shape:
            node.refuse(f"its {name} has shape {array.shape}; with {inputs} features and {units} units it needs {shape}")
    functions = _activations(node, directions)
    clip = node.attributes.get("clip", 0.0) or None  # 0 stands for no clipping, as where the attribute is absent
    return [
        _Arrays(
            kernel[index],
            hidden[index],
            bias[index].reshape(2, -1),
            None if peephole is None or not peephole[index].any() else peephole[index],
            functions[index],
            clip,
        )
        for index in range(directions)
    ]


def _activations(node: Node, directions: int) -> list[tuple[Activation, ...]]:
    """Return the activations of each direction; alpha and beta are used up in order by the functions that have them."""
    usual = _OPERATORS[node.operator][1]
    names = list(node.attributes.get("activations", usual * directions))
    if len(names) == 2 * len(usual) * directions and names[: len(names) // 2] == names[len(names) // 2 :]:
        names = names[: len(names) // 2]  # RNN's own default names two for one direction
    if len(names) != len(usual) * directions:
        node.refuse(f"has {len(names)} activations; it needs {len(usual) * directions}, {len(usual)} for each direction")
    given = {key: list(node.attributes.get(f"activation_{key}", [])) for key in ("alpha", "beta")}
    found: list[Activation] = []
    for name in names:
        if name.lower() not in _ACTIVATIONS:
            node.refuse(f"its activation {name!r} has no correctly rounded integer form; choose one of {', '.join(ACTIVATIONS)}")
        ours, defaults = _ACTIVATIONS[name.lower()]
        numbers = [given[key].pop(0) if given[key] else default for key, default in defaults.items()]
        if None in numbers:
            node.refuse(f"its activation {name!r} needs activation_alpha and activation_beta")
        found.append("linear" if (ours, numbers) == ("affine", [1.0, 0.0]) else (ours, *(value or 0.0 for value in numbers)))
    for key, left in given.items():
        if left:
            node.refuse(f"has more values in activation_{key} than its activations {', '.join(names)} use")
    return [tuple(found[start : start + len(usual)]) for start in range(0, len(found), len(usual))]


def _layer(node: Node, arrays: _Arrays, name: str) -> Layer:
    """Return one direction's layer."""
    try:
        return {"LSTM": _lstm, "GRU": _gru, "RNN": _rnn}[node.operator](node, arrays, name)
    except ModelError as error:
        raise ModelError(f"node {node.name!r} ({node.operator}): {error}") from error


def _lstm(node: Node, arrays: _Arrays, name: str) -> Layer:
    coupled = bool(node.attributes.get("input_forget", 0))
    order = _LSTM_COUPLED_BLOCKS if coupled else _LSTM_BLOCKS
    kernel, recurrent = (_blocks(array, 4, order).T for array in (arrays.kernel, arrays.recurrent))
    bias = _blocks(arrays.bias.sum(0), 4, order)
    gate, cell, out = arrays.activations
    if arrays.peephole is None:
        return lstm(kernel, recurrent, bias, name, gate=gate, cell=cell, output=out, coupled=coupled, clip=arrays.clip)
    rows = arrays.peephole.reshape(3, -1)[list(_PEEPHOLE_COUPLED_BLOCKS if coupled else _PEEPHOLE_BLOCKS)]
    variant: Literal["cifg", "vanilla"] = "cifg" if coupled else "vanilla"
    return peephole_lstm(kernel, recurrent, bias, rows, variant, name, gate=gate, cell=cell, output=out, clip=arrays.clip)


def _gru(node: Node, arrays: _Arrays, name: str) -> Layer:
    gate, candidate = arrays.activations
    first, second = arrays.bias
    after = bool(node.attributes.get("linear_before_reset", 0))
    matrices = arrays.kernel.T, arrays.recurrent.T
    return gru(*matrices, first, second, after, name, gate=gate, candidate=candidate, clip=arrays.clip)


def _rnn(node: Node, arrays: _Arrays, name: str) -> Layer:
    return rnn(arrays.kernel.T, arrays.recurrent.T, arrays.bias.sum(0), arrays.activations[0], name, clip=arrays.clip)


def _blocks(array: Array, count: int, order: Sequence[int]) -> Array:
    """Return blocks of rows in another order."""
    return np.concatenate([np.split(array, count)[block] for block in order])


def _lengths(node: Node, value: Value, time: Dimension) -> str | None:
    """Return the graph input that holds sequence_lens; ``None`` where every sequence is whole."""
    if value is None:
        return None
    if isinstance(value, Given):
        return value.name
    if isinstance(value, Data) and value.source:
        return value.source
    if isinstance(value, np.ndarray) and all(size == extent(time) for size in value.ravel().tolist()):
        return None
    node.refuse(
        "its sequence_lens are neither a graph input nor the whole sequences; make them an input, calls give them as lengths"
    )


def _check_lengths_below(node: Node, below: Source | Stage, lengths: str | None) -> None:
    for stage in chain(below):
        if stage.parts[0].layer.remembers and stage.parts[0].lengths != lengths:
            node.refuse(f"reads {stage.block.name!r}, which has other sequence_lens; give both the same or none")


def _initial_states(
    node: Node, operands: Sequence[Any], directions: int, units: int, batch_first: bool
) -> tuple[list[dict[str, Array]], tuple[str, ...]]:
    """Return each direction's constant initial states that are not 0, and the graph inputs that hold initial states."""
    initial: list[dict[str, Array]] = [{} for _ in range(directions)]
    given = []
    for state in _STATES[node.operator]:
        value, what = operands[_INITIAL[state]], f"its initial_{state}"
        if isinstance(value, Given) or (isinstance(value, Data) and value.source):
            given.append(value.name if isinstance(value, Given) else str(value.source))
        elif isinstance(value, Data):
            node.refuse(f"{what} is another layer's output; networks start from constants or from the states given to a call")
        elif value is not None:
            vectors = _constant_state(node, weights(node, value, what, 3), what, (directions, units), batch_first)
            for states, vector in zip(initial, vectors, strict=True):
                states.update({state: vector} if vector.any() else {})
    return initial, tuple(given)


def _constant_state(node: Node, array: Array, what: str, shape: tuple[int, int], batch_first: bool) -> Array:
    """Return an initial state that is the same for every sequence; ``shape``: (directions, units)."""
    rows = array.swapaxes(0, 1) if batch_first else array
    if rows.shape[::2] != shape:
        node.refuse(f"{what} has shape {array.shape}; it needs {shape[0]} directions of {shape[1]} units")
    if (rows != rows[:, :1]).any():
        node.refuse(f"{what} differs from sequence to sequence; make it a graph input and give it to a call as states")
    return np.ascontiguousarray(rows[:, 0])


RECURRENT = tuple(_OPERATORS)
