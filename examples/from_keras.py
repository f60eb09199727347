"""A Keras model as an integer program: from_keras (a path of a .keras or .h5 file does too), quantize, Engine."""

import keras
import numpy as np

import fxlstm as fx

keras.utils.set_random_seed(0)
layers = [keras.Input((40, 3)), keras.layers.LSTM(16, return_sequences=True), keras.layers.GRU(12), keras.layers.Dense(2)]
network = fx.from_keras(keras.Sequential(layers))
x = np.random.default_rng(0).uniform(-1, 1, (8, 40, 3))  # (batch, time, features)
program = fx.quantize(network, calibration=x, hardware=fx.Hardware())
difference = np.abs(fx.Engine(program).run(x) - network(x)).max()
print(f"integers differ from floats by {difference:.1e} at most")
