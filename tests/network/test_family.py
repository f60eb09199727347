"""Cells with the activations, clipping and couplings of frameworks: against the equations written plainly."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from fxlstm.errors import ModelError
from fxlstm.network import CELLS, Network, dense, gru, lstm, peephole_lstm, rnn, rnn_from_torch
from fxlstm.network.cells import dense_cell, gru_cell, lstm_cell, rnn_cell

FORMS = {
    "linear": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    ("hard_sigmoid", 1 / 6, 0.5): lambda x: np.clip(x / 6 + 0.5, 0, 1),
    ("affine", 0.3, -0.2): lambda x: 0.3 * x - 0.2,
    ("affine", 1.0, 0.0): lambda x: x,
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    ("leaky_relu", 0.3): lambda x: np.where(x > 0, x, 0.3 * x),
    ("scaled_tanh", 1.7159, 2 / 3): lambda x: 1.7159 * np.tanh(2 * x / 3),
}
X = np.random.default_rng(1).normal(size=(3, 12, 2)) * 2


def weights(seed: int, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(size=shape) * 0.8 for shape in shapes]


def limited(function, clip: float | None):
    return function if clip is None else lambda x: function(np.clip(x, -clip, clip))


@pytest.mark.parametrize("activation", FORMS, ids=str)
def test_an_activation_is_its_formula(activation):
    x = np.linspace(-9, 9, 181)[:, np.newaxis]
    layer = dense([[1.0]], [0.0], activation)
    np.testing.assert_allclose(Network([layer])(x), FORMS[activation](x), atol=1e-12, rtol=0)


@pytest.mark.parametrize("clip", [None, 0.7])
@pytest.mark.parametrize("activation", FORMS, ids=str)
def test_a_simple_rnn_has_any_activation_and_clips(activation, clip):
    kernel, recurrent, bias = weights(2, (2, 4), (4, 4), (4,))
    recurrent *= 0.3
    function, h, expected = limited(FORMS[activation], clip), np.zeros((3, 4)), []
    for t in range(12):
        h = function(X[:, t] @ kernel + h @ recurrent + bias)
        expected.append(h)
    layer = rnn(kernel, recurrent, bias, activation, clip=clip)
    np.testing.assert_allclose(Network([layer])(X), np.stack(expected, axis=1), atol=1e-12)


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize("form", ["plain", "peepholes", "projected"])
@pytest.mark.parametrize(
    ("gate", "cell", "output"),
    [
        ("sigmoid", "tanh", "tanh"),
        ("hard_sigmoid", "relu", ("scaled_tanh", 1.7159, 2 / 3)),
        ("relu", "linear", "linear"),
        ("tanh", ("leaky_relu", 0.3), ("affine", 0.3, -0.2)),
    ],
    ids=str,
)
def test_an_lstm_has_any_activations_and_options(gate, cell, output, form, coupled, clip):
    peepholes, projected = form == "peepholes", form == "projected"
    blocks = "aio" if coupled else "aifo"
    kernel, recurrent, bias, p, projection = weights(
        3, (2, 4 * len(blocks)), (4, 4 * len(blocks)), (4 * len(blocks),), (len(blocks) - 1, 4), (4, 4)
    )
    kernel, recurrent, p, projection = (
        0.3 * kernel,
        0.2 * recurrent,
        0.3 * p,
        0.5 * projection,
    )  # gates that may exceed 1 let the state grow
    options = {"gate": gate, "cell": cell, "output": output, "clip": clip}
    if peepholes:
        layer = peephole_lstm(kernel, recurrent, bias, p, "cifg" if coupled else "vanilla", **options)
    else:
        layer = lstm(kernel, recurrent, bias, projection=projection if projected else None, coupled=coupled, **options)
    s, g, out = (limited(FORMS[activation], clip) for activation in (gate, cell, output))
    peephole = dict(zip(blocks[1:], p if peepholes else np.zeros_like(p), strict=True))
    h, c, expected = np.zeros((3, 4)), np.zeros((3, 4)), []
    for t in range(12):
        net = dict(zip(blocks, np.split(X[:, t] @ kernel + h @ recurrent + bias, len(blocks), axis=-1), strict=True))
        i = s(net["i"] + peephole["i"] * c)
        f = 1 - i if coupled else s(net["f"] + peephole["f"] * c)
        c = i * g(net["a"]) + f * c
        h = s(net["o"] + peephole["o"] * c) * out(c)
        h = h @ projection if projected else h
        expected.append(h)
    np.testing.assert_allclose(Network([layer])(X), np.stack(expected, axis=1), rtol=1e-9, atol=1e-12)


def test_an_lstm_may_have_peepholes_and_a_projection():
    cell = lstm_cell(peepholes=True, projected=True)
    assert cell.parameters == ("p_i", "p_f", "p_o") and cell.lengths == {"h": "projected"}


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("reset_after", [False, True])
@pytest.mark.parametrize(("gate", "candidate"), [("sigmoid", "tanh"), ("hard_sigmoid", "relu"), ("relu", "linear")])
def test_a_gru_has_any_activations_and_options(gate, candidate, reset_after, clip):
    kernel, recurrent, bias, second = weights(4, (2, 12), (4, 12), (12,), (12,))
    kernel, recurrent = 0.4 * kernel, 0.2 * recurrent
    layer = gru(kernel, recurrent, bias, second, reset_after, gate=gate, candidate=candidate, clip=clip)
    s, g = (limited(FORMS[activation], clip) for activation in (gate, candidate))
    h, expected = np.zeros((3, 4)), []
    for t in range(12):
        from_x = np.split(X[:, t] @ kernel + bias, 3, axis=-1)
        from_h = np.split(h @ recurrent + second, 3, axis=-1)
        z, r = s(from_x[0] + from_h[0]), s(from_x[1] + from_h[1])
        reset = r * from_h[2] if reset_after else (r * h) @ recurrent[:, 8:] + second[8:]
        h = z * h + (1 - z) * g(from_x[2] + reset)
        expected.append(h)
    np.testing.assert_allclose(Network([layer])(X), np.stack(expected, axis=1), atol=1e-10)


def test_an_rnn_of_torch_may_have_relu():
    torch.manual_seed(5)
    module = torch.nn.RNN(2, 4, nonlinearity="relu", batch_first=True, dtype=torch.float64)
    arrays = [array.detach().numpy() for array in module.all_weights[0]]
    wanted = module(torch.tensor(X))[0].detach().numpy()
    np.testing.assert_allclose(Network([rnn_from_torch(*arrays, activation="relu")])(X), wanted, atol=1e-12)


def test_where_the_catalogue_has_the_cell_it_is_returned():
    made = {
        "lstm": lstm_cell(),
        "lstm-projected": lstm_cell(projected=True),
        "lstm-peephole": lstm_cell(peepholes=True),
        "lstm-niaf": lstm_cell(cell="linear", peepholes=True),
        "lstm-noaf": lstm_cell(output="linear", peepholes=True),
        "lstm-cifg": lstm_cell(peepholes=True, coupled=True),
        "gru-reset-before": gru_cell(reset_after=False),
        "gru-reset-after": gru_cell(),
        "rnn-tanh": rnn_cell(),
        "rnn-sigmoid": rnn_cell("sigmoid"),
        "dense": dense_cell(),
        "dense-sigmoid": dense_cell("sigmoid"),
        "dense-tanh": dense_cell("tanh"),
    }
    for name, cell in made.items():
        assert cell is CELLS[name]


def test_another_cell_says_in_its_name_what_differs():
    cell = lstm_cell(gate="hard_sigmoid", output="relu", peepholes=True, clip=2.5)
    assert cell.name == "lstm-peephole(gate=hard_sigmoid(0.2, 0.5), output=relu, clip=2.5)"
    assert gru_cell(candidate="relu").name == "gru-reset-after(candidate=relu)"
    assert rnn_cell(("leaky_relu", 0.3), 3).name == "rnn-leaky_relu(0.3)(clip=3)"


@pytest.mark.parametrize("activation", ["softsign", "softplus", "elu", "selu", "gelu", "swish", ("thresholded_relu", 1.0), ()])
def test_activations_without_an_exact_integer_form_are_refused_with_the_list(activation):
    with pytest.raises(ModelError, match="choose one of linear, sigmoid, tanh, relu, hard_sigmoid"):
        rnn_cell(activation)


@pytest.mark.parametrize("activation", [("relu", 1.0), "affine", ("affine", 1.0), ("hard_sigmoid", math.nan), ("leaky_relu", "a")])
def test_numbers_that_an_activation_does_not_take_are_refused(activation):
    with pytest.raises(ModelError, match="finite numbers"):
        dense_cell(activation)


@pytest.mark.parametrize("clip", [0, -1.0, math.inf, math.nan])
def test_a_clip_that_is_no_positive_number_is_refused(clip):
    with pytest.raises(ModelError, match="it must be a positive number"):
        lstm_cell(clip=clip)


def test_variants_with_fixed_activations_keep_them():
    with pytest.raises(ModelError, match="variant 'nog' has fixed activations; only vanilla and cifg take others"):
        peephole_lstm(np.zeros((1, 3)), np.zeros((1, 3)), np.zeros(3), np.zeros((2, 1)), "nog", clip=1.0)
