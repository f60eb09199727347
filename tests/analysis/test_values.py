"""The analysis computes what the executors compute, and without its roundings what the float network computes."""

from dataclasses import replace

import numpy as np
import pytest
from random_networks import random_feedback, random_hardware, random_hierarchy, random_network, random_time_gates

import fxlstm as fx
from fxlstm.analysis.values import Rounding, trace

RANDOM = np.random.default_rng(5)
HARDWARE = [fx.Hardware(**numbers) for numbers in ({}, {"levels": 32, "dac_bits": 8, "adc_bits": 9}, {"adc_bits": None})]
HARDWARE.append(fx.Hardware(levels=32, adc_bits=9, pairing="columns"))


def networks() -> dict[str, fx.Network]:
    random = np.random.default_rng(1)

    def lstm(inputs: int, units: int) -> fx.Layer:
        return fx.lstm(*(random.normal(size=shape) / 2 for shape in ((inputs, 4 * units), (units, 4 * units), 4 * units)))

    pair = fx.bidirectional(lstm(2, 3), lstm(2, 3))
    head = fx.dense(random.normal(size=(6, 2)), random.normal(size=2))
    stack = fx.Network((lstm(2, 5), lstm(5, 4), fx.dense(random.normal(size=(4, 1)), random.normal(size=1))), name="stack")
    return {"stack": stack, "pair": fx.Network((pair, head)), "last": fx.Network((lstm(2, 4),), returns="last")}


@pytest.mark.parametrize("hardware", HARDWARE)
@pytest.mark.parametrize("name", networks())
def test_with_every_rounding_the_codes_are_the_executors(name, hardware):
    x = RANDOM.uniform(-1, 1, (3, 20, 2))
    program = fx.quantize(networks()[name], x, hardware)
    np.testing.assert_array_equal(trace(program, x).outputs, fx.Engine(program).run(x))


@pytest.mark.parametrize("name", networks())
def test_without_roundings_and_with_fine_levels_it_is_the_float_network(name):
    x, network = RANDOM.uniform(-1, 1, (3, 20, 2)), networks()[name]
    program = fx.quantize(network, x, fx.Hardware(levels=32768))
    exact = trace(program, x, rounding=Rounding(False, False, False, False)).outputs
    np.testing.assert_allclose(exact, network(x), atol=2e-4)


def test_on_an_array_it_gives_what_the_engine_gives():
    x = RANDOM.uniform(-1, 1, (20, 2))
    program = fx.quantize(networks()["stack"], x)
    arrays = [fx.SimulatedArray(device="ta-hfo2", seed=3, read_noise=False) for _ in range(2)]
    for array in arrays:
        array.program(program)
    np.testing.assert_array_equal(trace(program, x, arrays[0]).outputs, fx.Engine(program, array=arrays[1]).run(x))


@pytest.mark.parametrize("choose", [random_network, random_hierarchy, random_feedback, random_time_gates])
@pytest.mark.parametrize("seed", range(8))
def test_random_networks_give_the_executors_codes(choose, seed):
    network, random = choose(seed), np.random.default_rng(seed)
    x = random.uniform(-1, 1, (2, 9, network.inputs))
    program = fx.quantize(replace(network, mask_value=None), x, random_hardware(random))
    np.testing.assert_array_equal(trace(program, x).outputs, fx.Engine(program).run(x))


def test_sequences_of_several_lengths_end_where_they_end():
    x, lengths = RANDOM.uniform(-1, 1, (4, 12, 2)), np.array([12, 1, 7, 3])
    program = fx.quantize(networks()["last"], x)
    traced = trace(program, x, lengths=lengths)
    np.testing.assert_array_equal(traced.outputs, fx.Engine(program).run(x, lengths))
    assert not any(values[1, 1:].any() for values in traced.vectors.values())


def test_lengths_of_a_network_that_gives_every_output_are_refused():
    x = RANDOM.uniform(-1, 1, (4, 12, 2))
    with pytest.raises(fx.ProgramError, match="returns its last output"):
        trace(fx.quantize(networks()["stack"], x), x, lengths=[1, 2, 3, 4])
