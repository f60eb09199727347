"""Activations are correctly rounded: the nearest code for every code, in every input format, of every function."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from fxlstm.core import activation
from fxlstm.errors import ModelError
from fxlstm.program.operations import FUNCTION_BY_NAME, FUNCTIONS
from fxlstm.program.reference import activation as reference_activation

ALL_CODES = np.arange(-32768, 32768, dtype=np.int64)
GRID_BITS = 15  # every code of every format is a whole number of 2^-15
DIGITS_BITS = 120  # of precision; the closest call is decided at 2^-51
SATURATED = 13.0  # all functions are within 2^-17 of their ends

REAL_FUNCTIONS = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "centred_logistic_g": lambda x: 4 / (1 + mpmath.exp(-x)) - 2,
    "centred_logistic_h": lambda x: 2 / (1 + mpmath.exp(-x)) - 1,
}


def nearest_codes(name: str) -> dict[int, int]:
    """The code nearest to the function at n * 2^-15 for every n that stands for a code in some format."""
    function, fraction = REAL_FUNCTIONS[name], FUNCTION_BY_NAME[name].result_fraction
    grid = {int(n) for shift in range(16) for n in ALL_CODES << shift}
    limit = int(SATURATED * 2**GRID_BITS)
    inside = [n for n in grid if abs(n) <= limit]
    with mpmath.workprec(DIGITS_BITS):
        nearest = {n: int(mpmath.floor(function(mpmath.ldexp(n, -GRID_BITS)) * 2**fraction + 0.5)) for n in inside}
    ends = {1: nearest[limit], -1: nearest[-limit]}
    return {n: min(max(nearest[n] if n in nearest else ends[1 if n > 0 else -1], -32768), 32767) for n in grid}


@pytest.mark.parametrize("name", REAL_FUNCTIONS)
def test_every_code_of_every_format_gives_the_nearest_code(name: str) -> None:
    nearest = nearest_codes(name)
    for fraction in range(16):
        expected = [nearest[n] for n in (ALL_CODES << (GRID_BITS - fraction)).tolist()]
        np.testing.assert_array_equal(activation(name, fraction, ALL_CODES.astype(np.int16)), expected)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_the_reference_interpreter_rounds_the_same_way(function) -> None:
    codes = np.random.default_rng(0).integers(-32768, 32768, 300).astype(np.int16)
    for fraction in (0, 12, 15):
        expected = [reference_activation(function.name, fraction, code) for code in codes.tolist()]
        np.testing.assert_array_equal(activation(function.name, fraction, codes), expected)


@pytest.mark.parametrize("fraction", range(16))
@pytest.mark.parametrize("name", REAL_FUNCTIONS)
def test_activations_never_fall(name: str, fraction: int) -> None:
    assert (np.diff(activation(name, fraction, ALL_CODES.astype(np.int16)).astype(np.int32)) >= 0).all()


def test_shape_of_the_codes_is_kept_and_the_codes_are_not_changed() -> None:
    codes = np.array([[0, 4096], [-4096, 1]], dtype=np.int16)
    assert activation("tanh", 12, codes[:, ::-1]).shape == (2, 2)
    assert codes.tolist() == [[0, 4096], [-4096, 1]]


def test_an_unknown_function_or_format_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="no function named 'relu6'; known functions: sigmoid"):
        activation("relu6", 12, [0])
    with pytest.raises(ModelError, match="fraction = 16: choose 0 to 15"):
        activation("tanh", 16, [0])
