"""Unusable networks and inputs: refused with the name of what is wrong."""

import numpy as np
import pytest

from fxlstm.errors import ModelError
from fxlstm.network import LSTM, Layer, Network, dense, lstm, lstm_from_torch


def small_network() -> Network:
    return Network([lstm(np.zeros((2, 12)), np.zeros((3, 12)), np.zeros(12)), dense(np.zeros((3, 1)), [0.0])])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused_by_layer_and_parameter(bad):
    kernel = np.zeros((2, 12))
    kernel[1, 7] = bad
    with pytest.raises(ModelError, match=r"layer 'first', kernel holds .* at index \(1, 7\)"):
        lstm(kernel, np.zeros((3, 12)), np.zeros(12), name="first")
    with pytest.raises(ModelError, match="layer 'head', parameter 'bias'"):
        dense(np.zeros((3, 1)), [bad], name="head")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_inputs_that_are_not_finite_are_refused(bad):
    with pytest.raises(ModelError, match=r"input of network 'network' holds .* at index \(0, 1\)"):
        small_network()([[0.0, bad]])


@pytest.mark.parametrize("shape", [(3,), (4, 3), (1, 4, 3), (1, 1, 4, 2)])
def test_an_input_of_another_shape_is_refused_with_both_shapes(shape):
    with pytest.raises(ModelError) as error:
        small_network()(np.zeros(shape))
    assert str(shape) in str(error.value) and "(batch, time, 2)" in str(error.value)


@pytest.mark.parametrize("shape", [(0, 2), (0, 5, 2), (2, 0, 2)])
def test_an_input_of_no_length_is_refused(shape):
    with pytest.raises(ModelError, match="at least one timestep"):
        small_network()(np.zeros(shape))


def test_ragged_wordy_and_complex_inputs_are_refused():
    with pytest.raises(ModelError, match="not an array of numbers"):
        small_network()([[1.0, 2.0], [3.0]])
    with pytest.raises(ModelError, match="not an array of numbers"):
        small_network()([["a", "b"]])
    with pytest.raises(ModelError, match="not an array of numbers"):
        small_network()(np.zeros((3, 2), dtype=complex))


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ModelError, match=r"kernel has shape \(2, 8\) and recurrent \(3, 12\)"):
        lstm(np.zeros((2, 8)), np.zeros((3, 12)), np.zeros(12))
    with pytest.raises(ModelError, match=r"'bias' has shape \(11,\); its cell needs \(12,\)"):
        lstm(np.zeros((2, 12)), np.zeros((3, 12)), np.zeros(11))
    with pytest.raises(ModelError, match=r"'bias' has shape \(2,\); its cell needs \(1,\)"):
        dense(np.zeros((3, 1)), [0.0, 0.0])
    with pytest.raises(ModelError, match="bias_hh has shape"):
        lstm_from_torch(np.zeros((12, 2)), np.zeros((12, 3)), np.zeros(12), np.zeros(1))
    with pytest.raises(ModelError, match="two dimensions"):
        dense(np.zeros(3), [0.0])


def test_layers_that_do_not_fit_each_other_are_named():
    with pytest.raises(ModelError, match=r"layer 0 \('lstm'\) has 3 outputs but layer 1 \('dense'\) has 4 inputs"):
        Network([lstm(np.zeros((2, 12)), np.zeros((3, 12)), np.zeros(12)), dense(np.zeros((4, 1)), [0.0])])


def test_layers_without_size_or_parameters_are_refused():
    with pytest.raises(ModelError, match="at least 1"):
        dense(np.zeros((3, 0)), [])
    with pytest.raises(ModelError, match="lacks its parameter 'bias'"):
        Layer(LSTM, 1, 1, {"weight": np.zeros((2, 4))})
    with pytest.raises(ModelError, match="does not use: peephole"):
        Layer(LSTM, 1, 1, {"weight": np.zeros((2, 4)), "bias": np.zeros(4), "peephole": np.zeros(4)})
    with pytest.raises(ModelError, match="no layers"):
        Network([])


def test_unknown_choices_are_refused():
    with pytest.raises(ModelError, match="layer 'dense': activation 'softsign' has no correctly rounded integer form"):
        dense(np.zeros((3, 1)), [0.0], "softsign")
    with pytest.raises(ModelError, match="returns = 'first'"):
        Network([dense(np.zeros((3, 1)), [0.0])], returns="first")
