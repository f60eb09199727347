"""The classes of Keras's layers, each with what it does to the stream."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from fxlstm.network.importers.keras.activations import LAYERS as ACTIVATIONS
from fxlstm.network.importers.keras.activations import activation_of, activation_of_layer
from fxlstm.network.importers.keras.cells import CELLS, MOST_WEIGHTS, conv_lstm_layer
from fxlstm.network.importers.keras.chain import MODELS, Entry, entries_of, layers_in_order
from fxlstm.network.importers.keras.refusal import refuse
from fxlstm.network.importers.keras.scaling import LAYERS as SCALINGS
from fxlstm.network.importers.keras.scaling import scaled
from fxlstm.network.importers.keras.stream import Stream, interleaved
from fxlstm.network.layers.builders import dense
from fxlstm.network.layers.layer import Layer
from fxlstm.network.topologies.directions import Bidirectional

_NOTHING = (
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
)
_CELL_OF = {"LSTM": "LSTMCell", "GRU": "GRUCell", "SimpleRNN": "SimpleRNNCell"}
_CONV_RANK = {"ConvLSTM1D": 1, "ConvLSTM2D": 2}
RECURRENT = (*_CELL_OF, *_CONV_RANK, "RNN")


def through(stream: Stream, entry: Entry, version: int) -> Stream:
    """Return the stream behind one layer."""
    if stream.softmax and entry.kind not in _NOTHING:
        refuse(stream.softmax, f"is a softmax before layer {entry.name!r}; a network ends before its softmax")
    if entry.kind in _NOTHING:
        return stream
    if entry.kind in RECURRENT:
        return _recurrent(stream, entry, version)
    if entry.kind in ACTIVATIONS:
        return stream.activated(activation_of_layer(entry.kind, entry.settings, version, entry.name), entry.name)
    if entry.kind in SCALINGS:
        return scaled(stream, entry)
    if entry.kind in MODELS:
        for inner in layers_in_order(entry.kind, entry.name, entry.settings, entry.arrays):
            stream = through(stream, inner, version)
        if stream.mask_value is not None:
            refuse(entry.name, f"is a {entry.kind} model where timesteps are masked; put its layers into the model around it")
        return stream
    if entry.kind not in _OTHERS:
        refuse(entry.name, f"{entry.kind} is not supported")
    return _OTHERS[entry.kind](stream, entry, version)


def _input(stream: Stream, entry: Entry, version: int) -> Stream:
    return shaped(stream, entry.setting("batch_shape") or entry.setting("batch_input_shape"))


def shaped(stream: Stream, shape: Any) -> Stream:
    """Return the stream of an input of a shape (batch, time, features...) or (batch, features), unless it is known by now."""
    if stream.runs or stream.shape is not None or not isinstance(shape, list) or len(shape) < 2:
        return stream
    if len(shape) == 2:
        return replace(stream, form="vector", shape=_known(shape[1:]))
    return replace(stream, time=shape[1], shape=_known(shape[2:]))


def _known(sizes: list[Any]) -> tuple[int, ...] | None:
    return tuple(sizes) if all(isinstance(size, int) and size > 0 for size in sizes) else None


def _recurrent(stream: Stream, entry: Entry, version: int) -> Stream:
    """Return the stream behind a recurrent layer of one direction; stacked cells are layers of their own."""
    layers, shape = _layers(stream, entry, version, entry.name)
    changes = _sequence(stream, entry)
    for layer in layers:
        stream = stream.behind(layer, shape, backward=changes["backward"])
    return replace(stream, **changes)


def _sequence(stream: Stream, entry: Entry) -> dict[str, Any]:
    """Return what a recurrent layer does to the form of the data and to the order of its timesteps."""
    if stream.form != "sequence":
        refuse(entry.name, "is a recurrent layer behind a layer that gives one timestep; set return_sequences=True there")
    if stream.mask_value is not None and stream.backward:  # Keras does not reverse the mask with the data
        refuse(entry.name, "is masked behind a layer with go_backwards; there Keras leaves out other timesteps than it masks")
    if entry.setting("time_major"):
        refuse(entry.name, "has time_major=True; networks are batch first")
    return {
        "backward": stream.backward != bool(entry.setting("go_backwards")),
        "form": "sequence" if entry.setting("return_sequences") else "last",
        "zeroed": entry.name if entry.setting("zero_output_for_mask") else None,
    }


def _layers(stream: Stream, entry: Entry, version: int, name: str) -> tuple[list[Layer], tuple[int, ...] | None]:
    """Return the layers of a recurrent layer, without their direction, and the shape of their outputs where it is no vector."""
    if entry.kind in _CONV_RANK:
        layer, shape = _convolution(stream, entry, version, name)
        return [layer], shape
    if stream.shape is not None and len(stream.shape) != 1:
        refuse(entry.name, f"takes vectors, not data of shape {stream.shape}; put TimeDistributed(Flatten()) before it")
    if entry.kind != "RNN":
        return [CELLS[_CELL_OF[entry.kind]](replace(entry, arrays=entry.arrays.part("cell")), version, name)], None
    cell = entry.inner("cell", "cell")
    if cell.kind != "StackedRNNCells":
        return [_cell(cell, version, name)], None
    cells = enumerate(entries_of(cell.setting("cells", []), cell.arrays, "cells"))
    return [_cell(inner, version, f"{name}.{index}") for index, inner in cells], None


def _convolution(stream: Stream, entry: Entry, version: int, name: str) -> tuple[Layer, tuple[int, ...]]:
    if stream.shape is None or len(stream.shape) != _CONV_RANK[entry.kind] + 1:
        refuse(entry.name, f"takes positions and channels, not data of shape {stream.shape}; begin the model with an Input")
    return conv_lstm_layer(replace(entry, arrays=entry.arrays.part("cell")), version, name, stream.shape)


def _cell(cell: Entry, version: int, name: str) -> Layer:
    if cell.kind not in CELLS:
        refuse(name, f"is an RNN over the cell {cell.kind}")
    return CELLS[cell.kind](replace(cell, name=name), version, name)


def _bidirectional(stream: Stream, entry: Entry, version: int) -> Stream:
    """Return the stream behind a pair; what ave and convolutions need beside it is a dense layer of constant weights."""
    merge = entry.setting("merge_mode", "concat")
    if merge not in ("concat", "sum", "ave"):
        refuse(entry.name, f"has merge_mode={merge!r}")
    forward = entry.inner("layer", "forward_layer")
    own = entry.setting("backward_layer") is not None
    backward = entry.inner("backward_layer" if own else "layer", "backward_layer")
    if own and bool(forward.setting("go_backwards")) == bool(backward.setting("go_backwards")):
        refuse(entry.name, "is Bidirectional over two layers of one direction")
    pair: list[Layer] = []
    shape: tuple[int, ...] | None = None
    for direction, inner in (("forward", forward), ("backward", backward)):
        if inner.kind not in RECURRENT:
            refuse(entry.name, f"is Bidirectional over {inner.kind}")
        layers, shape = _layers(stream, inner, version, f"{entry.name}.{direction}")
        if len(layers) > 1:
            refuse(entry.name, "is Bidirectional over stacked cells; wrap each in a Bidirectional of its own")
        pair += layers
    changes = _sequence(stream, forward) | {"zeroed": entry.name}
    stream = stream.behind(Bidirectional(pair[0], pair[1], "sum" if merge == "sum" else "concat"), **changes)
    return _merged(stream, pair, shape, merge, entry.name)


def _merged(stream: Stream, pair: list[Layer], shape: tuple[int, ...] | None, merge: str, name: str) -> Stream:
    """Return the stream behind a pair with its features as Keras orders them."""
    outputs = pair[0].outputs
    if merge == "sum":
        return replace(stream, shape=shape or (outputs,))
    if merge == "ave":
        half = 0.5 * np.concatenate([np.eye(outputs), np.eye(outputs)])
        return stream.behind(dense(half, np.zeros(outputs), name=f"{name}.ave"), shape)
    if shape is None:
        return stream
    channels = [layer.outputs // math.prod(shape[:-1]) for layer in pair]
    return stream.permuted(interleaved(math.prod(shape[:-1]), channels), (*shape[:-1], sum(channels)), f"{name}.concat")


def _dense(stream: Stream, entry: Entry, version: int) -> Stream:
    """Return the stream behind a Dense layer, which works on the last axis: over several positions its weights stand for each."""
    kernel, *bias = entry.arrays.take(2 if entry.setting("use_bias", True) else 1, entry.name)
    vector = bias[0] if bias else np.zeros(kernel.shape[-1:])
    shape = stream.shape or kernel.shape[:1]
    positions = math.prod(shape[:-1])
    if kernel.size * positions**2 > MOST_WEIGHTS:
        refuse(entry.name, f"works on {positions} positions, for which it needs more than {MOST_WEIGHTS} weights")
    layer = dense(kernel if positions == 1 else np.kron(np.eye(positions), kernel), np.tile(vector, positions), name=entry.name)
    stream = stream.behind(layer, (*shape[:-1], layer.outputs // positions))
    return stream.activated(activation_of(entry.settings["activation"], version, entry.name), entry.name)


def _time_distributed(stream: Stream, entry: Entry, version: int) -> Stream:
    """Return the stream behind a layer that sees one timestep at a time."""
    inner = entry.inner("layer", "layer")
    if stream.form != "sequence" or inner.kind in (*RECURRENT, "Bidirectional", "Masking", "TimeDistributed"):
        refuse(entry.name, f"is TimeDistributed over {inner.kind}")
    behind = through(replace(stream, form="last"), inner, version)
    if behind.encoder is not stream.encoder:
        refuse(entry.name, f"is TimeDistributed over {inner.kind} with a RepeatVector in it")
    return replace(behind, form="sequence")


def _masking(stream: Stream, entry: Entry, version: int) -> Stream:
    if stream.runs or stream.mask_value is not None:
        refuse(entry.name, "is a Masking behind another layer; it is supported at the front")
    if stream.shape is not None and len(stream.shape) > 1:
        refuse(entry.name, f"masks positions of data of shape {stream.shape}; timesteps of vectors can be masked")
    value = float(entry.setting("mask_value", 0.0))
    if value != float(np.float32(value)):  # Keras compares after rounding to float32
        refuse(entry.name, f"masks {value}, which float32 does not hold; choose a value such as 0 or -1")
    return replace(stream, mask_value=value)


def _repeat_vector(stream: Stream, entry: Entry, version: int) -> Stream:
    if stream.form == "sequence":
        refuse(entry.name, "repeats a sequence; it takes one vector")
    return stream.repeated(int(entry.setting("n", 1)), entry.name)


def _flatten(stream: Stream, entry: Entry, version: int) -> Stream:
    if stream.form == "sequence" and stream.time != 1:
        refuse(entry.name, "is a Flatten that makes one vector of all timesteps; take the last one, or TimeDistributed(Flatten())")
    if entry.setting("data_format", "channels_last") not in (None, "channels_last"):
        refuse(entry.name, "is a Flatten with channels first")
    form = "last" if stream.form == "sequence" else stream.form
    return replace(stream, form=form, shape=(stream.features,) if stream.features else None)


def _reshape(stream: Stream, entry: Entry, version: int) -> Stream:
    """Return the stream in another shape of the same timesteps."""
    target = list(entry.setting("target_shape", ()))
    if stream.mask_value is not None:
        refuse(entry.name, "is a Reshape, behind which Keras masks nothing any more")
    keeps_time = stream.form != "sequence" or (bool(target) and target[:1] == [stream.time])
    shape = target[1:] if stream.form == "sequence" else target
    if not keeps_time or not shape or stream.features is None:
        refuse(entry.name, f"is a Reshape to {tuple(target)}, which may mix timesteps")
    if -1 in shape:
        rest = math.prod(size for size in shape if size != -1)
        shape = [size if size != -1 else stream.features // max(rest, 1) for size in shape]
    if math.prod(shape) != stream.features:
        refuse(entry.name, f"is a Reshape to {tuple(target)}, which may mix timesteps")
    return replace(stream, shape=tuple(shape))


_OTHERS: dict[str, Callable[[Stream, Entry, int], Stream]] = {
    "InputLayer": _input,
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "TimeDistributed": _time_distributed,
    "Masking": _masking,
    "RepeatVector": _repeat_vector,
    "Flatten": _flatten,
    "Reshape": _reshape,
}
