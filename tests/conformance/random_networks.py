"""Random networks as a quantizer makes programs of them: every cell and topology, all hardware settings, several tiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from random_programs import Run

from fxlstm.network import (
    CELLS,
    Backward,
    Bidirectional,
    Block,
    Cell,
    EncoderDecoder,
    Layer,
    Network,
    TimeGate,
    Tree,
    TreeNetwork,
)
from fxlstm.network.cells import ACTIVATIONS, Activation, dense_cell, gru_cell, lstm_cell, rnn_cell
from fxlstm.network.cells.catalogue import PHASED_LSTM, TREE_CHILD_SUM, tree_nary
from fxlstm.program.hardware import Hardware
from fxlstm.program.layout import PAIRINGS
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize

Choose = Callable[[np.random.Generator], Cell]

TIMESTEPS = 4
TOPOLOGIES = ("stack", "stack", "stack", "hierarchy", "time-gates", "tree", "feedback", "encoder-decoder")  # stacks: also backward

RECURRENT = tuple(cell for cell in CELLS.values() if cell.states)
FEED_FORWARD = tuple(cell for cell in CELLS.values() if not cell.states)
NUMBERS = {"hard_sigmoid": (1 / 6, 0.5), "affine": (0.5, 0.25), "leaky_relu": (0.1,), "scaled_tanh": (1.7159, 2 / 3)}
ACTIVATION_CHOICES: tuple[Activation, ...] = tuple((name, *NUMBERS[name]) if name in NUMBERS else name for name in ACTIVATIONS)


def random_layer(random: np.random.Generator, cell: Cell, inputs: int, units: int, spread: float = 1.0, **options: Any) -> Layer:
    """A layer with weights uniform in ±spread / sqrt(units), as PyTorch begins; sizes of the cell's own are drawn too."""
    sizes = {name: int(random.integers(1, units + 1)) for name in cell.lengths.values()}
    bound = spread / np.sqrt(units)
    shapes = cell.parameter_shapes({"inputs": inputs, "units": units, **sizes})
    parameters = {name: random.uniform(-bound, bound, shape) for name, shape in shapes.items()}
    return Layer(cell, inputs, units, parameters, sizes=sizes, **options)


def random_hardware(random: np.random.Generator) -> Hardware:
    adc_bits = random.choice([0, 16, random.integers(4, 16)])
    return Hardware(
        levels=int(random.choice([2, 16, 256, 4096])),
        dac_bits=int(random.choice([16, random.integers(4, 16)])),
        adc_bits=int(adc_bits) or None,
        bias=str(random.choice(["array", "digital"])),
        bias_rows=int(random.integers(1, 4)),
        pairing=str(random.choice(PAIRINGS)),
    )


def random_activation(random: np.random.Generator) -> Activation:
    return ACTIVATION_CHOICES[random.integers(len(ACTIVATION_CHOICES))]


def random_cell(random: np.random.Generator) -> Cell:
    """A cell of a family, with any activations, clipping and couplings."""
    clip = None if random.random() < 0.7 else float(random.uniform(0.3, 3))
    draw = partial(random_activation, random)
    flags = dict(zip(("peepholes", "coupled", "projected"), (random.random(3) < 0.3).tolist(), strict=True))
    makers: tuple[Callable[[], Cell], ...] = (
        lambda: lstm_cell(draw(), draw(), draw(), clip=clip, **flags),
        lambda: gru_cell(draw(), draw(), bool(random.random() < 0.5), clip),
        lambda: rnn_cell(draw(), clip),
    )
    return makers[random.integers(len(makers))]()


def random_catalogued(random: np.random.Generator) -> Cell:
    return RECURRENT[random.integers(len(RECURRENT))]


def random_recurrent(random: np.random.Generator) -> Cell:
    return random_catalogued(random) if random.random() < 0.5 else random_cell(random)


