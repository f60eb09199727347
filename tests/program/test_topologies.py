"""Networks of every topology as integer programs."""

from dataclasses import replace

import numpy as np
import pytest
from networks import random_dense, random_lstm, waves

from fxlstm.errors import ModelError
from fxlstm.network import Backward, EncoderDecoder, Layer, Network, Tree, TreeNetwork, bidirectional
from fxlstm.network.cells.catalogue import TREE_CHILD_SUM
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.reference import Reference
from fxlstm.program.running.generation import generate

DIGITAL = Hardware(levels=32768, adc_bits=None, bias="digital")


def run(program: Program, x: np.ndarray) -> np.ndarray:
    return program.decode(Reference(program).run_codes(program.encode(x)))


@pytest.mark.parametrize("returns", ["sequence", "last"])
def test_a_backward_layer_reads_from_the_end(returns: str, rng: np.random.Generator) -> None:
    x = waves(40, 2, rng)
    alone = Network((Backward(random_lstm(rng, 2, 5)),), returns=returns)  # type: ignore[arg-type]
    layers = (random_lstm(rng, 2, 5), Backward(random_lstm(rng, 5, 4)), Backward(random_lstm(rng, 4, 4)), random_dense(rng, 4, 2))
    for network in (alone, Network(layers, returns=returns)):  # type: ignore[arg-type]
        assert np.abs(run(quantize(network, x, DIGITAL), x) - network(x)).max() < 0.003


def test_a_program_starts_from_the_networks_initial_states(rng: np.random.Generator) -> None:
    x = waves(40, 2, rng)
    initial = {"lstm/h": np.array([0.5, -0.25, 0.75]), "lstm/c": np.array([3.0, -2.0, 0.0])}
    network = Network((random_lstm(rng, 2, 3),), initial=initial)
    program = quantize(network, x, DIGITAL)
    assert np.abs(run(program, x) - network(x)).max() < 0.002
    for name, values in initial.items():
        part = next(part for part in program.slices if part.name == name)
        codes = program.arena[part.start : part.start + part.length]
        assert codes.tolist() == np.round(values * 2.0**part.fraction).tolist()


def test_an_initial_state_beyond_all_later_ones_does_not_saturate(rng: np.random.Generator) -> None:
    network = Network((random_lstm(rng, 2, 3),), initial={"lstm/c": np.array([40.0, 0.0, 0.0])})
    program = quantize(network, waves(40, 2, rng), DIGITAL)
    state = next(part for part in program.slices if part.name == "lstm/c")
    assert 2.0 ** (15 - state.fraction) > 40


def test_layers_of_different_rates_are_sweeps_that_meet_in_the_arena(rng: np.random.Generator) -> None:
    rates = (1, 1, 3, 3, 2)
    layers = [replace(random_lstm(rng, 2, 2), period=period) for period in rates]
    program = quantize(Network((*layers, random_dense(rng, 2, 1))), waves(30, 2, rng), DIGITAL)
    assert program.streams
    assert [sweep.period for sweep in program.sweeps] == [1, 3, 2, 1]
    assert [(sweep.input_length, sweep.output_length) for sweep in program.sweeps] == [(2, 0), (0, 0), (0, 0), (0, 1)]
    assert all(sweep.step_operations == sweep.operations for sweep in program.sweeps[:-1])
    assert program.sweeps[-1].step_operations == 0


def test_a_final_output_is_read_where_the_backward_layer_left_it(rng: np.random.Generator) -> None:
    network = Network((bidirectional(random_lstm(rng, 2, 3), random_lstm(rng, 2, 3)), random_dense(rng, 6, 2)), returns="final")
    program = quantize(network, waves(30, 2, rng), DIGITAL)
    forward, backward, last = program.sweeps
    assert (forward.reverse, backward.reverse, last.reverse) == (False, True, False)
    assert (last.input_length, last.step_operations, last.returns_last) == (0, 0, True)


def test_a_tree_node_runs_its_children_as_timesteps_and_closes_once(rng: np.random.Generator) -> None:
    network = TreeNetwork(tree_layer(rng), (random_dense(rng, 3, 2),))
    program = quantize(network, [(rng.normal(size=(3, 2)), Tree(((1, 2), (), ())))], DIGITAL)
    (sweep,) = program.sweeps
    closing = [operation.kind for operation in program.operations[sweep.step_operations :]]
    assert closing.count("multiply") == 2
    assert [part.name.rpartition("/")[2] for part in program.inputs[0]] == ["x", "h_k", "c_k"]
    assert [part.name.rpartition("/")[2] for part in program.outputs[0]] == ["h", "c", "y"]
    assert [part.fraction for part in program.outputs[0][:2]] == [part.fraction for part in program.inputs[0][1:]]


