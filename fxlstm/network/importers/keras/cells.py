"""Keras's recurrent cells as layers: their arrays brought into the order of the builders."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fxlstm.errors import ModelError
from fxlstm.network.importers.keras.activations import activation
from fxlstm.network.importers.keras.chain import Entry
from fxlstm.network.importers.keras.refusal import refuse
from fxlstm.network.layers.builders import gru, lstm, rnn
from fxlstm.network.layers.convolution import conv_lstm_1d, conv_lstm_2d, convolved_shape
from fxlstm.network.layers.layer import Array, Layer

MOST_WEIGHTS = 1 << 27  # of one matrix, 1 GiB
# Keras's column blocks i, f, c, o in the order a, i, f, o of the builders; Keras's c is the cell input a.
_LSTM_ORDER = (2, 0, 1, 3)


def lstm_layer(entry: Entry, version: int, name: str) -> Layer:
    """Return the layer of an LSTMCell."""
    gate, cell = activation(entry, "recurrent_activation", version), activation(entry, "activation", version)
    kernel, recurrent, bias = (_reordered(array, entry.name) for array in _arrays(entry))
    return lstm(kernel, recurrent, bias, name, gate=gate, cell=cell, output=cell)


def gru_layer(entry: Entry, version: int, name: str) -> Layer:
    """Return the layer of a GRUCell; with ``reset_after`` its two biases are the rows of one array."""
    gate, candidate = activation(entry, "recurrent_activation", version), activation(entry, "activation", version)
    reset_after = bool(entry.setting("reset_after", False))
    kernel, recurrent, bias = _arrays(entry)
    recurrent_bias = None
    if reset_after and entry.setting("use_bias", True):
        if bias.ndim != 2 or len(bias) != 2:
            raise ModelError(f"layer {entry.name!r}: bias has shape {bias.shape}; with reset_after it needs two rows")
        bias, recurrent_bias = bias
    return gru(kernel, recurrent, bias, recurrent_bias, reset_after, name, gate=gate, candidate=candidate)


def rnn_layer(entry: Entry, version: int, name: str) -> Layer:
    """Return the layer of a SimpleRNNCell."""
    kernel, recurrent, bias = _arrays(entry)
    return rnn(kernel, recurrent, bias, activation(entry, "activation", version), name)


CELLS: dict[str, Callable[[Entry, int, str], Layer]] = {
    "LSTMCell": lstm_layer,
    "GRUCell": gru_layer,
    "SimpleRNNCell": rnn_layer,
}


def conv_lstm_layer(entry: Entry, version: int, name: str, shape: tuple[int, ...]) -> tuple[Layer, tuple[int, ...]]:
    """Return the layer of a ConvLSTM over inputs of a shape, channels last, and the shape of its outputs."""
    gate, cell = activation(entry, "recurrent_activation", version), activation(entry, "activation", version)
    if entry.setting("data_format", "channels_last") not in (None, "channels_last"):
        refuse(entry.name, "has channels first; build it with data_format='channels_last'")
    kernel, recurrent, bias = (_reordered(array, entry.name) for array in _arrays(entry))
    positions, filters = shape[:-1], kernel.shape[-1] // 4
    strides, dilation = (_each_axis(entry.setting(key, 1), len(positions)) for key in ("strides", "dilation_rate"))
    padding = entry.setting("padding", "valid")
    reached = convolved_shape(positions, kernel.shape[: len(positions)], padding, strides, dilation)
    units = math.prod(reached) * filters
    if 4 * units * (math.prod(shape) + units) > MOST_WEIGHTS:
        refuse(entry.name, f"has {units} outputs, whose unrolled kernels are more than {MOST_WEIGHTS} weights")
    build = conv_lstm_1d if len(positions) == 1 else conv_lstm_2d
    where: Any = [numbers[0] if len(numbers) == 1 else numbers for numbers in (positions, strides, dilation)]
    layer = build(kernel, recurrent, bias, where[0], padding, where[1], where[2], name=name, gate=gate, cell=cell, output=cell)
    return layer, (*reached, filters)


def _each_axis(value: Any, rank: int) -> tuple[int, ...]:
    """Return a setting that is one number or one for each axis."""
    return tuple(value) if isinstance(value, list) else (value,) * rank


def _arrays(entry: Entry) -> list[Array]:
    """Return a cell's kernel, recurrent kernel and bias, which is 0 where it has none."""
    if entry.setting("use_bias", True):
        return entry.arrays.take(3, entry.name)
    kernel, recurrent = entry.arrays.take(2, entry.name)
    return [kernel, recurrent, np.zeros(kernel.shape[-1:])]


def _reordered(array: Array, layer: str, order: Sequence[int] = _LSTM_ORDER) -> Array:
    """Return an array with the blocks of its last axis in another order."""
    if array.ndim == 0 or array.shape[-1] % len(order):
        raise ModelError(f"layer {layer!r} has an array of shape {array.shape}; its last axis needs {len(order)} equal blocks")
    blocks = np.split(array, len(order), axis=-1)
    return np.concatenate([blocks[block] for block in order], axis=-1)
