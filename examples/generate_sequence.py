"""A network that goes on with a sequence: each of its outputs is its next input."""

import numpy as np

import fxlstm as fx

random = np.random.default_rng(0)
layer = fx.lstm(random.normal(size=(1, 64)), random.normal(size=(16, 64)) / 4, np.zeros(64))
head = fx.dense(random.normal(size=(16, 1)) / 2, np.zeros(1), "tanh")
network = fx.Network((layer, head), feeds_back=True)
heard = np.sin(np.arange(60)[:, None] / 4)  # (time, features)
program = fx.quantize(network, calibration=heard)
continued = fx.Engine(program).generate(heard, steps=10)  # the first follows the last timestep heard
print("goes on with", np.round(continued[:, 0], 3))
print(f"in float the same to {np.abs(continued - network.generate(heard, steps=10)).max():.1e}")
