"""What the host does with float sequences before and after a program: masks, reading backward, times."""

from dataclasses import replace

import numpy as np
import pytest
from networks import random_dense, random_lstm, waves

from fxlstm.core import Engine
from fxlstm.errors import ModelError, ProgramError
from fxlstm.network import Backward, Layer, Network, TimeGate, bidirectional
from fxlstm.network.cells.catalogue import PHASED_LSTM
from fxlstm.program.hardware import Hardware
from fxlstm.program.quantize import quantize

DIGITAL = Hardware(levels=32768, adc_bits=None, bias="digital")
MASK = 9.0


@pytest.fixture
def masked(rng: np.random.Generator) -> np.ndarray:
    """Four sequences: masked at the front, in the middle, at the end, and throughout."""
    x = np.stack([waves(30, 2, rng) for _ in range(4)])
    x[0, :3] = x[1, 5:9] = x[2, 22:] = x[3] = MASK
    return x


def close(wanted: np.ndarray, got: np.ndarray) -> bool:
    return bool(wanted.shape == got.shape and np.abs(wanted - got).max() < 0.003)


@pytest.mark.parametrize("returns", ["sequence", "last", "final"])
@pytest.mark.parametrize("reads_backward", [False, True])
def test_masked_timesteps_are_left_out_and_outputs_hold(
    returns: str, reads_backward: bool, masked: np.ndarray, rng: np.random.Generator
) -> None:
    stacks = [
        (random_lstm(rng, 2, 5),),
        (random_lstm(rng, 2, 5), random_dense(rng, 5, 2)),
        (bidirectional(random_lstm(rng, 2, 3), random_lstm(rng, 2, 3)), random_lstm(rng, 6, 4)),
    ]
    if returns == "final":
        stacks.append((Backward(random_lstm(rng, 2, 4)), random_dense(rng, 4, 2)))  # type: ignore[arg-type]
    for stack in stacks:
        network = Network(stack, returns=returns, mask_value=MASK, reads_backward=reads_backward)  # type: ignore[arg-type]
        engine = Engine(quantize(network, masked, DIGITAL))
        assert close(network(masked), engine.run(masked))
        assert close(network(masked, [30, 7, 12, 3]), engine.run(masked, [30, 7, 12, 3]))
        assert close(network(masked[1]), engine.run(masked[1]))


def test_a_sequence_that_is_wholly_masked_gives_what_the_initial_states_give(masked: np.ndarray, rng: np.random.Generator) -> None:
    initial = {"lstm/h": np.array([0.5, -0.5, 0.25]), "lstm/c": np.array([1.0, -2.0, 0.5])}
    network = Network((random_lstm(rng, 2, 3), random_dense(rng, 3, 2)), initial=initial, mask_value=MASK)
    program = quantize(network, masked, DIGITAL)
    assert np.abs(network(masked[3])).max() > 0.1
    assert close(network(masked[3]), Engine(program).run(masked[3]))


def test_given_states_stand_until_the_first_timestep_that_is_not_masked(masked: np.ndarray, rng: np.random.Generator) -> None:
    states = {name: rng.uniform(-0.5, 0.5, (4, 3)) for name in ("lstm/h", "lstm/c")}
    x = masked.copy()
    x[:2, :4] = MASK
    for returns in ("sequence", "last"):
        network = Network((random_lstm(rng, 2, 3), random_dense(rng, 3, 2)), mask_value=MASK, returns=returns)  # type: ignore[arg-type]
        program = quantize(network, np.concatenate([masked, masked[:, ::-1]]), DIGITAL)
        assert close(network(x, states=states), Engine(program).run(x, states=states))


def test_the_masks_value_does_not_widen_the_inputs_scale(masked: np.ndarray, rng: np.random.Generator) -> None:
    network = Network((random_lstm(rng, 2, 3),), mask_value=MASK)
    assert quantize(network, masked, DIGITAL).input.scale < 1.1


def test_calibration_data_that_are_masked_altogether_are_refused(rng: np.random.Generator) -> None:
    network = Network((random_lstm(rng, 2, 3),), mask_value=MASK)
    with pytest.raises(ModelError, match=r"every timestep of the calibration data is masked by 9\.0"):
        quantize(network, np.full((4, 2), MASK))


def test_a_mask_beside_a_period_is_refused(rng: np.random.Generator) -> None:
    layer = random_lstm(rng, 2, 3)
    slow = Layer(layer.cell, 3, 3, random_lstm(rng, 3, 3).parameters, period=2)
    with pytest.raises(ModelError, match="mask_value beside a layer with a period"):
        quantize(Network((layer, slow), mask_value=0.0), waves(9, 2, rng))


