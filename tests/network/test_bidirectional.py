"""Both directions, sequences of different lengths and given states: what PyTorch gives with packed sequences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from fxlstm.errors import ModelError
from fxlstm.network import Network, bidirectional, dense, gru_from_torch, lstm_from_torch

FROM_TORCH = {torch.nn.LSTM: lstm_from_torch, torch.nn.GRU: gru_from_torch}
LENGTHS = [5, 9, 1, 5]
X = np.random.default_rng(1).normal(size=(4, 9, 3))


def module_of(kind: type[torch.nn.RNNBase], layers: int) -> torch.nn.RNNBase:
    torch.manual_seed(3)
    return kind(3, 4, layers, batch_first=True, bidirectional=True, dtype=torch.float64)


def network_of(module: torch.nn.RNNBase, **options) -> Network:
    build = FROM_TORCH[type(module)]
    arrays = [[array.detach().numpy() for array in weights] for weights in module.all_weights]
    pairs = zip(arrays[::2], arrays[1::2], strict=True)
    return Network([bidirectional(build(*forward), build(*backward)) for forward, backward in pairs], **options)


def states_of(network: Network) -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    return {name: random.normal(size=(len(X), length)) for name, length in network.states.items()}


def torch_states(network: Network, states: dict[str, np.ndarray]):
    stacked = [
        torch.tensor(np.stack([states[f"{name}/{state}"] for name in network.layer_names]))
        for state in network.every_layer[0].cell.states
    ]
    return tuple(stacked) if len(stacked) > 1 else stacked[0]


def run_packed(module: torch.nn.RNNBase, states) -> np.ndarray:
    packed = pack_padded_sequence(torch.tensor(X), LENGTHS, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(module(packed, states)[0], batch_first=True)[0].detach().numpy()


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", FROM_TORCH)
def test_a_bidirectional_stack_equals_torch_with_packed_sequences_and_initial_states(kind, layers):
    module = module_of(kind, layers)
    network = network_of(module)
    states = states_of(network)
    wanted = run_packed(module, torch_states(network, states))
    np.testing.assert_allclose(network(X, LENGTHS, states), wanted, atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", FROM_TORCH)
def test_without_lengths_and_states_a_stack_equals_torch(kind):
    module = module_of(kind, 2)
    np.testing.assert_allclose(network_of(module)(X), module(torch.tensor(X))[0].detach().numpy(), atol=1e-6, rtol=0)


def test_the_last_output_is_that_of_the_last_timestep_of_each_sequence():
    module = module_of(torch.nn.LSTM, 1)
    wanted = run_packed(module, None)[np.arange(4), np.array(LENGTHS) - 1]
    np.testing.assert_allclose(network_of(module, returns="last")(X, LENGTHS), wanted, atol=1e-6, rtol=0)


def test_beyond_its_length_a_sequence_gives_zeros_and_its_inputs_do_not_matter():
    network = network_of(module_of(torch.nn.GRU, 1))
    changed = X.copy()
    changed[0, 5:] = 99
    outputs = network(changed, LENGTHS)
    np.testing.assert_array_equal(outputs, network(X, LENGTHS))
    assert not outputs[0, 5:].any() and outputs[0, 4].all()


def test_sum_adds_what_concat_joins():
    (pair,) = network_of(module_of(torch.nn.LSTM, 1)).layers
    joined = Network([pair])(X)
    added = Network([bidirectional(pair.forward, pair.backward, "sum")])(X)
    np.testing.assert_allclose(added, joined[..., :4] + joined[..., 4:])


def test_a_single_sequence_takes_a_batch_of_one_state_and_one_length():
    network = network_of(module_of(torch.nn.GRU, 1))
    states = {name: values[:1] for name, values in states_of(network).items()}
    np.testing.assert_array_equal(network(X[0], [6], states), network(X[:1], [6], states)[0])


@pytest.mark.parametrize(
    ("lengths", "message"),
    [([1, 2, 3], "give 4 whole numbers"), ([1, 2, 3, 10], "a length of 10"), ([0, 1, 1, 1], "a length of 0"), ([1.5] * 4, "float")],
)
def test_lengths_that_do_not_fit_are_refused(lengths, message):
    with pytest.raises(ModelError, match=message):
        network_of(module_of(torch.nn.GRU, 1))(X, lengths)


def test_states_that_do_not_fit_are_refused():
    network = network_of(module_of(torch.nn.GRU, 1))
    with pytest.raises(ModelError, match=r"no state 'gru/h'; its states: gru-1/h, gru-2/h"):
        network(X, states={"gru/h": np.zeros((4, 4))})
    with pytest.raises(ModelError, match=r"shape \(4, 3\); give \(4, 4\)"):
        network(X, states={"gru-1/h": np.zeros((4, 3))})


def test_pairs_that_do_not_fit_each_other_are_refused():
    layer = dense(np.zeros((2, 3)), np.zeros(3))
    with pytest.raises(ModelError, match="2 and 3 inputs"):
        bidirectional(layer, dense(np.zeros((3, 3)), np.zeros(3)))
    with pytest.raises(ModelError, match="3 and 4 outputs cannot be added"):
        bidirectional(layer, dense(np.zeros((2, 4)), np.zeros(4)), "sum")
    with pytest.raises(ModelError, match="merge = 'mean'"):
        bidirectional(layer, layer, "mean")
