"""Outputs that are fed back as the next inputs: what running the growing sequence again and again gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fxlstm.errors import ModelError
from fxlstm.network import Backward, Network, TimeGate, dense, gru, load_network, lstm, phased_lstm, save_network

RANDOM = np.random.default_rng(1)


def arrays(inputs: int, blocks: int) -> list[np.ndarray]:
    return [RANDOM.normal(size=shape) for shape in ((inputs, 4 * blocks), (4, 4 * blocks), 4 * blocks)]


FLAT = lstm(*arrays(2, 4))
SLOW = replace(gru(*arrays(4, 3)), period=3)
PHASED = phased_lstm(*arrays(4, 4), TimeGate(np.full(4, 5.0), np.arange(4.0), 0.6))
HEAD = dense(RANDOM.normal(size=(4, 2)), RANDOM.normal(size=2), "tanh")
X = RANDOM.normal(size=(3, 5, 2))
STACKS = {
    "dense": [dense(RANDOM.normal(size=(2, 2)), RANDOM.normal(size=2), "tanh")],
    "flat": [FLAT, HEAD],
    "slow": [FLAT, SLOW, HEAD],
    "slow head": [FLAT, replace(HEAD, period=2)],
    "phased": [FLAT, PHASED, HEAD],
}


@pytest.mark.parametrize("time", [1, 5])
@pytest.mark.parametrize("name", STACKS)
def test_each_output_is_the_next_input(name, time):
    network = Network(STACKS[name], "last", feeds_back=True)
    grown, wanted = X[:, :time], []
    for _ in range(7):
        wanted.append(network(grown))
        grown = np.concatenate([grown, wanted[-1][:, np.newaxis]], axis=1)
    np.testing.assert_allclose(network.generate(X[:, :time], 7), np.stack(wanted, axis=1), atol=1e-12)


def test_a_single_sequence_gives_a_single_sequence_and_starts_from_the_initial_states():
    network = Network(STACKS["flat"], initial={"lstm/c": [1.0, 2.0, -1.0, 0.5]}, feeds_back=True)
    outputs = network.generate(X[0], 3)
    assert outputs.shape == (3, 2)
    np.testing.assert_allclose(outputs[0], network(X[0])[-1], atol=1e-14)


def test_that_a_network_feeds_back_survives_a_file(tmp_path):
    network = Network(STACKS["slow"], feeds_back=True)
    save_network(network, tmp_path / "net.safetensors")
    np.testing.assert_array_equal(load_network(tmp_path / "net.safetensors").generate(X, 4), network.generate(X, 4))


def test_networks_that_cannot_be_fed_back_are_refused():
    with pytest.raises(ModelError, match="feeds_back with 2 inputs and 4 outputs"):
        Network([FLAT], feeds_back=True)
    with pytest.raises(ModelError, match=r"'backward\(lstm\)' reads its sequence backward"):
        Network([Backward(FLAT), HEAD], feeds_back=True)
    for option in ({"reads_backward": True}, {"mask_value": 0.0}):
        with pytest.raises(ModelError, match="feeds_back with reads_backward or mask_value"):
            Network([FLAT, HEAD], feeds_back=True, **option)
    with pytest.raises(ModelError, match="give it feeds_back=True"):
        Network([FLAT, HEAD]).generate(X, 2)


@pytest.mark.parametrize("steps", [0, -1, 1.5, "two", True])
def test_a_number_of_steps_that_cannot_be_is_refused(steps):
    with pytest.raises(ModelError, match="give the number of outputs to generate"):
        Network([FLAT, HEAD], feeds_back=True).generate(X, steps)


def test_final_states_are_those_after_the_last_timestep_a_layer_read():
    network = Network([FLAT, Backward(gru(*arrays(4, 3)))])
    states, lengths = network.final_states(X, [2, 5, 3]), [2, 5, 3]
    for row, length in enumerate(lengths):
        below, above = network.trace(X[row, :length])
        np.testing.assert_allclose(states["lstm/c"][row], below["c"][0, -1], atol=1e-14)
        np.testing.assert_allclose(states["gru/h"][row], above["h"][0, 0], atol=1e-14)
