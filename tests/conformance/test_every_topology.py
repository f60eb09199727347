"""Every topology as an integer program: the same bits from every runner, and close to its float network."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from random_networks import (
    Choose,
    random_catalogued,
    random_encoder_decoder,
    random_feedback,
    random_hardware,
    random_hierarchy,
    random_layer,
    random_time_gates,
    random_tree,
    random_tree_network,
)

from fxlstm.board.board import Board
from fxlstm.core import Engine
from fxlstm.crossbar.integer import IntegerArray
from fxlstm.network import CELLS, Backward, EncoderDecoder, Network, TreeNetwork, bidirectional
from fxlstm.network.cells.catalogue import TREE_CHILD_SUM, tree_nary
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.reference import Reference
from fxlstm.program.running.generation import generate
from fxlstm.program.running.trees import run_tree

SIXTEEN_BITS = Hardware(levels=32768)
LSTM, GRU, DENSE = (CELLS[name] for name in ("lstm", "gru-reset-after", "dense"))
X = np.sin(np.arange(40)[:, np.newaxis] / [3.0, 5.0])
BATCH = np.stack([X, -X[::-1], X / 2])


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(29)


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with Board("emu://host?device=ideal", log=False) as board:
        yield board


def signal_to_noise(wanted: np.ndarray, got: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(wanted**2) / np.sum((got - wanted) ** 2)))


def runners(program: Program) -> list[Reference | Engine]:
    """The definition first, then whatever else runs phases."""
    found: list[Reference | Engine] = [Reference(program), Engine(program), Engine(program.to_bytes(), threads=2)]
    return found if program.hardware.adc_bits is None else [*found, Engine(program, array=IntegerArray(program))]


@pytest.mark.parametrize("make", [random_hierarchy, random_time_gates, random_feedback])
def test_forward_topologies_follow_their_float_networks(make: Callable[[int, Choose], Network]) -> None:
    for seed in range(8):
        network = make(seed, random_catalogued)
        x = np.random.default_rng(seed).normal(size=(2, 30, network.inputs)) / 2
        assert signal_to_noise(network(x), Engine(quantize(network, x, SIXTEEN_BITS)).run(x)) > 50, seed


@pytest.mark.parametrize("returns", ["sequence", "last", "final"])
def test_backward_topologies_follow_their_float_networks(returns: str, random: np.random.Generator) -> None:
    def layer(cell: str, inputs: int, units: int):  # type: ignore[no-untyped-def]
        return random_layer(random, CELLS[cell], inputs, units)

    stacks = (
        (Backward(layer("lstm", 2, 5)),),
        (layer("lstm", 2, 4), Backward(layer("lstm", 4, 4)), layer("dense", 4, 2)),
        (bidirectional(layer("lstm", 2, 4), layer("gru-reset-after", 2, 3)), layer("dense-tanh", 7, 3), layer("dense", 3, 2)),
        (bidirectional(layer("lstm", 2, 4), layer("lstm", 2, 4), merge="sum"), Backward(layer("lstm", 4, 3))),
        (bidirectional(layer("dense", 2, 3), layer("dense", 2, 3)), layer("lstm", 6, 3)),
    )
    for stack in stacks:
        network = Network(stack, returns=returns)  # type: ignore[arg-type]
        program = quantize(network, BATCH, SIXTEEN_BITS)
        assert signal_to_noise(network(BATCH), Engine(program).run(BATCH)) > 60
        assert signal_to_noise(network(BATCH, [3, 40, 17]), Engine(program).run(BATCH, [3, 40, 17])) > 60
        assert all(layer.output > 60 for layer in program.report().layers)


def test_random_trees_give_the_same_codes_everywhere() -> None:
    for seed in range(40):
        network, pairs = random_tree_network(seed)
        program = quantize(network, pairs, random_hardware(np.random.default_rng(seed)))
        for x, tree in pairs:
            wanted, *others = (run_tree(runner, x, tree) for runner in runners(program))
            assert all(np.array_equal(wanted, other) for other in others), seed


@pytest.mark.parametrize("cell", [TREE_CHILD_SUM, tree_nary(3)], ids=lambda cell: cell.name)
@pytest.mark.parametrize("has_head", [False, True])
def test_trees_follow_their_float_networks(cell, has_head: bool, random: np.random.Generator, board: Board) -> None:  # type: ignore[no-untyped-def]
    head = (random_layer(random, CELLS["dense-tanh"], 5, 4), random_layer(random, DENSE, 4, 2)) if has_head else ()
    network = TreeNetwork(random_layer(random, cell, 3, 5), head)
    pairs = [(random.normal(size=(nodes, 3)), random_tree(random, nodes, 3)) for nodes in (1, 9, 20)]
    program = quantize(network, pairs, SIXTEEN_BITS)
    for x, tree in pairs:
        assert signal_to_noise(network(x, tree), run_tree(Engine(program), x, tree)) > 60
    assert [layer.layer for layer in program.report().layers] == list(network.layer_names)
    board.program(small := quantize(network, pairs, Hardware()))
    np.testing.assert_array_equal(run_tree(board, *pairs[1], small), run_tree(Reference(small), *pairs[1]))


@pytest.mark.parametrize("returns", ["sequence", "last"])
def test_what_is_fed_back_follows_the_float_network(returns: str, random: np.random.Generator) -> None:
    layers = (random_layer(random, LSTM, 2, 8), random_layer(random, DENSE, 8, 2))
    network = Network(layers, returns=returns, feeds_back=True)  # type: ignore[arg-type]
    program = quantize(network, BATCH, SIXTEEN_BITS)
    wanted, *others = (generate(runner, BATCH, 9) for runner in runners(program))
    assert all(np.array_equal(wanted, other) for other in others)
    assert signal_to_noise(network.generate(BATCH, 9), wanted) > 55
    np.testing.assert_array_equal(Engine(program).generate(X, 9), wanted[0])


def starts(network: EncoderDecoder, steps: int, random: np.random.Generator) -> np.ndarray | None:
    """What the decoder is given for the three sequences."""
    shapes = {"feedback": (3, network.decoder.inputs), "given": (3, steps, network.decoder.inputs)}
    return None if network.feed == "context" else random.normal(size=shapes[network.feed])


def test_random_encoder_decoders_give_the_same_codes_everywhere() -> None:
    for seed in range(40):
        random = np.random.default_rng(seed)
        network = random_encoder_decoder(seed)
        x, start = random.normal(size=(3, 5, network.encoder.inputs)), starts(network, 4, random)
        program = quantize(network, x, random_hardware(random), steps=4, start=start)
        wanted, *others = (generate(runner, x, 4, start) for runner in runners(program))
        assert all(np.array_equal(wanted, other) for other in others), seed


@pytest.mark.parametrize("feed", ["feedback", "context", "given"])
@pytest.mark.parametrize("direction", ["forward", "backward", "both"])
def test_encoder_decoders_follow_their_float_networks(feed: str, direction: str, random: np.random.Generator) -> None:
    def layer(inputs: int):  # type: ignore[no-untyped-def]
        return random_layer(random, LSTM, inputs, 6)

    blocks = {"forward": layer(2), "backward": Backward(layer(2)), "both": bidirectional(layer(2), layer(2))}
    encoder = Network((blocks[direction],), returns="final")
    inputs = {"feedback": 2, "context": encoder.outputs, "given": 3}[feed]
    decoder = Network((layer(inputs), random_layer(random, DENSE, 6, 2)))
    source = encoder.layer_names[-1]
    network = EncoderDecoder(encoder, decoder, {"lstm/h": f"{source}/h", "lstm/c": f"{source}/c"}, feed)  # type: ignore[arg-type]
    start = starts(network, 9, random)
    program = quantize(network, BATCH, SIXTEEN_BITS, steps=9, start=start)
    wanted, *others = (generate(runner, BATCH, 9, start, [40, 7, 20]) for runner in runners(program))
    assert all(np.array_equal(wanted, other) for other in others)
    assert signal_to_noise(network.generate(BATCH, 9, start, [40, 7, 20]), wanted) > 55
    names = [f"encoder/{name}" for name in encoder.layer_names] + ["decoder/lstm", "decoder/dense"]
    assert [row.layer for row in program.report().layers] == names
    assert all(row.output > 55 for row in program.report().layers)


def test_a_decoder_without_a_start_begins_from_zero(random: np.random.Generator) -> None:
    encoder = Network((random_layer(random, GRU, 2, 4),))
    decoder = Network((random_layer(random, GRU, 2, 4), random_layer(random, DENSE, 4, 2)))
    network = EncoderDecoder(encoder, decoder, {"gru-reset-after/h": "gru-reset-after/h"})
    program = quantize(network, BATCH, SIXTEEN_BITS)
    generated = Engine(program).generate(BATCH, 6)
    np.testing.assert_array_equal(generated, Engine(program).generate(BATCH, 6, np.zeros((3, 2))))
    assert signal_to_noise(network.generate(BATCH, 6), generated) > 60
