"""What a network may do beside running its layers forward: final outputs, initial states, masks, periods, reading backward."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fxlstm.errors import ModelError
from fxlstm.network import Backward, Layer, Network, bidirectional, dense, gru, gru_from_torch, lstm, rnn
from fxlstm.network.layers.layer import Array

LENGTHS = [5, 9, 1, 5]
X = np.random.default_rng(1).normal(size=(4, 9, 3))


def an_lstm(inputs: int = 3, units: int = 4, seed: int = 1, **options) -> Layer:
    random = np.random.default_rng(seed)
    arrays = [random.normal(size=shape) for shape in ((inputs, 4 * units), (units, 4 * units), 4 * units)]
    return lstm(*arrays, **options)


def a_gru(inputs: int, seed: int = 2) -> Layer:
    random = np.random.default_rng(seed)
    return gru(*(random.normal(size=shape) for shape in ((inputs, 12), (4, 12), 12)))


def a_head(inputs: int) -> Layer:
    random = np.random.default_rng(3)
    return dense(random.normal(size=(inputs, 2)), random.normal(size=2), "relu")


def reversed_within(x: Array, lengths) -> Array:
    """Each sequence reversed within its length; what stands beyond stays."""
    flipped = x.copy()
    for row, length in enumerate(lengths):
        flipped[row, :length] = x[row, :length][::-1]
    return flipped


def test_a_backward_layer_is_the_layer_on_the_reversed_sequence():
    layer = an_lstm()
    wanted = reversed_within(Network([layer])(reversed_within(X, LENGTHS), LENGTHS), LENGTHS)
    np.testing.assert_array_equal(Network([Backward(layer)])(X, LENGTHS), wanted)
    pair = Network([bidirectional(layer, layer)])(X, LENGTHS)
    np.testing.assert_array_equal(Network([Backward(layer)])(X, LENGTHS), pair[..., 4:])


def test_the_final_output_is_what_each_direction_gives_once_it_has_read_everything():
    torch.manual_seed(3)
    module = torch.nn.GRU(3, 4, batch_first=True, bidirectional=True, dtype=torch.float64)
    arrays = [[array.detach().numpy() for array in part] for part in module.all_weights]
    pair = bidirectional(*(gru_from_torch(*part) for part in arrays))
    packed = torch.nn.utils.rnn.pack_padded_sequence(torch.tensor(X), LENGTHS, batch_first=True, enforce_sorted=False)
    states = module(packed)[1].detach().numpy()
    wanted = np.concatenate(list(states), axis=-1)
    np.testing.assert_allclose(Network([pair], "final")(X, LENGTHS), wanted, atol=1e-12)
    heads = [a_head(8), a_head(2)]
    np.testing.assert_allclose(Network([pair, *heads], "final")(X, LENGTHS), Network(heads)(wanted), atol=1e-12)


def test_the_final_output_of_a_forward_stack_is_its_last_and_of_a_backward_layer_its_first():
    stack = [bidirectional(an_lstm(), an_lstm(seed=4)), a_gru(8), a_head(4)]
    np.testing.assert_allclose(Network(stack, "final")(X, LENGTHS), Network(stack, "last")(X, LENGTHS), atol=1e-14)
    backward = [Backward(an_lstm()), a_head(4)]
    np.testing.assert_allclose(Network(backward, "final")(X, LENGTHS), Network(backward)(X, LENGTHS)[:, 0], atol=1e-14)
    np.testing.assert_array_equal(Network([a_head(3)], "final")(X), Network([a_head(3)], "last")(X))


def test_initial_states_of_a_network_hold_where_a_call_gives_none():
    layer = an_lstm()
    own = {"lstm/h": [0.5, -0.5, 0.25, 1.0], "lstm/c": [2.0, -1.0, 0.0, 0.5]}
    network = Network([layer], initial=own)
    everywhere = {name: np.tile(values, (4, 1)) for name, values in own.items()}
    np.testing.assert_array_equal(network(X), Network([layer])(X, states=everywhere))
    np.testing.assert_array_equal(network.trace(X)[0]["h"], network(X))
    other = np.ones((4, 4))
    mixed = everywhere | {"lstm/h": other}
    np.testing.assert_array_equal(network(X, states={"lstm/h": other}), Network([layer])(X, states=mixed))


def test_initial_states_that_do_not_fit_are_refused():
    with pytest.raises(ModelError, match="no state 'lstm/y'; its states: lstm/h, lstm/c"):
        Network([an_lstm()], initial={"lstm/y": np.zeros(4)})
    with pytest.raises(ModelError, match=r"initial state 'lstm/h' has shape \(3,\); give \(4,\)"):
        Network([an_lstm()], initial={"lstm/h": np.zeros(3)})
    with pytest.raises(ModelError, match="initial state 'lstm/h' holds nan"):
        Network([an_lstm()], initial={"lstm/h": [0, 0, 0, np.nan]})


@pytest.mark.parametrize("returns", ["sequence", "last", "final"])
def test_a_network_that_reads_backward_sees_each_sequence_reversed_within_its_length(returns):
    stack = [an_lstm(), a_head(4)]
    network = Network(stack, returns, reads_backward=True)
    np.testing.assert_array_equal(network(X, LENGTHS), Network(stack, returns)(reversed_within(X, LENGTHS), LENGTHS))
    np.testing.assert_array_equal(network.trace(X)[0]["x"], X[:, ::-1])


def masked_input() -> tuple[Array, np.ndarray]:
    """Sequences with masked timesteps at the beginning, in the middle, at the end; one without; and which count."""
    x, present = X.copy(), np.ones((4, 9), dtype=bool)
    present[0, [0, 1, 4, 8]] = present[1, 3:] = present[2, :6] = False
    x[~present] = 7.5
    x[3, 2, 0] = 7.5  # one feature alone masks nothing
    return x, present


@pytest.mark.parametrize("returns", ["sequence", "last", "final"])
def test_masked_timesteps_hold_states_and_outputs(returns):
    x, present = masked_input()
    stack = [bidirectional(an_lstm(), an_lstm(seed=5)), dense(np.eye(8), np.ones(8)), a_gru(8), a_head(4)]
    recurrent, head = stack[:3], Network(stack[3:])
    expected = np.zeros((4, 9, 2))
    for row in range(4):
        held, compact = np.zeros(4), iter(Network(recurrent)(x[row, present[row]]))
        for t in range(9):
            held = next(compact) if present[row, t] else held
            expected[row, t] = head(held[np.newaxis])[0]
    wanted = expected if returns == "sequence" else expected[:, -1]
    np.testing.assert_allclose(Network(stack, returns, mask_value=7.5)(x), wanted, atol=1e-12)


def test_both_directions_leave_out_what_is_masked_in_their_final_output():
    x, present = masked_input()
    pair = bidirectional(an_lstm(), an_lstm(seed=5))
    wanted = [Network([pair], "final")(x[row, present[row]]) for row in range(4)]
    np.testing.assert_allclose(Network([pair], "final", mask_value=7.5)(x), wanted, atol=1e-12)


def test_a_mask_is_compared_in_single_precision():
    x = X.astype(np.float32)
    x[:, 3] = 0.1
    network = Network([an_lstm()], mask_value=0.1)
    np.testing.assert_array_equal(network(x)[:, 3], network(x)[:, 2])


def test_a_sequence_that_is_masked_whole_leaves_the_states_as_they_were():
    network = Network([an_lstm()], mask_value=1.0, initial={"lstm/h": [1.0, 2.0, 3.0, 4.0]})
    np.testing.assert_array_equal(network(np.ones((3, 3))), np.tile([1.0, 2.0, 3.0, 4.0], (3, 1)))


def test_masks_that_have_no_exact_meaning_are_refused_by_name():
    pair = bidirectional(an_lstm(), an_lstm())
    with pytest.raises(ModelError, match=r"mask_value with returns = 'sequence' behind 'bidirectional\(lstm, lstm\)'"):
        Network([pair, a_head(8)], mask_value=0)
    with pytest.raises(ModelError, match=r"behind 'backward\(lstm\)'"):
        Network([Backward(an_lstm())], "last", mask_value=0)
    with pytest.raises(ModelError, match="mask_value without a recurrent layer"):
        Network([a_head(3)], mask_value=0)
    with pytest.raises(ModelError, match="mask_value = nan; it must be a finite number"):
        Network([an_lstm()], mask_value=np.nan)


@pytest.mark.parametrize("period", [1, 2, 4, 9, 10])
def test_a_layer_with_a_period_runs_at_its_timesteps_and_holds_between(period):
    layer = replace(a_gru(3), period=period)
    runs = Network([a_gru(3)])(X[:, period - 1 :: period]) if period <= 9 else np.zeros((4, 0, 4))
    before = np.zeros((4, 1, 4))
    wanted = np.concatenate([before, runs], axis=1)[:, (np.arange(9) + 1) // period]
    np.testing.assert_array_equal(Network([layer])(X), wanted)


def test_before_its_first_run_a_layer_gives_its_initial_state_or_zero():
    states = np.arange(16.0).reshape(4, 4)
    slow = Network([replace(a_gru(3), period=3)])
    np.testing.assert_array_equal(slow(X, states={"gru/h": states})[:, 1], states)
    held = Network([replace(a_head(3), period=2)])(X)
    assert not held[:, 0].any()
    np.testing.assert_array_equal(held[:, 1:], Network([a_head(3)])(X)[:, [1, 1, 3, 3, 5, 5, 7, 7]])


def test_a_period_that_cannot_be_is_refused():
    with pytest.raises(ModelError, match="period = 0; it is a number of timesteps"):
        replace(a_gru(3), period=0)
    for build in (Backward, lambda layer: bidirectional(a_gru(3), layer)):
        with pytest.raises(ModelError, match="only forward layers may have one"):
            build(replace(a_gru(3), period=2))


def test_a_trace_holds_every_vector_where_its_layer_does_not_run():
    x, present = masked_input()
    (trace,) = Network([replace(an_lstm(), period=2)], mask_value=7.5).trace(x)
    runs = present & (present.cumsum(axis=1) % 2 == 0)
    for name in ("a", "i", "f_in", "c", "h"):
        held = trace[name]
        np.testing.assert_array_equal(held[:, 1:][~runs[:, 1:]], held[:, :-1][~runs[:, 1:]])
    np.testing.assert_array_equal(trace["x"], x)


def test_a_layer_whose_cell_takes_what_a_network_does_not_give_is_refused():
    cell = replace(rnn(np.zeros((3, 2)), np.zeros((2, 2)), np.zeros(2)).cell, inputs=("x", "extra"))
    layer = Layer(cell, 3, 2, {"weight": np.zeros((5, 2)), "bias": np.zeros(2)})
    with pytest.raises(ModelError, match="takes extra, which the network does not give it"):
        Network([layer])
