"""Convolutional LSTM layers: kernels unrolled into the matrices that a crossbar multiplies by.

Positions are flattened with the channels last: x is (positions x channels), h and c are (output positions x filters).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network.arrays import Array, as_float
from fxlstm.network.cells import Activation
from fxlstm.network.layers.builders import lstm, peephole_lstm
from fxlstm.network.layers.layer import Layer

Padding = Literal["valid", "same"]
_BLOCKS = 4  # a, i, f, o


def conv_lstm_1d(
    kernel: ArrayLike,
    recurrent: ArrayLike,
    bias: ArrayLike,
    length: int,
    padding: Padding = "valid",
    strides: int = 1,
    dilation: int = 1,
    peephole: ArrayLike | None = None,
    name: str = "conv-lstm-1d",
    *,
    gate: Activation = "sigmoid",
    cell: Activation = "tanh",
    output: Activation = "tanh",
) -> Layer:
    """Return a ConvLSTM layer over rows of ``length`` positions; the column blocks of its filters stand in the order a, i, f, o.

    ``kernel``: (size, channels, 4 filters); ``recurrent``: (size, filters, 4 filters), applied with padding "same" and no strides;
    ``bias``: (4 filters,). ``peephole``: (3, output positions, filters) or (3, output positions x filters), of i, f and o.
    The layer's input is (length x channels), its output (output positions x filters): see :func:`convolved_shape`.
    ``gate``, ``cell``, ``output``: activations, as in :func:`fxlstm.lstm`.
    Raises :class:`ModelError` for arrays that do not fit, or a kernel larger than what it reads.
    """
    shape, steps = (length,), ((strides,), (dilation,))
    return _conv_lstm(kernel, recurrent, bias, shape, padding, *steps, peephole, name, gate, cell, output)


def conv_lstm_2d(
    kernel: ArrayLike,
    recurrent: ArrayLike,
    bias: ArrayLike,
    size: tuple[int, int],
    padding: Padding = "valid",
    strides: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    peephole: ArrayLike | None = None,
    name: str = "conv-lstm-2d",
    *,
    gate: Activation = "sigmoid",
    cell: Activation = "tanh",
    output: Activation = "tanh",
) -> Layer:
    """Return a ConvLSTM layer over images of ``size`` (rows, columns); otherwise as :func:`conv_lstm_1d`.

    ``kernel``: (rows, columns, channels, 4 filters); ``recurrent``: (rows, columns, filters, 4 filters); ``peephole``:
    (3, output rows, output columns, filters). Shi et al. 2015; the output gate's peephole sees the new cell state.
    """
    return _conv_lstm(kernel, recurrent, bias, size, padding, strides, dilation, peephole, name, gate, cell, output)


def _conv_lstm(
    kernel: ArrayLike,
    recurrent: ArrayLike,
    bias: ArrayLike,
    shape: Sequence[int],
    padding: Padding,
    strides: Sequence[int],
    dilation: Sequence[int],
    peephole: ArrayLike | None,
    name: str,
    gate: Activation,
    cell: Activation,
    output: Activation,
) -> Layer:
    """Return the LSTM layer whose matrices are the unrolled kernels."""
    what = f"layer {name!r}"
    from_x, from_h = as_float(kernel, f"{what}, kernel"), as_float(recurrent, f"{what}, recurrent")
    biases = as_float(bias, f"{what}, bias")
    rank = len(shape)
    for key, array in (("kernel", from_x), ("recurrent", from_h)):
        if array.ndim != rank + 2 or array.shape[-1] % _BLOCKS or 0 in array.shape:
            raise ModelError(f"{what}: {key} has shape {array.shape}; it needs {rank} sizes, channels and 4 blocks of filters")
    filters = from_x.shape[-1] // _BLOCKS
    if from_h.shape[-2:] != (filters, _BLOCKS * filters) or biases.shape != (_BLOCKS * filters,):
        raise ModelError(
            f"{what}: recurrent has shape {from_h.shape} and bias {biases.shape}; with {filters} filters they need "
            f"(..., {filters}, {_BLOCKS * filters}) and ({_BLOCKS * filters},)"
        )
    reached = convolved_shape(shape, from_x.shape[:rank], padding, strides, dilation)
    ones = (1,) * rank
    arrays = (
        _in_blocks([unrolled(part, shape, padding, strides, dilation) for part in np.split(from_x, _BLOCKS, axis=-1)]),
        _in_blocks([unrolled(part, reached, "same", ones, ones) for part in np.split(from_h, _BLOCKS, axis=-1)]),
        _in_blocks([np.tile(part, prod(reached)) for part in np.split(biases, _BLOCKS)]),
    )
    if peephole is None:
        return lstm(*arrays, name, gate=gate, cell=cell, output=output)
    rows = as_float(peephole, f"{what}, peephole")
    vectors = rows.reshape(len(rows), -1) if rows.ndim else rows
    return peephole_lstm(*arrays, vectors, "vanilla", name, gate=gate, cell=cell, output=output)


def _in_blocks(parts: Sequence[Array]) -> Array:
    return np.concatenate(parts, axis=-1)


def convolved_shape(
    shape: Sequence[int], kernel: Sequence[int], padding: Padding, strides: Sequence[int], dilation: Sequence[int]
) -> tuple[int, ...]:
    """Return how many positions a convolution gives along each axis.

    ``padding``: ``"valid"`` stays inside, ``"same"`` pads with zeros until every ``strides``-th position has an output.
    Raises :class:`ModelError` for numbers below 1, a padding of another name, or a kernel that is larger than the positions.
    """
    sizes = [shape, kernel, strides, dilation]
    if padding not in ("valid", "same"):
        raise ModelError(f"padding = {padding!r}; choose 'valid' or 'same'")
    if len({len(size) for size in sizes}) > 1 or min(number for size in sizes for number in size) < 1:
        raise ModelError(
            f"positions {tuple(shape)}, kernel {tuple(kernel)}, strides {tuple(strides)} and dilation {tuple(dilation)}; "
            f"give as many numbers of each, all at least 1"
        )
    reach = [(size - 1) * step for size, step in zip(kernel, dilation, strict=True)]
    if padding == "same":
        return tuple(-(-positions // stride) for positions, stride in zip(shape, strides, strict=True))
    result = tuple((positions - far - 1) // stride + 1 for positions, far, stride in zip(shape, reach, strides, strict=True))
    if min(result) < 1:
        raise ModelError(f"a kernel of {tuple(kernel)} with dilation {tuple(dilation)} is larger than {tuple(shape)} positions")
    return result


def unrolled(kernel: Array, shape: Sequence[int], padding: Padding, strides: Sequence[int], dilation: Sequence[int]) -> Array:
    """Return the matrix of a convolution (not flipped, as frameworks do it): (positions x channels, output positions x filters).

    ``kernel``: (size of each axis, channels, filters).
    """
    *sizes, channels, filters = kernel.shape
    reached = convolved_shape(shape, sizes, padding, strides, dilation)
    before = [
        max((out - 1) * stride + (size - 1) * step + 1 - positions, 0) // 2 if padding == "same" else 0
        for out, stride, size, step, positions in zip(reached, strides, sizes, dilation, shape, strict=True)
    ]
    matrix = np.zeros((prod(shape), channels, prod(reached), filters))
    outputs = np.indices(reached).reshape(len(reached), -1)
    for offset in product(*map(range, sizes)):
        axes = zip(outputs, strides, offset, dilation, before, strict=True)
        places = np.array([out * stride + number * step - pad for out, stride, number, step, pad in axes])
        inside = ((places >= 0) & (places < np.array(shape)[:, np.newaxis])).all(axis=0)
        read = np.ravel_multi_index(tuple(places[:, inside]), tuple(shape))
        matrix[read, :, np.flatnonzero(inside), :] += kernel[offset]
    return matrix.reshape(prod(shape) * channels, prod(reached) * filters)
