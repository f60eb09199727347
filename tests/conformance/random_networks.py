"""Random networks as a quantizer makes programs of them: LSTM and dense layers, all hardware settings, several tiles."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from fxlstm.network import Layer, Network, dense, lstm
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Codes, Program
from fxlstm.program.quantize import quantize

TIMESTEPS = 4


def _lstm(random: np.random.Generator, inputs: int, units: int) -> Layer:
    return lstm(random.normal(size=(inputs, 4 * units)), random.normal(size=(units, 4 * units)), random.normal(size=4 * units))


def _dense(random: np.random.Generator, inputs: int, units: int) -> Layer:
    activation = random.choice(["linear", "sigmoid", "tanh"])
    return dense(random.normal(size=(inputs, units)), random.normal(size=units), activation)


def random_hardware(random: np.random.Generator) -> Hardware:
    adc_bits = random.choice([0, 16, random.integers(4, 16)])
    return Hardware(
        levels=int(random.choice([2, 16, 256, 4096])),
        dac_bits=int(random.choice([16, random.integers(4, 16)])),
        adc_bits=int(adc_bits) or None,
        bias=str(random.choice(["array", "digital"])),
        bias_rows=int(random.integers(1, 4)),
        pairing=str(random.choice(["adjacent", "halves"])),
    )


def quantized_network(seed: int) -> tuple[Program, Codes]:
    """The program of a random network of one to three layers, and input codes (batch, time, features) for it."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 8, random.integers(2, 5)).tolist()
    layers = [_lstm(random, sizes[0], sizes[1])]
    layers += [(_lstm if random.random() < 0.3 else _dense)(random, inputs, units) for inputs, units in pairwise(sizes[1:])]
    network = Network(tuple(layers), returns=random.choice(["sequence", "last"]))
    x = random.normal(size=(2, TIMESTEPS, sizes[0]))
    program = quantize(network, x, random_hardware(random))
    return program, program.encode(1.5 * x)
