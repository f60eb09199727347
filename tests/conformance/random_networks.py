"""Random networks as a quantizer makes programs of them: every cell, dense layers, all hardware settings, several tiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fxlstm.network import CELLS, Bidirectional, Block, Cell, Layer, Network
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Codes, Program
from fxlstm.program.quantize import quantize

TIMESTEPS = 4


RECURRENT = tuple(cell for cell in CELLS.values() if cell.states)
FEED_FORWARD = tuple(cell for cell in CELLS.values() if not cell.states)


def random_layer(random: np.random.Generator, cell: Cell, inputs: int, units: int, spread: float = 1.0) -> Layer:
    """A layer with weights uniform in ±spread / sqrt(units), as PyTorch begins; sizes of the cell's own are drawn too."""
    sizes = {name: int(random.integers(1, units + 1)) for name in cell.lengths.values()}
    bound = spread / np.sqrt(units)
    shapes = cell.parameter_shapes({"inputs": inputs, "units": units, **sizes})
    parameters = {name: random.uniform(-bound, bound, shape) for name, shape in shapes.items()}
    return Layer(cell, inputs, units, parameters, sizes=sizes)


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


def random_network(seed: int) -> Network:
    """A network of one to three layers, some of them in both directions; the first takes its turn through all recurrent cells."""
    random = np.random.default_rng(seed)
    inputs, *units = random.integers(1, 8, random.integers(2, 5)).tolist()
    layers: list[Block] = []
    for index, count in enumerate(units):
        kinds = RECURRENT if random.random() < 0.3 else FEED_FORWARD
        cell = RECURRENT[seed % len(RECURRENT)] if index == 0 else kinds[random.integers(len(kinds))]
        below = layers[-1].outputs if layers else inputs
        layer = random_layer(random, cell, below, count, spread=3.0)
        layers.append(_in_both_directions(random, layer) if random.random() < 0.25 else layer)
    return Network(tuple(layers), returns=random.choice(["sequence", "last"]))


def _in_both_directions(random: np.random.Generator, layer: Layer) -> Bidirectional:
    """A pair of the layer and another: of any cell and size where their outputs are joined, of like ones where they are added."""
    if random.random() < 0.5:
        parameters = {name: random.permutation(values) for name, values in layer.parameters.items()}
        return Bidirectional(layer, replace(layer, parameters=parameters), "sum")
    cell = RECURRENT[random.integers(len(RECURRENT))]
    return Bidirectional(layer, random_layer(random, cell, layer.inputs, int(random.integers(1, 6)), spread=3.0))


def quantized_network(seed: int) -> tuple[Program, Codes]:
    """The program of a random network, and input codes (batch, time, features) for it."""
    network = random_network(seed)
    random = np.random.default_rng([seed, 1])
    x = random.normal(size=(2, TIMESTEPS, network.inputs))
    program = quantize(network, x, random_hardware(random))
    return program, program.encode(1.5 * x)
