"""The front end: converters with errors, averaging, settling, automatic range, and that an ideal one changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from crossbar_programs import make_program
from hypothesis import given, settings
from hypothesis import strategies as st

import fxlstm as fx
from fxlstm.crossbar.converters import Channels, fine_range
from fxlstm.errors import ArrayError
from fxlstm.program.hardware import Hardware
from fxlstm.program.scheme import scheme_for

REAL = fx.FrontEnd(
    dac=fx.Converter(offset=2, gain=1e-3, bow=2, ripple=1, noise=0.5),
    adc=fx.Converter(offset=20, gain=1e-2, bow=2, ripple=1, noise=2),
    settling=4e-6,
    automatic_range=True,
    reads=3,
)


def quiet_array(front_end: fx.FrontEnd, rows: int = 34, columns: int = 8, seed: int = 1) -> fx.SimulatedArray:
    return fx.SimulatedArray(rows, columns, seed=seed, read_noise=False, front_end=front_end)


def row_codes(vectors: int, rows: int = 34, largest: int = 16000) -> np.ndarray:
    return np.random.default_rng(2).integers(-largest, largest + 1, (vectors, rows)).astype(np.int16)


def test_an_ideal_front_end_changes_no_bit():
    codes = row_codes(40)
    with_it, without = (fx.SimulatedArray(34, 8, seed=1, **more) for more in ({"front_end": fx.FrontEnd()}, {}))
    np.testing.assert_array_equal(with_it.multiply(codes, 2), without.multiply(codes, 2))
    np.testing.assert_array_equal(with_it.read_conductance(), without.read_conductance())


def test_a_front_end_without_errors_gives_the_same_codes_by_its_own_way():
    codes = row_codes(40)
    np.testing.assert_array_equal(
        quiet_array(fx.FrontEnd(reads=2)).multiply(codes, 2), quiet_array(fx.FrontEnd()).multiply(codes, 2)
    )


def test_the_front_end_changes_no_cell():
    np.testing.assert_array_equal(quiet_array(REAL).conductance, quiet_array(fx.FrontEnd()).conductance)


def test_the_same_seed_makes_the_same_converters_and_noise():
    codes = row_codes(10)
    first, again, other = (quiet_array(REAL, seed=seed).multiply(codes, 3) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_ideal_converters_superpose_within_their_roundings():
    array, codes = quiet_array(fx.FrontEnd(reads=2)), row_codes(40)
    first, second = (array.multiply(part, 3).astype(int) for part in (codes[:20], codes[20:]))
    both = array.multiply((codes[:20] + codes[20:]).astype(np.int16), 3)
    assert np.abs(both - first - second).max() <= 1


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), bow=st.floats(-8, 8), ripple=st.floats(0, 8), gain=st.floats(0, 0.01))
def test_small_errors_leave_converters_monotonic(seed, bow, ripple, gain):
    channels = Channels(fx.Converter(offset=3, gain=gain, bow=bow, ripple=ripple), 4, np.random.default_rng(seed))
    scale = np.arange(-32768, 32768, 8.0)[:, None] * np.ones(4)
    assert (np.diff(channels.transfer(scale), axis=0) > 0).all()


def test_the_bow_is_greatest_in_the_middle_and_gone_at_the_ends():
    channels = Channels(fx.Converter(bow=5), 1, np.random.default_rng(0))
    ends = np.array([[-32768.0], [0.0], [32768.0]])
    np.testing.assert_allclose((channels.transfer(ends) - ends)[:, 0], [0, 5, 0])


def test_the_ripple_is_gone_at_the_ends_and_has_the_spread_that_was_asked_for_between():
    channels = Channels(fx.Converter(ripple=5), 200, np.random.default_rng(0))
    codes = np.linspace(-32768, 32768, 65)[:, np.newaxis] * np.ones(200)
    errors = channels.transfer(codes) - codes
    assert not errors[[0, -1]].any()
    assert errors[1:-1].std() == pytest.approx(5, rel=0.05)


@pytest.mark.parametrize("part", ["dac", "adc"])
def test_averaging_n_reads_lowers_noise_by_the_root_of_n(part):
    codes = np.full((3000, 34), 9000, np.int16)

    def spread(reads: int) -> float:
        noisy = fx.FrontEnd(**{part: fx.Converter(noise=200)}, reads=reads)
        return float(quiet_array(noisy).multiply(codes, 2).std(axis=0).mean())

    assert spread(1) / spread(16) == pytest.approx(4, rel=0.05)


def test_offset_and_gain_errors_have_the_spread_that_was_asked_for():
    array = quiet_array(fx.FrontEnd(adc=fx.Converter(offset=50)), columns=2000, rows=2)
    assert array.multiply(np.zeros((1, 2), np.int16)).std() == pytest.approx(50, rel=0.05)


def test_a_residual_of_the_previous_vector_is_left_as_the_time_constant_says():
    rows = np.zeros((2, 34), np.int16)
    rows[0] = 16000
    array = quiet_array(fx.FrontEnd(settling=10e-6))  # the board waits 20 us
    first, second = array.multiply(rows, 3).astype(float)
    np.testing.assert_allclose(second / first, np.exp(-2) * np.ones(8), rtol=2e-3)
    array.pulse(np.full(34, 0.01), np.zeros(8), 1e-6)
    assert not array.multiply(rows[1:], 3).any()


def test_automatic_range_takes_the_fine_gain_where_it_does_not_clip():
    codes = row_codes(200, largest=2000)
    exact = quiet_array(fx.FrontEnd())
    wanted = codes / 32768 * exact.hardware.read_voltage @ exact.conductance / exact.hardware.full_scale_current(3) * 32768
    noisy = {"adc": fx.Converter(noise=20)}
    errors = [
        (quiet_array(fx.FrontEnd(**noisy, automatic_range=automatic)).multiply(codes, 3) - wanted).std()
        for automatic in (False, True)
    ]
    assert fine_range(exact.hardware, 3) == 0
    assert fine_range(exact.hardware, 2) == 2
    assert errors[0] / errors[1] == pytest.approx(8, rel=0.1)  # the gains are 8 apart


def test_automatic_range_falls_back_on_the_coarse_gain_without_a_jump():
    ramp = np.arange(0, 32768, 64, dtype=np.int16)[:, None] * np.ones(34, np.int16)
    coarse, automatic = (quiet_array(fx.FrontEnd(automatic_range=on, reads=2)) for on in (False, True))
    difference = automatic.multiply(ramp, 3).astype(int) - coarse.multiply(ramp, 3)
    assert np.abs(difference).max() <= 1
    assert automatic.adc_clipped == 0


def test_a_clipped_average_counts_once():
    array = quiet_array(fx.FrontEnd(reads=8))
    array.multiply(np.full((5, 34), 32767, np.int16), 0)
    assert array.adc_clipped == 5 * 8


def test_a_code_counts_as_clipped_when_any_of_its_reads_was():
    largest = int(quiet_array(fx.FrontEnd()).multiply(np.full(34, 1000, np.int16), 0).max())
    codes = np.full((400, 34), 1000 * 32767 // largest, np.int16)  # one column at the end of the scale
    counts = []
    for reads in (1, 16):
        array = quiet_array(fx.FrontEnd(adc=fx.Converter(noise=300), reads=reads))
        array.multiply(codes, 0)
        counts.append(array.adc_clipped)
    assert counts[1] > 1.5 * counts[0] > 0


def test_a_saved_array_goes_on_where_its_converters_stood(tmp_path):
    array, codes = quiet_array(REAL), row_codes(6)
    array.multiply(codes)
    array.save(tmp_path / "array.npz")
    again = fx.SimulatedArray.load(tmp_path / "array.npz")
    assert again.front_end == REAL
    np.testing.assert_array_equal(again.multiply(codes, 3), array.multiply(codes, 3))


def test_programs_are_written_and_run_through_the_front_end():
    program = make_program([np.random.default_rng(0).integers(-255, 256, (16, 8))], Hardware(), ranges=3)
    array = fx.SimulatedArray(32, 8, seed=1, front_end=REAL, stuck=False)
    array.program(program, scheme=scheme_for("ta-hfo2", program.hardware, verify=False))
    tile, codes = program.matrices[0].tiles[0], row_codes(30, 16)
    wanted = fx.IntegerArray(program).multiply_tile(tile, codes)
    got = array.multiply_tile(tile, codes)
    assert got.dtype == np.int16
    assert np.corrcoef(got.ravel(), wanted.ravel())[0, 1] > 0.99


def test_cells_that_are_exact_in_integers_refuse_a_front_end_that_is_not_ideal():
    with pytest.raises(ArrayError, match=r"FrontEnd\(adc.offset=1, reads=2\) in front of cells of device 'ideal'"):
        fx.SimulatedArray(device="ideal", front_end=fx.FrontEnd(adc=fx.Converter(offset=1), reads=2))
    assert fx.SimulatedArray(device="ideal", front_end=fx.FrontEnd()).front_end.ideal


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: fx.Converter(noise=-1), "noise = -1: choose a number from 0 to 32768"),
        (lambda: fx.Converter(gain=float("nan")), "gain = nan"),
        (lambda: fx.Converter(bow=float("inf")), "bow = inf"),
        (lambda: fx.FrontEnd(reads=0), "reads = 0: choose a whole number from 1 to 4096"),
        (lambda: fx.FrontEnd(settling=-1e-6), "settling = -1e-06"),
        (lambda: fx.FrontEnd(adc=3), "adc = 3: give a Converter"),
        (lambda: fx.FrontEnd(automatic_range=2), "automatic_range = 2: choose True or False"),
    ],
)
def test_numbers_that_no_converter_has_are_refused(make, words):
    with pytest.raises(ArrayError, match=words.replace("(", r"\(")):
        make()
