"""Which formats a layer's vectors get, and what that is worth."""

import numpy as np
import pytest
from networks import random_dense, random_lstm, waves

from fxlstm.network import Layer, Network, dense, gru, rnn
from fxlstm.network.cells import Activate, Cell, Multiply, Product, Sum
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.reference import Reference

DIGITAL = Hardware(levels=32768, adc_bits=None, bias="digital")


def run(program: Program, x: np.ndarray) -> np.ndarray:
    return program.decode(Reference(program).run_codes(program.encode(x)))


def signal_to_noise(network: Network, x: np.ndarray, unseen: np.ndarray) -> float:
    wanted = network(unseen)
    return float(10 * np.log10(np.sum(wanted**2) / np.sum((run(quantize(network, x, DIGITAL), unseen) - wanted) ** 2)))


def fraction(program: Program, name: str) -> int:
    return next(part.fraction for part in program.slices if part.name == name)


def test_a_pre_activation_is_as_fine_as_its_weights_allow_without_ever_saturating(rng: np.random.Generator) -> None:
    x = np.array([[1.0, -1.0], [-1.0, 1.0]])
    for scale, expected in ((0.2, 15), (0.9, 15), (1.9, 14), (3.9, 13), (7.9, 12), (30.0, 12)):
        network = Network((dense([[scale / 2], [scale / 2]], [0.0], "tanh", name="head"),))
        program = quantize(network, x, DIGITAL)
        assert fraction(program, "head/y_in") == expected
        corner = run(program, np.array([[1.0, 1.0]]))
        assert corner[0, 0] == pytest.approx(np.tanh(scale), abs=2e-4)


def test_a_sigmoid_that_calibration_drives_beyond_8_has_room_for_it_and_a_tanh_needs_none() -> None:
    x = np.linspace(-1, 1, 101)[:, np.newaxis]
    for function, expected in (("sigmoid", 10), ("tanh", 12)):
        program = quantize(Network((dense([[20.0]], [0.0], function, name="head"),)), x, DIGITAL)  # type: ignore[arg-type]
        assert fraction(program, "head/y_in") == expected
        assert np.abs(run(program, x) - Network((dense([[20.0]], [0.0], function),))(x)).max() < 2e-3  # type: ignore[arg-type]


def test_small_signals_keep_their_bits(rng: np.random.Generator) -> None:
    network = Network((random_lstm(rng, 2, 8, spread=0.1),))
    assert signal_to_noise(network, waves(60, 2, rng), waves(60, 2, rng)) > 60
    kernel, recurrent = rng.uniform(-0.03, 0.03, (2, 8)), rng.uniform(-0.03, 0.03, (8, 8))
    assert signal_to_noise(Network((rnn(kernel, recurrent, np.zeros(8)),)), waves(60, 2, rng), waves(60, 2, rng)) > 60


def test_a_hidden_state_far_below_its_bound_is_finer_than_q15_and_still_free_to_grow_fourfold(rng: np.random.Generator) -> None:
    network = Network((random_lstm(rng, 2, 8, spread=0.05),))
    x = waves(60, 2, rng)
    program = quantize(network, x, DIGITAL)
    peak = np.abs(network(x)).max()
    assert program.output.fraction > 15
    assert 4 * peak <= 2.0 ** (15 - program.output.fraction) < 8 * peak


def test_multiplies_of_one_weight_share_a_matrix_and_its_formats(rng: np.random.Generator) -> None:
    equations = (
        Multiply(("a_in",), ("x",), "weight"),
        Activate("a", "sigmoid", "a_in"),
        Multiply(("b_in",), ("a",), "weight"),
        Product("b", "b_in", "b_in"),
        Sum("y", "b", "a_in"),
    )
    layer = Layer(Cell("twice", equations, "y"), 3, 3, {"weight": 4 * rng.normal(size=(3, 3)), "bias": rng.normal(size=3)})
    network = Network((layer,))
    x = 5 * waves(60, 3, rng)
    for hardware in (DIGITAL, Hardware(levels=32768)):
        program = quantize(network, x, hardware)
        assert len(program.matrices) == 1
        assert [operation.matrix for operation in program.operations if operation.kind == "multiply"] == [0, 0]
        wanted = network(x)
        assert np.abs(run(program, x) - wanted).max() < 1e-3 * np.abs(wanted).max()


def test_an_input_that_equations_read_element_by_element_has_a_scale_that_shifts_undo(rng: np.random.Generator) -> None:
    equations = (Multiply(("u",), ("x",)), Product("y", "u", "x"))
    cell = Cell("squared", equations, "y", lengths={"u": "inputs", "y": "inputs"})
    layer = Layer(cell, 3, 3, {"weight": np.eye(3), "bias": np.ones(3)}, sizes={"inputs": 3})
    x = 7 * waves(40, 3, rng)
    network = Network((layer, random_dense(rng, 3, 2)))
    assert signal_to_noise(network, x, x) > 70


def test_what_only_a_clamp_reads_saturates_where_the_clamp_would(rng: np.random.Generator) -> None:
    network = Network((rnn(rng.normal(size=(2, 4)), 0.2 * rng.normal(size=(4, 4)), np.zeros(4), activation="relu", name="relu"),))
    program = quantize(network, x := waves(40, 2, rng), DIGITAL)
    assert fraction(program, "relu/h_in") == fraction(program, "relu/h") == program.output.fraction
    assert signal_to_noise(network, x, x) > 70
    assert run(program, 20 * x).min() == 0


def test_a_hard_sigmoid_is_a_line_in_q15_between_its_ends(rng: np.random.Generator) -> None:
    network = Network((dense(rng.normal(size=(2, 3)), [5.0, 0.0, -5.0], ("hard_sigmoid", 1 / 6, 0.5), name="gate"),))
    program = quantize(network, x := waves(40, 2, rng), DIGITAL)
    assert fraction(program, "gate/y_line") == fraction(program, "gate/y") == 15
    assert np.abs(run(program, x) - network(x)).max() < 2.0**-13
    ends = run(program, x)[:, [0, 2]]
    assert (ends[:, 0].max(), ends[:, 1].min()) == (32767 / 32768, 0)


def test_limits_of_a_clamp_stand_in_the_arena_once_for_each_number() -> None:
    layer = gru(np.ones((2, 9)), np.ones((3, 9)), np.zeros(9), clip=0.5)
    program = quantize(Network((layer,)), np.sin(np.arange(20)[:, np.newaxis] / [3, 5]), DIGITAL)
    clamps = [operation for operation in program.operations if operation.kind == "clamp"]
    assert len(clamps) == 3
    assert len({operation.b for operation in clamps}) == len({operation.c for operation in clamps}) == 1
    low, high = (program.arena[start : start + 3].tolist() for start in (clamps[0].b, clamps[0].c))
    assert low == [-16384] * 3
    assert high == [16384] * 3
