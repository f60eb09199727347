"""Keras layers that scale and shift features: normalisations and rescaling."""

import numpy as np
import pytest
from keras_models import SEQUENCE, model_of, same, sample
from random_keras import layers, quietly

import fxlstm as fx

NORMALISED = {
    "behind a recurrent layer": lambda: [layers.LSTM(4, **SEQUENCE), layers.BatchNormalization(), layers.GRU(3)],
    "behind a dense layer": lambda: [layers.GRU(4), layers.Dense(3), layers.BatchNormalization(scale=False), layers.ReLU()],
    "behind an activation": lambda: [layers.Dense(3, activation="relu"), layers.BatchNormalization(center=False), layers.LSTM(2)],
    "at the front": lambda: [layers.Rescaling([0.5, 2, 3], offset=-1), layers.Normalization(), layers.LSTM(3)],
    "with numbers given": lambda: [layers.Normalization(mean=[1, 2, 3], variance=[4, 5, 0], invert=True), layers.GRU(3)],
    "a feature that never varied": lambda: [layers.Normalization(mean=[1, 2, 3], variance=[4, 5, 0]), layers.GRU(3)],
    "masked": lambda: [layers.Masking(), layers.BatchNormalization(), layers.Normalization(mean=1, variance=4), layers.LSTM(3)],
}


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("name", NORMALISED)
def test_layers_that_scale_and_shift_features_equal_keras_also_from_files(name, ending, tmp_path):
    parts = NORMALISED[name]()
    model = model_of(*parts)
    rng = np.random.default_rng(1)
    for part in parts:
        if isinstance(part, layers.BatchNormalization):
            part.moving_variance.assign(rng.uniform(0.5, 2, part.moving_variance.shape))
        elif isinstance(part, layers.Normalization) and part.input_mean is None:
            quietly(part.adapt, rng.normal(1, 2, (8, 7, 3)))
    x = sample(model)
    x[:, 3] = 0
    same(model, x)
    quietly(model.save, tmp_path / f"model{ending}")
    same(model, x, fx.load_network(tmp_path / f"model{ending}"))


def test_a_normalisation_of_channels_counts_for_every_position():
    parts = [layers.ConvLSTM1D(2, 2, **SEQUENCE), layers.BatchNormalization(), layers.TimeDistributed(layers.Flatten())]
    model = model_of(*parts, layers.GRU(3), shape=(5, 4, 2))
    parts[1].moving_variance.assign([0.5, 2.0])
    same(model)