def tree_layer(rng: np.random.Generator) -> Layer:
    shapes = TREE_CHILD_SUM.parameter_shapes({"inputs": 2, "units": 3})
    return Layer(TREE_CHILD_SUM, 2, 3, {name: rng.uniform(-1, 1, shape) for name, shape in shapes.items()})


@pytest.mark.parametrize("calibration", [[], [np.zeros((1, 2))], [(np.zeros((1, 2)), ((),))], 3.0])
def test_calibration_data_that_are_no_trees_are_refused(calibration: object, rng: np.random.Generator) -> None:
    with pytest.raises(ModelError, match=r"pairs: \[\(features, tree\), \.\.\.\]"):
        quantize(TreeNetwork(tree_layer(rng)), calibration)  # type: ignore[arg-type]


def test_an_encoder_hands_its_states_over_in_its_last_operations(rng: np.random.Generator) -> None:
    encoder = Network((random_lstm(rng, 2, 3),))
    decoder = Network((random_lstm(rng, 1, 3), random_dense(rng, 3, 1)))
    bridge = {"lstm/h": "lstm/h", "lstm/c": "lstm/c"}
    program = quantize(EncoderDecoder(encoder, decoder, bridge), waves(20, 2, rng), DIGITAL)
    first, second = program.phases
    (reading,) = first.sweeps
    closing = program.operations[reading.step_operations : reading.operations]
    places = {part.name: part.start for part in program.slices}
    assert [(operation.kind, operation.a, operation.result) for operation in closing] == [
        ("copy", places[f"encoder/{state}"], places[f"decoder/{state}"]) for state in ("lstm/h", "lstm/c")
    ]
    assert (first.returns_last, second.returns_last) == (True, False)


@pytest.mark.parametrize("argument", ["times", "steps", "start"])
def test_arguments_of_another_kind_of_network_are_refused(argument: str, rng: np.random.Generator) -> None:
    network = TreeNetwork(tree_layer(rng))
    with pytest.raises(ModelError, match=f"{argument} means nothing to the network"):
        quantize(network, [(np.zeros((1, 2)), Tree(((),)))], **{argument: 3})  # type: ignore[arg-type]


@pytest.mark.parametrize("time", [5, 6, 7])
@pytest.mark.parametrize("periods", [(2, 1), (1, 3), (2, 3)])
def test_what_a_slow_layer_holds_is_fed_back_at_every_timestep(
    periods: tuple[int, int], time: int, rng: np.random.Generator
) -> None:
    layers = random_lstm(rng, 2, 4), random_dense(rng, 4, 2)
    network = Network(tuple(replace(layer, period=period) for layer, period in zip(layers, periods, strict=True)), feeds_back=True)
    program = quantize(network, waves(30, 2, rng) / 2, DIGITAL)
    x = waves(time, 2, rng) / 2
    assert np.abs(generate(Reference(program), x, 6) - network.generate(x, 6)).max() < 0.005


@pytest.mark.parametrize("feed", ["feedback", "context", "given"])
@pytest.mark.parametrize("periods", [(2, 1, 1), (1, 2, 2), (3, 1, 2)])
def test_slow_encoders_and_decoders_hand_over_at_the_last_timestep(
    feed: str, periods: tuple[int, int, int], rng: np.random.Generator
) -> None:
    inputs = 4 if feed == "context" else 2
    made = random_lstm(rng, 4, 4), random_lstm(rng, inputs, 4), random_dense(rng, 4, 2)
    slow, decoder, head = (replace(layer, period=period) for layer, period in zip(made, periods, strict=True))
    bridge = {"lstm/h": "lstm-2/h", "lstm/c": "lstm-1/c"}
    network = EncoderDecoder(Network((random_lstm(rng, 2, 4), slow)), Network((decoder, head)), bridge, feed)  # type: ignore[arg-type]
    x = waves(35, 2, rng).reshape(5, 7, 2)
    start = {"feedback": np.zeros((5, 2)), "context": None, "given": rng.uniform(-1, 1, (5, 6, 2))}[feed]
    program = quantize(network, x, DIGITAL, steps=6, start=start)
    assert np.abs(generate(Reference(program), x, 6, start) - network.generate(x, 6, start)).max() < 0.005


def test_outputs_are_fed_back_where_only_the_last_is_wanted(rng: np.random.Generator) -> None:
    network = Network((random_lstm(rng, 2, 4), random_dense(rng, 4, 2)), feeds_back=True, returns="last")
    program = quantize(network, waves(30, 2, rng) / 2, DIGITAL)
    x = waves(5, 2, rng) / 2
    assert np.abs(generate(Reference(program), x, 6) - network.generate(x, 6)).max() < 0.005