def test_a_network_that_reads_backward_gives_outputs_in_the_order_of_reading(rng: np.random.Generator) -> None:
    layer, x = random_lstm(rng, 2, 4), waves(20, 2, rng)
    network = Network((layer,), reads_backward=True)
    outputs = Engine(quantize(network, x, DIGITAL)).run(x)
    assert close(network(x), outputs)
    assert close(Network((layer,))(x[::-1]), outputs)


def test_single_steps_refuse_what_needs_whole_sequences(rng: np.random.Generator, masked: np.ndarray) -> None:
    layer = random_lstm(rng, 2, 3)
    with pytest.raises(ProgramError, match="reads its sequences backward"):
        Engine(quantize(Network((layer,), reads_backward=True), masked)).step([0.0, 0.0])
    with pytest.raises(ModelError, match="is masked: leave it out"):
        Engine(quantize(Network((layer,), mask_value=MASK), masked)).step([[0.0, 0.0], [MASK, MASK]])
    with pytest.raises(ProgramError, match="use run with times"):
        Engine(quantize(phased(rng), masked)).step([0.0, 0.0])


def phased(rng: np.random.Generator) -> Network:
    shapes = PHASED_LSTM.parameter_shapes({"inputs": 2, "units": 4})
    parameters = {name: rng.uniform(-1, 1, shape) for name, shape in shapes.items()}
    gate = TimeGate(rng.uniform(4, 15, 4), rng.uniform(0, 4, 4), np.full(4, 0.5), 0.01)
    return Network((Layer(PHASED_LSTM, 2, 4, parameters, time_gate=gate), random_dense(rng, 4, 2)))


def test_time_gates_look_at_irregular_times(rng: np.random.Generator) -> None:
    network = phased(rng)
    x = np.stack([waves(30, 2, rng) for _ in range(3)])
    times = np.cumsum(rng.uniform(0.1, 2, (3, 30)), axis=1)
    engine = Engine(quantize(network, x, DIGITAL, times=times))
    assert close(network(x, times=times), engine.run(x, times=times))
    assert close(network(x, [30, 5, 12], times=times), engine.run(x, [30, 5, 12], times=times))
    assert close(network(x[0], times=times[0]), engine.run(x[0], times=times[0]))
    assert close(network(x), engine.run(x))
    assert not close(engine.run(x), engine.run(x, times=times))


def test_a_program_encodes_inputs_with_their_times(rng: np.random.Generator) -> None:
    program = quantize(phased(rng), x := waves(9, 2, rng), DIGITAL)
    times = np.cumsum(rng.uniform(0.1, 2, 9))
    codes = program.encode(x, times=times)
    assert codes.shape == (9, program.input.length)
    np.testing.assert_array_equal(program.decode(Engine(program).run_codes(codes)), Engine(program).run(x, times=times))
    np.testing.assert_array_equal(program.encode(x), program.encode(x, times=np.arange(9)))
    np.testing.assert_array_equal(program.encode(np.stack([x, x]), times=times)[1], codes)


def test_time_gates_above_a_slow_layer_beside_backward_ones_are_refused(rng: np.random.Generator) -> None:
    slow = replace(random_lstm(rng, 2, 2), period=2)
    gated, head = phased(rng).layers
    with pytest.raises(ModelError, match="programs take two of these together"):
        quantize(Network((slow, Backward(random_lstm(rng, 2, 2)), gated, head)), waves(9, 2, rng))


def test_times_that_go_back_or_that_nothing_looks_at_are_refused(rng: np.random.Generator) -> None:
    x = waves(5, 2, rng)
    engine = Engine(quantize(phased(rng), x))
    with pytest.raises(ModelError, match="go back from"):
        engine.run(x, times=[0, 2, 1, 3, 4])
    with pytest.raises(ModelError, match="times have shape"):
        engine.run(x, times=[0, 1])
    with pytest.raises(ModelError, match="no time gate"):
        Engine(quantize(Network((random_lstm(rng, 2, 3),)), x)).run(x, times=np.arange(5))


@pytest.mark.parametrize("shape", [(4,), (3, 5), (0, 2), (2, 0, 2), (1, 2, 3, 2)])
def test_inputs_of_another_shape_are_refused(shape: tuple[int, ...], rng: np.random.Generator, masked: np.ndarray) -> None:
    for network in (phased(rng), Network((random_lstm(rng, 2, 3),), mask_value=MASK)):
        with pytest.raises(ModelError, match="shape"):
            Engine(quantize(network, masked)).run(np.zeros(shape))
