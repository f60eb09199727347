"""Row codes applied bit by bit: what is added up, what it makes of noise, of non-linear cells, and of conversions that clip."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from crossbar_programs import make_program
from hypothesis import given
from hypothesis import strategies as st

import fxlstm as fx
from fxlstm.crossbar.converters import bit_planes
from fxlstm.program.formats import dac
from fxlstm.program.hardware import Hardware
from fxlstm.program.scheme import scheme_for

RANGE = 5  # in which nothing here clips


def array_with(front_end: fx.FrontEnd, device: str = "ta-hfo2", columns: int = 8) -> fx.SimulatedArray:
    return fx.SimulatedArray(34, columns, device, seed=1, read_noise=False, front_end=front_end)


def row_codes(vectors: int = 40, largest: int = 32767) -> np.ndarray:
    return np.random.default_rng(2).integers(-largest, largest + 1, (vectors, 34)).astype(np.int16)


def added_by_hand(array: fx.SimulatedArray, codes: np.ndarray, bits: int) -> np.ndarray:
    """Pulse after pulse, column after column, in plain Python numbers; ``array`` has converters that only round."""
    full = array.hardware.full_scale_current(RANGE)
    result = np.zeros((len(codes), array.columns), int)
    for vector, column in np.ndindex(result.shape):
        total = 0
        for bit in range(14, 15 - bits, -1):
            current = 0.0
            for row in range(array.rows):
                code = dac(int(codes[vector, row]), bits)
                pulse = (abs(code) >> bit & 1) * (1 if code > 0 else -1)
                current += pulse * array.hardware.read_voltage * array.conductance[row, column]
            total += int(np.floor(current / full * 32768 + 0.5)) << bit
        result[vector, column] = (total + (1 << 14)) >> 15
    return result


@pytest.mark.parametrize("bits", [2, 8, 16])
def test_pulses_are_converted_one_by_one_then_shifted_added_and_rounded_once(bits):
    array, codes = array_with(fx.FrontEnd(serial_bits=bits), columns=3), row_codes(5)
    np.testing.assert_array_equal(array.multiply(codes, RANGE), added_by_hand(array, codes, bits))


@given(st.lists(st.integers(-32767, 32767), min_size=1, max_size=5), st.integers(2, 16))
def test_the_planes_add_up_to_the_codes_of_the_dac(codes, bits):
    weights, planes = bit_planes(np.array([codes]), bits)
    assert planes.shape == (1, bits - 1, len(codes)) and set(planes.ravel()) <= {-1, 0, 1}
    assert (planes[0] * weights[:, None]).sum(axis=0).tolist() == [dac(code, bits) for code in codes]


def test_without_errors_pulses_give_what_amplitudes_give_within_a_step():
    codes = row_codes()
    serial, amplitudes = (array_with(fx.FrontEnd(serial_bits=bits)).multiply(codes, RANGE).astype(int) for bits in (16, 0))
    assert np.abs(serial - amplitudes).max() == 1


def test_adc_noise_is_that_of_the_pulses_by_their_weights():
    codes = np.full((3000, 34), 9000, np.int16)
    noise = fx.Converter(noise=100)
    single, added = (array_with(fx.FrontEnd(adc=noise, serial_bits=bits)).multiply(codes, RANGE).std() for bits in (0, 16))
    weights = 0.5 ** np.arange(1, 16)
    assert added / single == pytest.approx(np.sqrt((weights**2).sum()), rel=0.05)  # 0.577


def test_cells_whose_current_is_not_straight_answer_every_pulse_alike(tmp_path):
    path = tmp_path / "bent.toml"
    bent = '\n[conduction]\ncubic = { value = 5, unit = "1/V2", source = "a test" }\n'
    path.write_text((files("fxlstm") / "devices" / "ta-hfo2.toml").read_text() + bent)
    codes, errors = row_codes(), []
    for bits in (0, 16):
        array = array_with(fx.FrontEnd(serial_bits=bits), str(path))
        volts = codes / 32768 * array.hardware.read_voltage
        expected = volts @ array.conductance * (1 + 5 * array.hardware.read_voltage**2)  # the conductance at full amplitude
        codes_per_ampere = 32768 / array.hardware.full_scale_current(RANGE)
        errors.append(np.abs(array.multiply(codes, RANGE) - expected * codes_per_ampere).max())
    assert errors[0] > 40
    assert errors[1] < 2


def test_a_pulse_that_clips_is_converted_in_a_coarser_range():
    codes = np.full((1, 128), 16384, np.int16)
    codes[0, ::2] = -16383  # nearly nothing together, but in each pulse one half of the rows alone
    front_ends = fx.FrontEnd(), fx.FrontEnd(serial_bits=16)
    amplitudes, serial = (fx.SimulatedArray(seed=1, read_noise=False, front_end=front_end) for front_end in front_ends)
    amplitudes.multiply(np.maximum(codes, 0) * np.int16(2) - np.int16(1), 0)
    assert amplitudes.adc_clipped > 32
    difference = serial.multiply(codes, 0).astype(int) - amplitudes.multiply(codes, 0)
    assert serial.adc_clipped == 0
    assert np.abs(difference).max() <= 4


def test_a_sum_of_pulses_beyond_the_scale_is_counted_once():
    codes = np.full((3, 128), 32767, np.int16)
    serial = fx.SimulatedArray(seed=1, read_noise=False, front_end=fx.FrontEnd(serial_bits=16))
    assert (serial.multiply(codes, 0) == 32767).all()
    assert serial.adc_clipped == codes.shape[0] * serial.columns


def test_programs_run_bit_by_bit():
    program = make_program([np.random.default_rng(0).integers(-255, 256, (16, 8))], Hardware(), ranges=3)
    array = fx.SimulatedArray(32, 8, seed=1, front_end=fx.FrontEnd(serial_bits=16), stuck=False)
    array.program(program, scheme=scheme_for("ta-hfo2", program.hardware, verify=False))
    tile, codes = program.matrices[0].tiles[0], row_codes()[:, :16]
    got, wanted = array.multiply_tile(tile, codes), fx.IntegerArray(program).multiply_tile(tile, codes)
    assert got.dtype == np.int16
    assert np.corrcoef(got.ravel(), wanted.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("bits", [-1, 1, 17, 8.0, True])
def test_numbers_of_bits_that_no_code_has_are_refused(bits):
    with pytest.raises(fx.ArrayError, match="serial_bits = "):
        fx.FrontEnd(serial_bits=bits)


def test_a_board_drives_amplitudes_and_refuses():
    with pytest.raises(fx.ArrayError, match="serial_bits = 8: the board's firmware drives amplitudes"):
        fx.Board("emu://host?front_end.serial_bits=8", log=False)
