"""The float forward pass: what PyTorch computes, for any stack of layers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fxlstm.errors import ModelError
from fxlstm.network import Network, dense, lstm_from_torch

ACTIVATIONS = {"linear": lambda x: x, "sigmoid": torch.sigmoid, "tanh": torch.tanh}


def layers_of(module: torch.nn.LSTM):
    parameters = {key: value.detach().numpy() for key, value in module.named_parameters()}
    return [
        lstm_from_torch(*(parameters[f"{key}_l{index}"] for key in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
        for index in range(module.num_layers)
    ]


def torch_lstm(inputs: int, units: int, layers: int, seed: int) -> torch.nn.LSTM:
    torch.manual_seed(seed)
    return torch.nn.LSTM(inputs, units, layers, batch_first=True, dtype=torch.float64)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 8),
    st.sampled_from([1, 3]),
    st.integers(1, 4),
    st.integers(1, 12),
    st.integers(0, 2**31),
)
def test_a_stack_of_lstm_layers_equals_torch(inputs, units, layers, batch, time, seed):
    module = torch_lstm(inputs, units, layers, seed)
    x = np.random.default_rng(seed).normal(size=(batch, time, inputs)) * 3
    np.testing.assert_allclose(Network(layers_of(module))(x), module(torch.tensor(x))[0].detach().numpy(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_dense_layer_is_applied_at_every_timestep(activation):
    module, head = torch_lstm(2, 5, 1, 3), torch.nn.Linear(5, 3, dtype=torch.float64)
    x = torch.randn(4, 9, 2, dtype=torch.float64)
    net = Network([*layers_of(module), dense(head.weight.detach().numpy().T, head.bias.detach().numpy(), activation)])
    np.testing.assert_allclose(net(x.numpy()), ACTIVATIONS[activation](head(module(x)[0])).detach().numpy(), atol=1e-12)


def test_a_many_to_one_network_returns_the_last_timestep_only():
    layers = layers_of(torch_lstm(2, 5, 1, 4))
    x = np.random.default_rng(4).normal(size=(3, 7, 2))
    last = Network(layers, returns="last")
    np.testing.assert_array_equal(last(x), Network(layers)(x)[:, -1])
    assert last(x).shape == (3, 5)
    assert last(x[0]).shape == (5,)


def test_a_single_sequence_gives_a_single_sequence():
    net = Network(layers_of(torch_lstm(2, 5, 1, 5)))
    x = np.random.default_rng(5).normal(size=(3, 7, 2))
    assert net(x[1]).shape == (7, 5)
    np.testing.assert_allclose(net(x[1]), net(x)[1], atol=1e-12)


def test_a_trace_holds_every_named_vector_of_every_layer_over_time():
    net = Network([*layers_of(torch_lstm(2, 5, 1, 6)), dense(np.ones((5, 1)), [0.5])])
    x = np.random.default_rng(6).normal(size=(3, 7, 2))
    first, second = net.trace(x)
    assert set(first) == {"x", "a_in", "i_in", "f_in", "o_in", "a", "i", "f", "o", "c", "c_out", "h"}
    assert all(vector.shape == (3, 7, 2 if name == "x" else 5) for name, vector in first.items())
    np.testing.assert_array_equal(first["x"], x)
    np.testing.assert_array_equal(first["h"], second["x"])
    np.testing.assert_allclose(second["y"], net(x), atol=1e-12)


def test_a_traced_state_is_its_new_value():
    first = Network(layers_of(torch_lstm(2, 5, 1, 7))).trace(np.ones((6, 2)))[0]
    previous = np.concatenate([np.zeros((1, 1, 5)), first["c"][:, :-1]], axis=1)
    np.testing.assert_allclose(first["c"], first["i"] * first["a"] + first["f"] * previous, atol=1e-12)


def test_tensors_are_taken_and_one_that_is_not_detached_is_refused_with_the_remedy():
    module = torch_lstm(2, 3, 1, 0)
    network, x = Network(layers_of(module)), torch.ones(4, 2, dtype=torch.float64)
    np.testing.assert_array_equal(network(x), network(x.numpy()))
    with pytest.raises(ModelError, match="detach"):
        network(x.requires_grad_())
