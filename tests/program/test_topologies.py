"""Networks of every topology as integer programs."""

import numpy as np
import pytest
from networks import random_dense, random_lstm, waves

from fxlstm.network import Backward, Network
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.reference import Reference

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
