"""The C code that reads cells equals the plain definition bit for bit, whatever the instruction set; and its noise is noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fxlstm.crossbar import plain
from fxlstm.crossbar._cells import CellBlock, Readings, choose_instruction_set, instruction_sets
from fxlstm.crossbar.calibration import ColumnCalibration
from fxlstm.program.pairs import COLUMN_PAIRS, tile_codes

KEY = (0x13198A2E, 0x03707344)
SETS = instruction_sets()


@pytest.fixture(params=SETS)
def instruction_set(request):
    choose_instruction_set(request.param)
    yield request.param
    choose_instruction_set(SETS[0])


def random_block(rows: int, columns: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Gains and variances with some columns that clip and some that are silent."""
    random = np.random.default_rng(seed)
    gain = random.normal(0, 1.5 / np.sqrt(rows), (rows, columns)) * random.choice([0, 0.01, 1], columns)
    return plain.exact_gain(gain), ((0.05 * gain) ** 2).astype(np.float32)


def random_codes(vectors: int, rows: int, seed: int = 1) -> np.ndarray:
    codes = np.random.default_rng(seed).integers(-32768, 32768, (vectors, rows)).astype(np.int16)
    codes[0] = -32768
    return codes


def normals(count: int, columns: int, key: tuple[int, int] = KEY, first: int = 0) -> np.ndarray:
    readings = Readings(key, 1, columns)
    readings.vectors = first
    return readings.normals(count, columns)


@pytest.mark.parametrize("rows, columns, vectors", [(1, 1, 1), (3, 130, 7), (16, 56, 9), (65, 57, 5), (128, 64, 13)])
@pytest.mark.parametrize("bits", [2, 8, 16])
@pytest.mark.parametrize("first", [0, 2**32 - 3, 2**53 - 20])
def test_codes_and_clips_are_those_of_the_definition(instruction_set, rows, columns, vectors, bits, first):
    gain, variance = random_block(rows, columns)
    codes = random_codes(vectors, rows)
    for noise in (variance, None):
        readings = Readings(KEY, rows, columns)
        readings.vectors = first
        found, clipped = CellBlock(gain, noise, bits, readings).read(codes)
        wanted, wanted_clipped = plain.read(gain, noise, bits, codes, KEY, first)
        np.testing.assert_array_equal(found, wanted)
        assert clipped == wanted_clipped and readings.vectors == first + vectors


@pytest.mark.parametrize("columns", [1, 2, 15, 64, 4096])
def test_normal_numbers_are_those_of_the_definition(instruction_set, columns):
    np.testing.assert_array_equal(normals(3, columns, first=2**32 - 2), plain.normals(KEY, 2**32 - 2, 3, columns))


def test_halves_are_rounded_up_and_saturation_is_counted(instruction_set):
    gain = np.array([[0.5, 1.0, 2.0]])
    found, clipped = CellBlock(gain, None, 16, Readings(KEY, 1, 3)).read(np.array([[3], [-3], [20000], [-20000]], np.int16))
    assert found.tolist() == [[2, 3, 6], [-1, -3, -6], [10000, 20000, 32767], [-10000, -20000, -32768]]
    assert clipped == 2


def test_corrected_codes_are_those_of_the_calibration(instruction_set):
    gain, variance = random_block(20, 21)
    random = np.random.default_rng(3)
    calibration = ColumnCalibration(random.integers(1, 2**18, 21), random.integers(-(2**31), 2**31, 21))
    codes = random_codes(9, 20)
    block = CellBlock(gain, variance, 10, Readings(KEY, 20, 21))
    measured, clipped = block.read(codes)
    wanted, beyond = calibration.apply(measured)
    same_noise = CellBlock(gain, variance, 10, Readings(KEY, 20, 21)).as_tile((calibration.gain, calibration.offset), False)
    found, found_clipped = same_noise.read(codes)
    np.testing.assert_array_equal(found, wanted)
    assert found_clipped == clipped + beyond and beyond > 0


@pytest.mark.parametrize("columns", [2, 34])
def test_column_pairs_are_subtracted_and_saturated(instruction_set, columns):
    gain, variance = random_block(20, columns)
    codes = random_codes(9, 20)
    measured, clipped = CellBlock(gain, variance, 16, Readings(KEY, 20, columns)).read(codes)
    wanted, beyond = tile_codes(measured, COLUMN_PAIRS)
    found, found_clipped = CellBlock(gain, variance, 16, Readings(KEY, 20, columns)).as_tile(None, True).read(codes)
    np.testing.assert_array_equal(found, wanted)
    assert found_clipped == clipped + beyond