def random_network(seed: int) -> Network:
    """A network of one to three layers, some of them backward or in both directions; the first takes its turn through all cells."""
    random = np.random.default_rng(seed)
    inputs, *units = random.integers(1, 8, random.integers(2, 5)).tolist()
    layers: list[Block] = []
    for index, count in enumerate(units):
        above = random_recurrent(random) if random.random() < 0.3 else dense_cell(random_activation(random))
        cell = RECURRENT[seed % len(RECURRENT)] if index == 0 else above
        below = layers[-1].outputs if layers else inputs
        layer = random_layer(random, cell, below, count, spread=3.0 if cell in CELLS.values() else 1.0)
        layers.append(_in_some_direction(random, layer))
    network = Network(tuple(layers), returns=random.choice(["sequence", "last", "final"]))
    return _with_initial_states(random, network) if random.random() < 0.3 else network


def _in_some_direction(random: np.random.Generator, layer: Layer) -> Block:
    kind = random.random()
    if kind < 0.65:
        return layer
    return Backward(layer) if kind < 0.75 else _in_both_directions(random, layer)


def _in_both_directions(random: np.random.Generator, layer: Layer) -> Bidirectional:
    """A pair of the layer and another: of any cell and size where their outputs are joined, of like ones where they are added."""
    if random.random() < 0.5:
        parameters = {name: random.permutation(values) for name, values in layer.parameters.items()}
        return Bidirectional(layer, replace(layer, parameters=parameters), "sum")
    return Bidirectional(layer, random_layer(random, random_recurrent(random), layer.inputs, int(random.integers(1, 6))))


def _with_initial_states(random: np.random.Generator, network: Network) -> Network:
    return replace(network, initial={name: random.normal(size=length) for name, length in network.states.items()})


def random_hierarchy(seed: int, choose: Choose = random_recurrent) -> Network:
    """Layers that run at different rates, forward, below a dense head."""
    random = np.random.default_rng([seed, 2])
    inputs, *units = random.integers(1, 7, random.integers(3, 6)).tolist()
    layers: list[Layer] = []
    for count in units:
        cell = choose(random) if random.random() < 0.7 else dense_cell(random_activation(random))
        below = layers[-1].outputs if layers else inputs
        layers.append(random_layer(random, cell, below, count, period=int(random.integers(1, 4))))
    head = random_layer(random, dense_cell(), layers[-1].outputs, 2)
    return Network((*layers, head), returns=random.choice(["sequence", "last", "final"]))


def random_time_gates(seed: int, choose: Choose = random_recurrent) -> Network:
    """Phased LSTM layers in any direction, perhaps above another layer and below a dense one."""
    random = np.random.default_rng([seed, 3])
    inputs, *units = random.integers(1, 6, random.integers(2, 4)).tolist()
    layers: list[Block] = [random_layer(random, choose(random), inputs, inputs)] if random.random() < 0.5 else []
    for count in units:
        below = layers[-1].outputs if layers else inputs
        layers.append(_in_some_direction(random, _random_phased(random, below, count)))
    head = random_layer(random, dense_cell(), layers[-1].outputs, 2)
    return Network((*layers, head), returns=random.choice(["sequence", "last", "final"]))


def _random_phased(random: np.random.Generator, inputs: int, units: int) -> Layer:
    gate = TimeGate(random.uniform(2, 9, units), random.uniform(0, 5, units), random.uniform(0.2, 0.9, units), 0.01)
    return random_layer(random, PHASED_LSTM, inputs, units, 2.0, time_gate=gate)


def random_feedback(seed: int, choose: Choose = random_recurrent) -> Network:
    """A network whose outputs are its next inputs."""
    random = np.random.default_rng([seed, 4])
    features, units = random.integers(1, 5, 2).tolist()
    layer = random_layer(random, choose(random), features, units, period=int(random.choice([1, 1, 2])))
    return Network((layer, random_layer(random, dense_cell(), layer.outputs, features)), feeds_back=True)


def random_tree(random: np.random.Generator, nodes: int, most: int) -> Tree:
    """A tree whose nodes have at most so many children; node 0 is its root."""
    children: list[list[int]] = [[] for _ in range(nodes)]
    for node in range(1, nodes):
        free = [parent for parent in range(node) if len(children[parent]) < most]
        children[free[random.integers(len(free))]].append(node)
    return Tree(tuple(map(tuple, children)))


