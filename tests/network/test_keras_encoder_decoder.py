"""Keras models with a RepeatVector: an encoder, and a decoder that reads its last output at every step."""

import numpy as np
import pytest
from keras_models import SEQUENCE, model_of, sample
from random_keras import layers, predicted

import fxlstm as fx


@pytest.mark.parametrize("front", [[], [layers.Masking()], [layers.Dense(3)]], ids=["plain", "masked", "dense"])
def test_a_repeated_vector_makes_an_encoder_and_a_decoder_that_survive_a_file(front, tmp_path):
    encoder = [*front, layers.Bidirectional(layers.GRU(4, **SEQUENCE)), layers.LSTM(3)]
    decoder = [layers.LSTM(3, **SEQUENCE), layers.GRU(4, **SEQUENCE), layers.TimeDistributed(layers.Dense(3))]
    model = model_of(*encoder, layers.RepeatVector(5), *decoder)
    x = sample(model)
    x[:, 4:] = 0.0
    network = fx.from_keras(model)
    assert isinstance(network, fx.EncoderDecoder)
    assert network.metadata == {"steps": 5}
    np.testing.assert_allclose(network.generate(x, 5), predicted(model, x), atol=1e-5)
    fx.save_network(network, tmp_path / "net.safetensors")
    np.testing.assert_array_equal(fx.load_network(tmp_path / "net.safetensors").generate(x, 5), network.generate(x, 5))


def test_a_vector_that_a_decoder_repeats_can_be_the_input_itself_behind_dense_layers():
    model = model_of(layers.Dense(4, activation="tanh"), layers.RepeatVector(6), layers.LSTM(3, **SEQUENCE), shape=(3,))
    x = sample(model)
    np.testing.assert_allclose(fx.from_keras(model).generate(x[:, np.newaxis], 6), predicted(model, x), atol=1e-5)


def test_an_autoencoder_runs_in_integers():
    parts = [layers.LSTM(6), layers.RepeatVector(9), layers.LSTM(6, **SEQUENCE), layers.TimeDistributed(layers.Dense(3))]
    model = model_of(*parts, shape=(9, 3))
    x = sample(model).clip(-1, 1)
    network = fx.from_keras(model)
    program = fx.quantize(network, calibration=x, steps=9, hardware=fx.Hardware(levels=32768))
    expected = predicted(model, x)
    error = fx.Engine(program).generate(x, 9) - expected
    assert 10 * np.log10((expected**2).sum() / (error**2).sum()) > 50


@pytest.mark.parametrize("end", [layers.LSTM(3), layers.Bidirectional(layers.LSTM(3, **SEQUENCE))], ids=["last", "pair"])
def test_a_decoder_that_gives_no_output_at_each_step_is_refused(end):
    with pytest.raises(
        fx.ModelError, match=r"^encoder-decoder 'sequential.*'.*(must return the sequence|reads its sequence backward)"
    ):
        fx.from_keras(model_of(layers.LSTM(3), layers.RepeatVector(4), end))
