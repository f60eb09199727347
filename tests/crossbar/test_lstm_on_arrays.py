"""A whole network, LSTM and dense layer, on an array against the same program in exact integers."""

from __future__ import annotations

import numpy as np
import pytest

from fxlstm.crossbar import IntegerArray, SimulatedArray
from fxlstm.network import Network, dense, lstm
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.reference import Reference


@pytest.fixture(scope="module")
def task() -> tuple[Program, np.ndarray]:
    """A random network of the published airline shape and one sequence of input codes."""
    random = np.random.default_rng(12)
    layers = (
        lstm(random.normal(0, 0.5, (1, 60)), random.normal(0, 0.3, (15, 60)), random.normal(0, 0.3, 60)),
        dense(random.normal(0, 0.5, (15, 1)), random.normal(0, 0.3, 1)),
    )
    x = np.sin(np.arange(40) / 3)[:, None]
    program = quantize(Network(layers), x, Hardware(levels=256))
    return program, program.encode(x)


def test_the_ideal_array_and_the_integer_array_give_the_programs_bits(task):
    program, codes = task
    expected = Reference(program).run_codes(codes)
    ideal = SimulatedArray(device="ideal")
    ideal.program(program)
    for array in (ideal, IntegerArray(program)):
        np.testing.assert_array_equal(Reference(program, array).run_codes(codes), expected)


def test_ta_hfo2_cells_without_stuck_ones_follow_the_integers_at_more_than_25_db(task):
    program, codes = task
    expected = Reference(program).run_codes(codes).astype(float)
    array = SimulatedArray(seed=13, stuck=False)
    array.program(program)
    error = Reference(program, array).run_codes(codes) - expected
    assert 10 * np.log10(((expected - expected.mean()) ** 2).sum() / (error**2).sum()) > 25