def test_codes_are_the_same_however_vectors_are_put_into_calls():
    gain, variance = random_block(33, 40)
    codes = random_codes(23, 33)
    whole, _ = CellBlock(gain, variance, 16, Readings(KEY, 33, 40)).read(codes)
    block = CellBlock(gain, variance, 16, Readings(KEY, 33, 40))
    parts = [block.read(part)[0] for part in (codes[:1], codes[1:6], codes[6:6], codes[6:])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_sums_of_exact_gains_are_not_rounded():
    gain, codes = random_block(128, 8)[0], random_codes(50, 128)
    forward, backward = codes.astype(np.float64) @ gain, codes[:, ::-1].astype(np.float64) @ gain[::-1]
    np.testing.assert_array_equal(forward, backward)
    exact = [
        [sum(int(code) * round(value * 2**45) for code, value in zip(row, column, strict=True)) for column in gain.T]
        for row in codes
    ]
    np.testing.assert_array_equal(forward * 2**45, np.array(exact, np.float64))


def test_exact_gains_change_no_code_that_matters():
    gain = np.random.default_rng(2).normal(0, 0.1, (128, 64))
    assert np.abs(plain.exact_gain(gain) - gain).max() * 32768 * np.sqrt(128) < 1e-4


@pytest.mark.parametrize(
    "key, counter, answer",
    [
        ((0, 0), (0, 0), (0x9D1C5EC6, 0x8BD50731)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0xFD36D048, 0x2D17272C)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xBA3E4725, 0xF27D669E)),
    ],
)
def test_random_words_are_the_published_answers_of_threefry(key, counter, answer):
    words = plain.threefry(key, tuple(np.array([word], np.uint32) for word in counter))
    assert tuple(int(word[0]) for word in words) == answer


def test_radius_and_direction_are_accurate_to_single_precision():
    words = np.random.default_rng(4).integers(0, 2**32, 100_000, dtype=np.uint32)
    u = (words >> 1 | 1) / 2.0**31
    np.testing.assert_allclose(plain.radius(words), np.sqrt(-2 * np.log(u)), rtol=1e-6, atol=4e-4)
    x, y = plain.direction(words)
    np.testing.assert_allclose(x.astype(float) ** 2 + y.astype(float) ** 2, 1, atol=4e-7)


def test_noise_is_gaussian_in_mean_variance_shape_and_tails():
    sample = normals(2000, 1024).ravel().astype(np.float64)
    count = sample.size
    assert abs(sample.mean()) * np.sqrt(count) < 4
    assert abs(sample.var() - 1) * np.sqrt(count / 2) < 4
    assert stats.kstest(sample, "norm").pvalue > 1e-3
    for beyond in (2, 3, 4, 4.5):
        expected = count * 2 * stats.norm.sf(beyond)
        assert abs(np.count_nonzero(np.abs(sample) > beyond) - expected) < 4.5 * np.sqrt(expected) + 1


def test_noise_of_neighbours_in_time_and_place_and_of_other_keys_is_independent():
    sample = normals(20_000, 50).astype(np.float64)
    bound = 5 / np.sqrt(sample.shape[0])
    correlation = np.corrcoef(sample.T)
    assert np.abs(correlation - np.eye(50)).max() < bound
    assert np.abs(np.corrcoef((sample**2).T) - np.eye(50)).max() < bound
    for lag in (1, 2, 64):
        assert abs((sample[lag:] * sample[:-lag]).mean()) * np.sqrt(sample[lag:].size) < 4.5
    for key in ((KEY[0] ^ 1, KEY[1]), (KEY[0], KEY[1] ^ 1)):
        assert abs((sample * normals(20_000, 50, key)).mean()) * np.sqrt(sample.size) < 4.5


def test_pairs_that_share_a_radius_lie_evenly_around_the_circle():
    sample = normals(40_000, 2).astype(np.float64)
    angle = np.arctan2(sample[:, 1], sample[:, 0]) / (2 * np.pi) + 0.5
    assert stats.kstest(angle, "uniform").pvalue > 1e-3
    assert stats.kstest(np.exp(-0.5 * (sample**2).sum(axis=1)), "uniform").pvalue > 1e-3


def test_blocks_that_cannot_be_read_are_refused():
    gain, variance = random_block(4, 4)
    readings = Readings(KEY, 4, 4)
    with pytest.raises(ValueError, match="a block of 5 x 4 cells"):
        CellBlock(np.ones((5, 4)), None, 16, readings)
    with pytest.raises(ValueError, match="an ADC of 17 bits"):
        CellBlock(gain, variance, 17, readings)
    with pytest.raises(ValueError, match="3 codes for 4 rows"):
        CellBlock(gain, variance, 16, readings).read(random_codes(2, 3))
    with pytest.raises(ValueError, match="vectors read"):
        readings.vectors = 2**53
    with pytest.raises(ValueError, match="no instruction set 'abacus'"):
        choose_instruction_set("abacus")
