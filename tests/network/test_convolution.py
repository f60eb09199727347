"""Convolutional LSTM layers: unrolled kernels against convolutions of PyTorch, and against the equations of Shi et al."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fxlstm.errors import ModelError
from fxlstm.network import Network, conv_lstm_1d, conv_lstm_2d, convolved_shape
from fxlstm.network.layers.convolution import unrolled

CONVOLVE = {1: F.conv1d, 2: F.conv2d}


def padded_convolution(x: np.ndarray, kernel: np.ndarray, padding: str, strides, dilation) -> np.ndarray:
    """PyTorch's convolution, channels last; "same" pads as TensorFlow does, the odd zero at the end."""
    rank = kernel.ndim - 2
    pads = []
    for positions, size, stride, step in zip(x.shape[1:], kernel.shape, strides, dilation, strict=False):
        total = max((-(-positions // stride) - 1) * stride + (size - 1) * step + 1 - positions, 0) if padding == "same" else 0
        pads.append((total // 2, total - total // 2))
    wide = torch.tensor(np.pad(x, [(0, 0), *pads, (0, 0)])).movedim(-1, 1)
    weight = torch.tensor(kernel).movedim(-1, 0).movedim(-1, 1)
    result = CONVOLVE[rank](wide, weight, stride=tuple(strides), dilation=tuple(dilation))
    return result.movedim(1, -1).numpy()


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 2), st.sampled_from(["same", "valid"]), st.integers(0, 2**31))
def test_an_unrolled_kernel_is_the_convolution(data, rank, padding, seed):
    numbers = [data.draw(st.lists(st.integers(1, high), min_size=rank, max_size=rank)) for high in (7, 4, 3, 3)]
    shape, sizes, strides, dilation = numbers
    if padding == "valid":
        assume(all((size - 1) * step < room for room, size, step in zip(shape, sizes, dilation, strict=True)))
    random = np.random.default_rng(seed)
    kernel, x = random.normal(size=(*sizes, 2, 3)), random.normal(size=(4, *shape, 2))
    wanted = padded_convolution(x, kernel, padding, strides, dilation)
    assert wanted.shape[1:-1] == convolved_shape(shape, sizes, padding, strides, dilation)
    product = x.reshape(4, -1) @ unrolled(kernel, shape, padding, strides, dilation)
    np.testing.assert_allclose(product, wanted.reshape(4, -1), atol=1e-12)


def s(x):
    return 1 / (1 + np.exp(-x))


def shi(x, kernel, recurrent, bias, peephole, padding, strides, dilation) -> np.ndarray:
    """ConvLSTM over (time, positions..., channels): gates from convolutions, peepholes element by element."""
    ones = [1] * (kernel.ndim - 2)
    outputs, h, c = [], None, None
    for x_t in x:
        from_x = padded_convolution(x_t[np.newaxis], kernel, padding, strides, dilation)[0] + bias
        h = np.zeros((*from_x.shape[:-1], recurrent.shape[-2])) if h is None else h
        c = np.zeros_like(h) if c is None else c
        net = from_x + padded_convolution(h[np.newaxis], recurrent, "same", ones, ones)[0]
        a, i, f, o = np.split(net, 4, axis=-1)
        i, f = s(i + peephole[0] * c), s(f + peephole[1] * c)
        c = f * c + i * np.tanh(a)
        h = s(o + peephole[2] * c) * np.tanh(c)
        outputs.append(h)
    return np.array(outputs)


@pytest.mark.parametrize("has_peephole", [False, True])
@pytest.mark.parametrize(("padding", "strides", "dilation"), [("valid", 1, 1), ("same", 1, 1), ("same", 2, 1), ("valid", 1, 2)])
def test_one_dimension_is_the_equations(padding, strides, dilation, has_peephole):
    random = np.random.default_rng(2)
    kernel, recurrent, bias = random.normal(size=(3, 2, 12)), random.normal(size=(2, 3, 12)), random.normal(size=12)
    x = random.normal(size=(6, 9, 2))
    (positions,) = convolved_shape((9,), (3,), padding, (strides,), (dilation,))
    peephole = random.normal(size=(3, positions, 3)) * has_peephole
    wanted = shi(x, kernel, recurrent, bias, peephole, padding, [strides], [dilation])
    layer = conv_lstm_1d(kernel, recurrent, bias, 9, padding, strides, dilation, peephole if has_peephole else None)
    assert layer.cell.name == ("lstm-peephole" if has_peephole else "lstm")
    np.testing.assert_allclose(Network([layer])(x.reshape(6, -1)), wanted.reshape(6, -1), atol=1e-12)


@pytest.mark.parametrize(
    ("padding", "strides", "dilation"), [("valid", (1, 1), (1, 1)), ("same", (2, 1), (1, 1)), ("same", (1, 1), (1, 2))]
)
def test_two_dimensions_are_the_equations(padding, strides, dilation):
    random = np.random.default_rng(3)
    kernel, recurrent, bias = random.normal(size=(2, 3, 2, 8)), random.normal(size=(3, 2, 2, 8)), random.normal(size=8)
    x = random.normal(size=(4, 5, 6, 2))
    reached = convolved_shape((5, 6), (2, 3), padding, strides, dilation)
    peephole = random.normal(size=(3, *reached, 2))
    wanted = shi(x, kernel, recurrent, bias, peephole, padding, strides, dilation)
    layer = conv_lstm_2d(kernel, recurrent, bias, (5, 6), padding, strides, dilation, peephole)
    np.testing.assert_allclose(Network([layer])(x.reshape(4, -1)), wanted.reshape(4, -1), atol=1e-12)


def test_arrays_that_do_not_fit_are_refused():
    zeros = np.zeros
    with pytest.raises(ModelError, match=r"layer 'conv-lstm-1d': kernel has shape \(3, 8\)"):
        conv_lstm_1d(zeros((3, 8)), zeros((3, 2, 8)), zeros(8), 9)
    with pytest.raises(ModelError, match=r"recurrent has shape \(3, 1, 8\)"):
        conv_lstm_1d(zeros((3, 1, 8)), zeros((3, 1, 8)), zeros(8), 9)
    with pytest.raises(ModelError, match=r"\(3,\) with dilation \(5,\) is larger than \(9,\) positions"):
        conv_lstm_1d(zeros((3, 1, 8)), zeros((3, 2, 8)), zeros(8), 9, dilation=5)
    with pytest.raises(ModelError, match="padding = 'causal'; choose 'valid' or 'same'"):
        conv_lstm_1d(zeros((3, 1, 8)), zeros((3, 2, 8)), zeros(8), 9, "causal")
    with pytest.raises(ModelError, match="all at least 1"):
        conv_lstm_2d(zeros((3, 3, 1, 8)), zeros((3, 3, 2, 8)), zeros(8), (9, 9), strides=(0, 1))
    with pytest.raises(ModelError, match="peephole has 2 rows"):
        conv_lstm_1d(zeros((3, 1, 8)), zeros((3, 2, 8)), zeros(8), 9, peephole=zeros((2, 7, 2)))
    with pytest.raises(ModelError, match="'p_i' has shape"):
        conv_lstm_1d(zeros((3, 1, 8)), zeros((3, 2, 8)), zeros(8), 9, peephole=zeros((3, 8, 2)))
