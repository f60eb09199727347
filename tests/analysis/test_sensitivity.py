"""The sensitivity of weights foretells how far the output moves when one of them does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.errors import ProgramError

X = np.random.default_rng(0).uniform(-1, 1, (60, 2))


def program_of(**hardware) -> fx.Program:
    random = np.random.default_rng(1)
    layer = fx.lstm(*(random.normal(0, 0.6, shape) for shape in ((2, 20), (5, 20), 20)))
    return fx.quantize(fx.Network((layer, fx.dense(random.normal(0, 0.6, (5, 1)), np.zeros(1)))), X, fx.Hardware(**hardware))


@pytest.mark.parametrize("pairing", ["adjacent", "columns"])
def test_it_foretells_what_a_changed_weight_does_to_the_output(pairing):
    program = program_of(pairing=pairing)
    wanted, foretold = fx.Engine(program).run(X), fx.weight_sensitivity(program, X)
    assert [each.shape for each in foretold] == [matrix.weights.shape for matrix in program.matrices]
    random, levels, found = np.random.default_rng(2), 20, []
    for _ in range(60):
        index = int(random.integers(2))
        weights = program.matrices[index].weights.copy()
        row, column = (int(random.integers(length)) for length in weights.shape)
        weights[row, column] += levels if weights[row, column] < 0 else -levels
        matrices = list(program.matrices)
        matrices[index] = replace(matrices[index], weights=weights)
        moved = fx.Engine(replace(program, matrices=tuple(matrices))).run(X) - wanted
        found.append((foretold[index][row, column] * levels, np.sqrt((moved**2).mean())))
    expected, measured = np.log(np.array(found) + 2.0**-program.output.fraction).T  # beside what rounding hides
    assert np.corrcoef(expected, measured)[0, 1] > 0.8
    assert abs(np.median(expected - measured)) < 0.7  # a factor of two: signals that vary and a constant differ


def test_a_unit_that_the_head_does_not_read_is_worth_nothing():
    program = program_of()
    head = replace(program.matrices[1], weights=program.matrices[1].weights * np.array([[0], [1], [1], [1], [1], [1]], np.int16))
    lstm = program.matrices[0]
    own = replace(lstm, weights=lstm.weights * (np.arange(8) != 2).astype(np.int16)[:, np.newaxis])  # nor do other units
    worth = fx.weight_sensitivity(replace(program, matrices=(own, head)), X)[0]
    assert (worth[:, 0::5] == 0).all()
    assert (worth[:, 1::5] > 0).any()


def test_columns_whose_weights_have_all_but_vanished_are_worth_next_to_nothing():
    weights = np.ones((2, 2)) * [1e-12, 1]
    program = fx.quantize(fx.Network((fx.dense(weights, np.zeros(2)),)), X)
    (worth,) = fx.weight_sensitivity(program, X)
    assert (worth[:, 0] < 1e-9 * worth[:, 1]).all()


def test_programs_of_several_phases_and_without_an_array_are_refused():
    side = fx.Network((fx.rnn(np.ones((1, 1)), np.ones((1, 1)) / 2, np.zeros(1)),))
    both = fx.quantize(fx.EncoderDecoder(side, side, feed="context"), np.ones((5, 1)))
    with pytest.raises(ProgramError, match="several phases"):
        fx.weight_sensitivity(both, np.ones((5, 1)))
    with pytest.raises(fx.ArrayError, match="without an ADC stage"):
        fx.weight_sensitivity(program_of(adc_bits=None), X)
