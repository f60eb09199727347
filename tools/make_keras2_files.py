"""Write the files of Keras 2 that tests/network/keras2 holds: run it in an environment with tensorflow-cpu==2.15.1.

Every model is saved as NAME.keras and NAME.h5; NAME.npz beside it holds an input, x, and what Keras predicts for it, y. The model
"older" stands in an archive as Keras 2.12 and 2.13 wrote it: run the script once more with keras==2.13.1 first on PYTHONPATH.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np
from keras import layers

FOLDER = Path(__file__).resolve().parents[1] / "tests/network/keras2"


def models() -> dict[str, keras.Model]:
    """Small models that together use every layer and flag which Keras 2 writes in a form of its own."""
    front = keras.Input((7, 3))
    convolved = keras.Input((4, 5, 2))
    sequence, _, _ = layers.ConvLSTM1D(2, 3, padding="same", return_sequences=True, return_state=True)(convolved)
    out = layers.Dense(2, activation=layers.LeakyReLU(0.1))(layers.TimeDistributed(layers.Flatten())(sequence))
    hard = {"activation": "relu", "recurrent_activation": "hard_sigmoid"}
    if keras.__version__.startswith("2.13"):
        parts = [layers.LSTM(2, return_sequences=True, input_shape=(7, 3)), layers.Dense(2), layers.LSTM(2)]
        return {"older": keras.Sequential(parts)}
    return {
        "lstm": keras.Sequential([layers.LSTM(4, input_shape=(7, 3)), layers.Dense(3, activation="softmax")]),
        "hard": keras.Sequential(
            [
                layers.Masking(0.0, input_shape=(7, 3)),
                layers.Bidirectional(layers.LSTM(3, return_sequences=True, **hard)),
                layers.GRU(3, recurrent_activation="hard_sigmoid", reset_after=False),
                layers.Dense(2, activation="leaky_relu"),
            ]
        ),
        "cells": keras.Sequential(
            [
                layers.RNN([layers.GRUCell(3), layers.LSTMCell(4)], return_sequences=True, input_shape=(7, 3)),
                layers.TimeDistributed(layers.Dense(2, activation="tanh")),
                layers.SimpleRNN(3, use_bias=False, go_backwards=True),
            ]
        ),
        "chain": keras.Model(
            front,
            layers.Bidirectional(
                layers.GRU(3), merge_mode="sum", backward_layer=layers.GRU(3, activation="sigmoid", go_backwards=True)
            )(layers.Dropout(0.5)(layers.Activation("tanh")(layers.Dense(4)(front)))),
        ),
        "convolution": keras.Model(convolved, out),
        "images": keras.Sequential(
            [layers.ConvLSTM2D(2, 2, strides=2, input_shape=(3, 4, 5, 1)), layers.Flatten(), layers.Dense(2, activation="sigmoid")]
        ),
    }


def main() -> None:
    """Write all files."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    FOLDER.mkdir(exist_ok=True)
    for seed, (name, model) in enumerate(models().items()):
        rng = np.random.default_rng(seed)
        model.set_weights([rng.normal(0, 0.6, weight.shape) for weight in model.get_weights()])
        x = rng.normal(size=(3, *model.input_shape[1:])).astype(np.float32)
        if name == "hard":
            x[0, 4:] = x[1, 1] = 0
        for suffix in ("keras",) if name == "older" else ("keras", "h5"):
            model.save(FOLDER / f"{name}.{suffix}")
        np.savez_compressed(FOLDER / f"{name}.npz", x=x, y=model.predict(x, verbose=0))


if __name__ == "__main__":
    main()
