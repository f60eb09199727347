"""What a cell's equations guarantee about its values, and what formats follow from that."""

import math

import numpy as np
import pytest

from fxlstm.errors import ModelError
from fxlstm.network import CELLS, Cell, Layer, Network, peephole_lstm
from fxlstm.network.cells import Activate, Complement, Interpolate, Multiply, Product, ProductSum, Sum
from fxlstm.program.calibration.bounds import UNBOUNDED, value_bounds
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.reference import Reference

DIGITAL = Hardware(levels=32768, adc_bits=None, bias="digital")
X = np.sin(np.arange(50)[:, np.newaxis] / [3.0, 5.0])


def bounds(name: str, vector: str) -> tuple[float, float]:
    return value_bounds(CELLS[name])[vector]


def test_a_state_that_blends_bounded_vectors_is_bounded() -> None:
    assert bounds("gru-reset-after", "h") == bounds("gru-reset-before", "rh") == bounds("lstm-cifg", "c") == (-1, 1)


def test_a_state_that_adds_up_is_not() -> None:
    assert bounds("lstm", "c") == bounds("lstm-1997", "c") == UNBOUNDED
    assert bounds("lstm", "h") == (-1, 1)
    low, high = bounds("lstm-noaf", "h")
    assert math.isinf(low) and math.isinf(high)


def test_signs_are_kept() -> None:
    cell = Cell(
        "signs",
        (
            Multiply(("a_in",), ("x",)),
            Activate("a", "sigmoid", "a_in"),
            Activate("g", "centred_logistic_g", "a_in"),
            Complement("k", "a"),
            Product("p", "k", "g"),
            Sum("t", "a", "k"),
            ProductSum("y", "a", "k", "one", "g"),
        ),
        "y",
    )
    found = value_bounds(cell)
    assert [found[name] for name in "agkpty"] == [(0, 1), (-2, 2), (0, 1), (-2, 2), (0, 2), (-2, 3)]


def leaky() -> Layer:
    """A leaky integrator that uses what no cell of the catalogue does; its state is far larger than 1."""
    equations = (
        Multiply(("g_in", "u"), ("x",)),
        Activate("g", "sigmoid", "g_in"),
        Complement("k", "g"),
        Product("d", "k", "u"),
        Sum("v", "d", "b"),
        Interpolate("m", "g", "m", "v"),
        Interpolate("y", "k", "m", "d"),
    )
    cell = Cell("leaky", equations, "y", memory=("m",), parameters=("b",))
    random = np.random.default_rng(5)
    return Layer(cell, 2, 3, {"weight": random.normal(size=(2, 6)), "bias": np.zeros(6), "b": [5.0, -7.0, 0.01]})


def run(program: Program, x: np.ndarray) -> np.ndarray:
    return program.decode(Reference(program).run_codes(program.encode(x)))


def test_vectors_of_different_formats_are_brought_to_one_before_they_blend() -> None:
    network = Network((leaky(),))
    program = quantize(network, X, DIGITAL)
    assert "copy" in {operation.kind for operation in program.operations}
    assert np.abs(run(program, X) - network(X)).max() < 4 * 2.0**-program.output.fraction


def test_parameter_vectors_and_one_are_constants_of_the_arena() -> None:
    random = np.random.default_rng(6)
    peephole = np.array([[0.5, -0.25], [0.75, 0.5], [0.3, 0.9]])
    layer = peephole_lstm(random.normal(size=(2, 8)), random.normal(size=(2, 8)), np.zeros(8), peephole)
    program = quantize(Network((layer,)), X, DIGITAL)
    sums = [operation for operation in program.operations if operation.kind == "product_sum"]
    constants = {start: program.arena[start : start + 2].tolist() for start in (sums[0].a, sums[0].c, sums[3].a, sums[3].c)}
    assert list(constants.values()) == [[16384, -8192], [16384, 16384], [9830, 29491]]
    interpreter = Reference(program)
    interpreter.run_codes(program.encode(X))
    assert all(interpreter.arena[start : start + 2] == codes for start, codes in constants.items())


def test_values_too_far_apart_for_the_arithmetic_are_refused_by_equation() -> None:
    layer = leaky()
    huge = Layer(layer.cell, 2, 3, {**layer.parameters, "b": np.array([1e12, 0, 0])})
    with pytest.raises(ModelError, match=r"layer 'leaky': the values of 'v = d \+ b' differ too much"):
        quantize(Network((huge,)), X, DIGITAL)
