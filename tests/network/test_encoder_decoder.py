"""Encoder and decoder: what PyTorch gives, run timestep by timestep."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fxlstm.errors import ModelError
from fxlstm.network import (
    Backward,
    EncoderDecoder,
    Network,
    bidirectional,
    dense,
    gru,
    gru_from_torch,
    load_network,
    lstm_from_torch,
    save_network,
)

torch.manual_seed(2)
ENCODER = torch.nn.LSTM(3, 4, batch_first=True, dtype=torch.float64)
DECODERS = {inputs: torch.nn.LSTM(inputs, 4, batch_first=True, dtype=torch.float64) for inputs in (2, 4, 5)}
HEAD = torch.nn.Linear(4, 2, dtype=torch.float64)
X = np.random.default_rng(1).normal(size=(3, 6, 3))
BRIDGE = {"decoder/h": "encoder/h", "decoder/c": "encoder/c"}


def arrays(module: torch.nn.Module) -> list[np.ndarray]:
    return [array.detach().numpy() for array in module.all_weights[0]]


def model(inputs: int, feed: str) -> EncoderDecoder:
    head = dense(HEAD.weight.detach().numpy().T, HEAD.bias.detach().numpy(), name="head")
    encoder = Network([lstm_from_torch(*arrays(ENCODER), name="encoder")])
    decoder = Network([lstm_from_torch(*arrays(DECODERS[inputs]), name="decoder"), head])
    return EncoderDecoder(encoder, decoder, BRIDGE, feed)


def test_feedback_is_the_loop_of_torch():
    for start in (None, np.random.default_rng(3).normal(size=(3, 2))):
        _, state = ENCODER(torch.tensor(X))
        piece = torch.tensor(np.zeros((3, 2)) if start is None else start)
        wanted = []
        for _ in range(5):
            hidden, state = DECODERS[2](piece[:, None], state)
            piece = HEAD(hidden[:, 0])
            wanted.append(piece.detach().numpy())
        np.testing.assert_allclose(model(2, "feedback").generate(X, 5, start), np.stack(wanted, axis=1), atol=1e-12)


def test_the_context_is_every_input():
    outputs, state = ENCODER(torch.tensor(X))
    wanted = HEAD(DECODERS[4](outputs[:, -1:].repeat(1, 7, 1), state)[0]).detach().numpy()
    np.testing.assert_allclose(model(4, "context").generate(X, 7), wanted, atol=1e-12)


def test_given_inputs_are_read():
    given = np.random.default_rng(4).normal(size=(3, 4, 5))
    _, state = ENCODER(torch.tensor(X))
    wanted = HEAD(DECODERS[5](torch.tensor(given), state)[0]).detach().numpy()
    np.testing.assert_allclose(model(5, "given").generate(X, 4, given), wanted, atol=1e-12)


def test_a_single_sequence_gives_a_single_sequence():
    start, given = np.ones((3, 2)), np.ones((3, 4, 5))
    np.testing.assert_allclose(model(2, "feedback").generate(X[0], 4, start[0]), model(2, "feedback").generate(X, 4, start)[0])
    np.testing.assert_allclose(model(5, "given").generate(X[0], 4, given[0]), model(5, "given").generate(X, 4, given)[0])
    np.testing.assert_allclose(model(4, "context").generate(X[0], 4), model(4, "context").generate(X, 4)[0])


def test_sequences_of_different_lengths_are_encoded_to_their_own_end():
    for inputs, feed in ((2, "feedback"), (4, "context")):
        outputs = model(inputs, feed).generate(X, 4, lengths=[6, 2, 3])
        np.testing.assert_allclose(outputs[1], model(inputs, feed).generate(X[1, :2], 4), atol=1e-12)


def test_the_final_states_of_both_directions_reach_the_decoder():
    module = torch.nn.GRU(3, 4, batch_first=True, bidirectional=True, dtype=torch.float64)
    pair = bidirectional(*(gru_from_torch(*(array.detach().numpy() for array in part)) for part in module.all_weights))
    decoder = torch.nn.GRU(8, 4, 2, batch_first=True, dtype=torch.float64)
    layers = [gru_from_torch(*(array.detach().numpy() for array in part)) for part in decoder.all_weights]
    both = EncoderDecoder(Network([pair], "final"), Network(layers), {"gru-1/h": "gru-1/h", "gru-2/h": "gru-2/h"}, "context")
    _, states = module(torch.tensor(X))
    context = torch.cat(list(states), dim=-1)[:, None].repeat(1, 3, 1)
    np.testing.assert_allclose(both.generate(X, 3), decoder(context, states)[0].detach().numpy(), atol=1e-12)


def test_a_trace_holds_what_both_sides_computed():
    both = model(2, "feedback")
    encoder, decoder = both.trace(X, 5)
    np.testing.assert_array_equal(encoder[0]["x"], X)
    np.testing.assert_allclose(decoder[-1]["y"], both.generate(X, 5), atol=1e-12)
    np.testing.assert_array_equal(decoder[0]["x"][:, 1:], both.generate(X, 5)[:, :-1])


@pytest.mark.parametrize(("inputs", "feed"), [(2, "feedback"), (4, "context"), (5, "given")])
def test_both_sides_survive_a_file(inputs, feed, tmp_path):
    both = model(inputs, feed)
    save_network(both, tmp_path / "both.safetensors")
    loaded = load_network(tmp_path / "both.safetensors")
    assert isinstance(loaded, EncoderDecoder) and loaded.feed == feed
    start = np.ones((3, 4, 5)) if feed == "given" else None
    np.testing.assert_array_equal(loaded.generate(X, 4, start), both.generate(X, 4, start))


def test_sides_that_do_not_fit_are_refused():
    encoder, decoder = model(2, "feedback").encoder, model(2, "feedback").decoder
    refusals = {
        "feed = 'teacher'; choose one of feedback, context, given": (encoder, decoder, BRIDGE, "teacher"),
        "feed = 'context' gives the decoder 4 inputs, it has 2": (encoder, decoder, BRIDGE, "context"),
        "nothing of the encoder reaches the decoder": (encoder, decoder, {}, "feedback"),
        "its decoder has no state 'lstm/h'; its states: decoder/h": (encoder, decoder, {"lstm/h": "encoder/h"}, "feedback"),
        "its encoder has no state 'h'; its states: encoder/h": (encoder, decoder, {"decoder/h": "h"}, "feedback"),
        "its decoder must return the sequence": (encoder, Network(decoder.layers, "last"), BRIDGE, "feedback"),
        r"'backward\(decoder\)' reads its sequence backward": (
            encoder,
            Network([Backward(decoder.every_layer[0]), decoder.every_layer[1]]),
            BRIDGE,
            "feedback",
        ),
    }
    for message, arguments in refusals.items():
        with pytest.raises(ModelError, match=message):
            EncoderDecoder(*arguments)
    wide = Network([gru(np.zeros((3, 15)), np.zeros((5, 15)), np.zeros(15), name="encoder")])
    with pytest.raises(ModelError, match="'encoder/h' to 'decoder/h' joins lengths 5 and 4"):
        EncoderDecoder(wide, decoder, {"decoder/h": "encoder/h"})


def test_starts_that_do_not_fit_are_refused():
    with pytest.raises(ModelError, match=r"start has shape \(2,\); give \(3, 2\)"):
        model(2, "feedback").generate(X, 4, np.ones(2))
    with pytest.raises(ModelError, match="feeds its context to the decoder; leave start out"):
        model(4, "context").generate(X, 4, np.ones((3, 4)))
    with pytest.raises(ModelError, match="give its decoder's inputs as start"):
        model(5, "given").generate(X, 4)
    with pytest.raises(ModelError, match="give the number of outputs to generate"):
        model(2, "feedback").generate(X, 0)
