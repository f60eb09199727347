import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxlstm.errors import ModelError
from fxlstm.program import formats

codes = st.integers(-32768, 32767)


@pytest.mark.parametrize(("value", "shift", "expected"), [(5, 1, 3), (-5, 1, -2), (-6, 2, -1), (6, 2, 2), (-7, 0, -7), (-1, 1, 0)])
def test_rounding_is_to_nearest_with_halves_up(value: int, shift: int, expected: int) -> None:
    assert formats.round_shift(value, shift) == expected


@given(codes)
def test_a_16_bit_dac_changes_only_the_code_that_has_no_opposite(code: int) -> None:
    assert formats.dac(code, 16) == max(code, -32767)


@given(codes, st.integers(2, 15))
def test_a_narrow_dac_is_symmetric_and_stays_on_the_16_bit_grid(code: int, bits: int) -> None:
    driven = formats.dac(code, bits)
    step = 1 << (16 - bits)
    assert driven % step == 0
    assert abs(driven) <= 32768 - step
    assert abs(driven - code) <= step / 2 or abs(driven) == 32768 - step


@given(st.lists(codes, min_size=1), st.integers(2, 16))
def test_the_dac_of_an_array_equals_the_dac_of_its_codes(values: list[int], bits: int) -> None:
    assert formats.dac_codes(np.array(values, dtype=np.int16), bits).tolist() == [formats.dac(code, bits) for code in values]


def test_the_adc_reports_a_clip_only_when_the_value_did_not_fit() -> None:
    assert formats.adc(32767 << 4, 4, 16) == (32767, False)
    assert formats.adc((32767 << 4) + 8, 4, 16) == (32767, True)
    assert formats.adc(-32768 << 4, 4, 16) == (-32768, False)
    assert formats.adc(-32769 << 4, 4, 16) == (-32768, True)
    assert formats.adc(32767, 0, 8) == (127 << 8, True)
    assert formats.adc(-32768, 0, 8) == (-128 << 8, False)


def test_encoding_rounds_halves_up_and_saturates_symmetrically() -> None:
    values = np.array([0.5, -0.5, 1.5, 1e9, -1e9])
    assert formats.encode(values, fraction=0).tolist() == [1, 0, 2, 32767, -32767]
    assert formats.encode([1.7e308, -1.7e308]).tolist() == [32767, -32767]


@given(codes.filter(lambda code: code != -32768), st.integers(0, 15), st.sampled_from([0.25, 1.0, 3.7]))
def test_a_decoded_code_encodes_to_itself(code: int, fraction: int, scale: float) -> None:
    values = formats.decode(np.array([code], dtype=np.int16), fraction, scale)
    assert formats.encode(values, fraction, scale).tolist() == [code]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_encoding_refuses_what_is_not_finite(bad: float) -> None:
    with pytest.raises(ModelError, match="at index \\(1,\\); only finite"):
        formats.encode([0.0, bad])
