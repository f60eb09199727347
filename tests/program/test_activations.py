import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxlstm.program.activations import activation
from fxlstm.program.operations import FUNCTIONS

EXACT = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "centred_logistic_g": lambda x: 4 / (1 + mpmath.exp(-x)) - 2,
    "centred_logistic_h": lambda x: 2 / (1 + mpmath.exp(-x)) - 1,
}


def nearest_code(function: str, fraction: int, result_fraction: int, code: int) -> int:
    with mpmath.workdps(60):
        value = EXACT[function](mpmath.mpf(code) / 2**fraction) * 2**result_fraction
        return max(-32768, min(32767, int(mpmath.floor(value + mpmath.mpf("0.5")))))


@given(st.sampled_from(FUNCTIONS), st.integers(0, 15), st.integers(-32768, 32767))
def test_an_activation_is_the_code_nearest_to_the_exact_function(function, fraction: int, code: int) -> None:
    assert activation(function.name, fraction, code) == nearest_code(function.name, fraction, function.result_fraction, code)


@pytest.mark.parametrize(
    ("function", "at_zero"), [("sigmoid", 16384), ("tanh", 0), ("centred_logistic_g", 0), ("centred_logistic_h", 0)]
)
def test_activations_are_exact_at_zero(function: str, at_zero: int) -> None:
    assert activation(function, 12, 0) == at_zero


def test_activations_end_at_the_ends_of_the_scale() -> None:
    assert activation("sigmoid", 0, 32767) == 32767
    assert activation("sigmoid", 0, -32768) == 0
    assert activation("tanh", 0, -32768) == -32768
