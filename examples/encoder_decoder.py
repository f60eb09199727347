"""An encoder reads a sequence, a decoder writes another from the encoder's last states: sequences of different lengths."""

import numpy as np

import fxlstm as fx


def side(seed: int) -> fx.Network:
    """Return an LSTM with a linear layer; a trained one comes from fx.from_torch or fx.load_network."""
    random = np.random.default_rng(seed)
    layer = fx.lstm(random.normal(size=(2, 32)), random.normal(size=(8, 32)) / 3, np.zeros(32))
    return fx.Network((layer, fx.dense(random.normal(size=(8, 2)), np.zeros(2))))


model = fx.EncoderDecoder(side(1), side(2), bridge={"lstm/h": "lstm/h", "lstm/c": "lstm/c"})
read = np.random.default_rng(3).uniform(-1, 1, (8, 12, 2))  # (batch, time, features)
written = fx.Engine(fx.quantize(model, calibration=read, steps=5)).generate(read, steps=5)
print(f"read {read.shape}, wrote {written.shape}, in float the same to {np.abs(written - model.generate(read, 5)).max():.1e}")
