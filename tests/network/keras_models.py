"""Keras models to import, and how a network of one is compared with it."""

import numpy as np
from random_keras import keras, layers, predicted

import fxlstm as fx

SEQUENCE = {"return_sequences": True}


def model_of(*parts, shape=(7, 3), seed=0):
    """A Sequential of these layers with weights that are nowhere zero."""
    model = keras.Sequential([layers.Input(shape), *parts])
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if "float" in variable.dtype:
            variable.assign(rng.normal(0, 0.5, variable.shape))
    return model


def sample(model, seed=0):
    return np.random.default_rng(seed).normal(size=(3, *model.input_shape[1:])).astype(np.float32)


def same(model, x=None, network=None):
    """Compare network and model over ``x``; return the network."""
    x = sample(model) if x is None else x
    network = network or fx.from_keras(model)
    expected = predicted(model, x)
    outputs = network(x.reshape(*x.shape[:2], -1) if x.ndim > 2 else x)
    np.testing.assert_allclose(outputs, expected.reshape(outputs.shape), atol=1e-5, rtol=1e-5)
    return network