def random_tree_network(seed: int) -> tuple[TreeNetwork, list[tuple[np.ndarray, Tree]]]:
    """A tree network, with and without a head, and features and trees for it."""
    random = np.random.default_rng([seed, 5])
    inputs, units, most = random.integers(1, 5, 3).tolist()
    cell = TREE_CHILD_SUM if random.random() < 0.5 else tree_nary(most)
    head = (random_layer(random, dense_cell(random_activation(random)), units, 2),) * int(random.integers(2))
    pairs = [(random.normal(size=(nodes, inputs)), random_tree(random, nodes, most)) for nodes in (1, 4, 7)]
    return TreeNetwork(random_layer(random, cell, inputs, units, 2.0), head), pairs


def random_encoder_decoder(seed: int) -> EncoderDecoder:
    """An encoder in one direction or both, and a decoder that takes its states and is fed in every way."""
    random = np.random.default_rng([seed, 6])
    features, units, outputs = random.integers(1, 5, 3).tolist()
    cell = random_catalogued(random)
    layer = random_layer(random, cell, features, units)
    blocks: tuple[Block, ...] = (layer, Backward(layer), _in_both_directions(random, layer))
    encoder = Network((blocks[random.integers(3)],), returns=random.choice(["sequence", "last", "final"]))
    feed = ("feedback", "context", "given")[seed % 3]
    inputs = {"feedback": outputs, "context": encoder.outputs, "given": 2}[feed]
    own = random_layer(random, cell, inputs, units, 2.0)
    own = replace(own, sizes=layer.sizes, parameters=_parameters(random, cell, {"inputs": inputs, "units": units, **layer.sizes}))
    decoder = Network((own, random_layer(random, dense_cell(), own.outputs, outputs)))
    bridge = {f"{decoder.layer_names[0]}/{state}": f"{encoder.layer_names[0]}/{state}" for state in cell.states}
    return EncoderDecoder(encoder, decoder, bridge, feed)  # type: ignore[arg-type]


def _parameters(random: np.random.Generator, cell: Cell, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    return {name: random.uniform(-1, 1, shape) for name, shape in cell.parameter_shapes(sizes).items()}


def quantized_network(seed: int) -> tuple[Program, Run]:
    """The program of a random network of some topology, and what it is given."""
    random = np.random.default_rng([seed, 1])
    hardware = random_hardware(random)
    topology = TOPOLOGIES[seed % len(TOPOLOGIES)]
    if topology == "tree":
        program = quantize(*random_tree_network(seed), hardware)
        return program, Run.of(random.integers(-32767, 32767, (2, 3, program.input.length), np.int16, endpoint=True))
    if topology == "encoder-decoder":
        return _quantized_encoder_decoder(seed, random, hardware)
    makers = {"stack": random_network, "hierarchy": random_hierarchy, "time-gates": random_time_gates, "feedback": random_feedback}
    network = makers[topology](seed)
    x = random.normal(size=(2, TIMESTEPS, network.inputs))
    program = quantize(network, x, hardware)
    codes = program.encode(np.concatenate([1.5 * x, np.zeros((2, TIMESTEPS, program.input.length - network.inputs))], axis=-1))
    codes[..., network.inputs :] = random.integers(0, 32767, codes[..., network.inputs :].shape, endpoint=True)
    return program, Run([codes], [TIMESTEPS + 3 * (topology == "feedback")])


def _quantized_encoder_decoder(seed: int, random: np.random.Generator, hardware: Hardware) -> tuple[Program, Run]:
    network = random_encoder_decoder(seed)
    x = random.normal(size=(2, TIMESTEPS, network.encoder.inputs))
    given = {"feedback": 1, "context": 0, "given": 5}[network.feed]
    start = random.normal(size=(2, given, network.decoder.inputs))
    shaped = {"feedback": start[:, 0] if given else None, "context": None, "given": start}[network.feed]
    program = quantize(network, x, hardware, steps=5, start=shaped)
    second = program.encode(start if given else np.zeros((2, 0, 0)), phase=1)
    return program, Run([program.encode(1.5 * x), second], [TIMESTEPS, 5])
