"""The ideal array gives the integer program's bits."""

from __future__ import annotations

import numpy as np
from crossbar_programs import make_program
from hypothesis import given, settings
from hypothesis import strategies as st

from fxlstm.crossbar import IntegerArray, SimulatedArray
from fxlstm.program.hardware import Hardware
from fxlstm.program.layout import PAIRINGS
from fxlstm.program.mapping import LEAVE, target_map
from fxlstm.program.pairs import weight_shape

HARDWARE = st.builds(
    Hardware,
    levels=st.sampled_from([2, 3, 16, 256, 32768]),
    adc_bits=st.integers(2, 16),
    pairing=st.sampled_from(PAIRINGS),
)


@settings(max_examples=150, deadline=None)
@given(
    hardware=HARDWARE,
    rows=st.integers(1, 64),
    columns=st.integers(1, 64),
    ranges=st.integers(0, 5),
    tile_rows=st.integers(1, 64),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_tile_is_multiplied_bit_for_bit_as_by_the_integer_array(hardware, rows, columns, ranges, tile_rows, seed):
    random = np.random.default_rng(seed)
    largest = hardware.levels - 1
    most_rows, most_columns = weight_shape(hardware.rows, hardware.columns, hardware.pairing)
    rows, columns = min(rows, most_rows), min(columns, most_columns)
    weights = random.integers(-largest, largest + 1, (rows, columns)) >> random.integers(0, 8)
    program = make_program([weights], hardware, ranges=ranges, max_tile_rows=tile_rows)
    array, integers = SimulatedArray(device="ideal"), IntegerArray(program)
    array.program(program)
    for tile in program.matrices[0].tiles:
        codes = random.integers(-32767, 32768, (3, tile.rows)).astype(np.int16)
        np.testing.assert_array_equal(array.multiply_tile(tile, codes), integers.multiply_tile(tile, codes))


def test_the_integer_array_rounds_once_half_up_and_saturates():
    hardware = Hardware(levels=32768, adc_bits=8)
    program = make_program([np.array([[1, -32767]])], hardware)
    tile = program.matrices[0].tiles[0]
    codes = np.array([[32767], [-32767], [200], [-200]], np.int16)
    expected = []
    for code in codes[:, 0]:
        exact = [int(code) * weight * tile.gain for weight in (1, -32767)]
        shift = tile.gain_shift + 8
        expected.append([max(-128, min(127, (value + (1 << (shift - 1))) >> shift)) << 8 for value in exact])
    result = IntegerArray(program).multiply_tile(tile, codes)
    assert result.dtype == np.int16
    assert result.tolist() == expected


def test_codes_that_an_adc_saturates_are_counted_by_every_array():
    program = make_program([np.full((40, 2), 255)], Hardware())
    tile = program.matrices[0].tiles[0]
    codes = np.array([[32767] * 40, [0] * 40, [-32767] * 40], np.int16)
    ideal, physical, integers = SimulatedArray(device="ideal"), SimulatedArray(seed=1), IntegerArray(program)
    for array in (ideal, physical):
        array.program(program)
    for array in (ideal, physical, integers):
        before = array.adc_clipped
        array.multiply_tile(tile, codes)
        assert array.adc_clipped - before == 4


def test_programming_hits_every_target_exactly_in_one_cycle(airline):
    array = SimulatedArray(device="ideal")
    report = array.program(airline)
    targets = target_map(airline)
    wanted = targets != LEAVE
    assert report.success_rate == 1
    assert set(report.cycles[wanted]) == {1}
    np.testing.assert_array_equal(array.conductance[wanted], targets[wanted] * array.hardware.conductance_unit)
    assert not array.conductance[~wanted].any()
    assert not array.pulse_counts[~wanted].any()


def test_any_target_replaces_any_earlier_content_exactly():
    array = SimulatedArray(rows=4, cols=8, device="ideal")
    random = np.random.default_rng(3)
    for _ in range(5):
        targets = random.integers(0, 20, (4, 8)).astype(np.uint16)
        array.program(targets)
        np.testing.assert_array_equal(array.conductance, targets * array.hardware.conductance_unit)


def test_a_physical_multiply_reads_units_as_the_design_says():
    array = SimulatedArray(rows=2, cols=2, device="ideal")
    units = np.array([[65534, 1], [3, 40000]], np.uint16)
    array.program(units)
    codes = np.array([32767, -12345])
    for range_index in range(array.hardware.range_count):
        shift = array.hardware.unit_shift(range_index)
        exact = codes @ units.astype(np.int64)
        expected = [max(-32768, min(32767, (int(value) + (1 << (shift - 1))) >> shift)) for value in exact]
        assert array.multiply(codes.astype(np.int16), range_index).tolist() == expected
