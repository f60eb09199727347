import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fxlstm.program.calibration.scales import bias_code, rescale, to_levels
from fxlstm.program.hardware import Hardware


@example(factor=0.0078125, bias=32768.99999999999, worst=1)
@given(st.floats(1e-9, 1e3), st.floats(-40000, 40000), st.integers(1, 2**40))
def test_a_rescale_is_as_close_as_64_bits_allow_and_never_overflows_them(factor: float, bias: float, worst: int) -> None:
    mantissa, shift, whole_bias = rescale(factor, bias, worst)
    assert 0 < mantissa < 2**31
    assert 0 <= shift <= 62
    assert worst * mantissa + abs(whole_bias) + ((1 << shift) >> 1) < 2**63
    assert abs(mantissa / 2**shift - factor) <= factor / mantissa
    assert abs(whole_bias / 2**shift - bias) <= 0.5 / 2**shift


def test_a_column_of_vanished_weights_gives_its_bias() -> None:
    mantissa, shift, bias = rescale(1e-30, 100.0, 2**31)
    assert 2**31 * mantissa / 2**shift < 0.5
    assert bias == 100 << shift


def test_the_largest_weight_of_a_column_stands_on_the_last_level() -> None:
    weight = np.array([[0.5, -3.0], [-0.25, 1.0]])
    levels = to_levels(weight, np.zeros(2), Hardware(levels=5, bias="digital"))
    assert levels.weights.tolist() == [[4, -4], [-2, 1]]
    assert np.allclose(levels.delta, [0.125, 0.75])


@pytest.mark.parametrize("bias_rows", [1, 2, 3])
def test_bias_rows_share_the_bias_and_sum_to_it(bias_rows: int) -> None:
    hardware = Hardware(levels=256, bias_rows=bias_rows, bias_value=0.2)
    levels = to_levels(np.array([[1.0]]), np.array([0.3]), hardware)
    driven = levels.weights[1:].sum() * bias_code(hardware) / 32768 * levels.delta[0]
    assert len(levels.weights) == 1 + bias_rows
    assert driven == pytest.approx(0.3, abs=levels.delta[0] * 0.1 + 1e-6)
    assert np.ptp(levels.weights[1:]) <= 1


def test_the_bias_is_reckoned_with_what_the_dac_really_drives() -> None:
    assert bias_code(Hardware(dac_bits=16, bias_value=0.2)) == 6553
    assert bias_code(Hardware(dac_bits=4, bias_value=0.2)) == 8192
