"""A sensor's measurements through an integer program, one timestep at a time as they come."""

import numpy as np

import fxlstm as fx

random = np.random.default_rng(0)
layer = fx.gru(random.normal(size=(2, 24)) / 2, random.normal(size=(8, 24)) / 3, np.zeros(24))
network = fx.Network((layer, fx.dense(random.normal(size=(8, 1)), np.zeros(1))))
measurements = np.sin(np.arange(200)[:, None] / [7, 11])  # (time, features)
engine = fx.Engine(fx.quantize(network, calibration=measurements))
for time, measurement in enumerate(measurements):
    estimate = engine.step(measurement)  # the state stays in the engine; engine.reset() starts anew
    if time % 50 == 49:
        print(f"after {time + 1} measurements: {estimate[0]:+.4f}")
assert np.array_equal(estimate, engine.run(measurements)[-1])  # the same numbers as in one piece
