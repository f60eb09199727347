"""Sign by column pairs: each column is converted by itself, and the codes are subtracted."""

from __future__ import annotations

import numpy as np
import pytest
from crossbar_programs import make_program

import fxlstm as fx
from fxlstm.crossbar import IntegerArray, SimulatedArray
from fxlstm.errors import ModelError
from fxlstm.program.hardware import Hardware

COLUMNS = Hardware(pairing="columns")
BASE = 1e-4  # siemens, of preset "ta-hfo2"


def network() -> fx.Network:
    random = np.random.default_rng(3)
    weights = (random.normal(0, 0.5, shape) for shape in ((3, 40), (10, 40), 40))
    return fx.Network([fx.lstm(*weights), fx.dense(random.normal(0, 0.5, (10, 2)), np.zeros(2))])


X = np.random.default_rng(4).uniform(0, 1, (60, 3))


def test_both_columns_round_and_saturate_on_their_own_before_they_are_subtracted():
    hardware = Hardware(levels=256, adc_bits=8, pairing="columns")
    program = make_program([np.array([[255, 3, -255], [-255, -5, -255]])], hardware, ranges=0)
    tile = program.matrices[0].tiles[0]
    step = 2 ** (tile.gain_shift + 8)

    def adc(value: int) -> int:
        return max(-128, min(127, (value + step // 2) // step))

    array = IntegerArray(program)
    for x in ([32767, 32767], [-32767, 30000], [4000, -900]):
        expected = []
        for column in program.matrices[0].weights.T.tolist():
            parts = [sum(max(sign * w, 0) * code for w, code in zip(column, x, strict=True)) * tile.gain for sign in (1, -1)]
            expected.append(max(-32768, min(32767, (adc(parts[0]) - adc(parts[1])) << 8)))
        assert array.multiply_tile(tile, np.array([x], np.int16)).tolist() == [expected]


def test_what_either_column_or_the_difference_saturates_is_counted():
    program = make_program([np.full((40, 1), 255), np.tile([[255], [-255]], (20, 1))], COLUMNS)
    one, both = (matrix.tiles[0] for matrix in program.matrices)
    ideal = SimulatedArray(device="ideal")
    ideal.program(program)
    for array in (ideal, IntegerArray(program)):
        before = array.adc_clipped
        array.multiply_tile(one, np.full((1, 40), 32767, np.int16))
        assert array.adc_clipped - before == 1  # the positive column
        opposite = np.tile(np.array([32767, -32767], np.int16), 20)[np.newaxis]
        assert array.multiply_tile(both, opposite).tolist() == [[32767]]
        assert array.adc_clipped - before == 4  # both columns, and their difference


def test_on_physical_cells_the_subtraction_takes_away_the_base_that_both_columns_carry():
    program = fx.quantize(network(), X, Hardware(pairing="columns", base=BASE))
    array = SimulatedArray(seed=1, stuck=False)
    array.program(program)
    array.adc_clipped = 0
    wanted, found = fx.Engine(program).run(X), fx.Engine(program, array=array).run(X)
    assert array.adc_clipped == 0
    assert 10 * np.log10(((wanted - wanted.mean(axis=0)) ** 2).sum() / ((found - wanted) ** 2).sum()) > 20


def test_a_front_end_range_holds_the_base_where_it_is_told():
    random = np.random.default_rng(5)
    x = random.uniform(0, 1, (50, 30))
    layer = fx.Network([fx.dense(random.normal(size=(30, 4)), np.zeros(4))])
    unaware, aware = (fx.quantize(layer, x, Hardware(pairing="columns", base=base)) for base in (0, BASE))
    clipped = []
    for program in (unaware, aware):
        array = SimulatedArray(seed=1, stuck=False)
        array.program(program)
        before = array.adc_clipped
        fx.Engine(program, array=array).run(x)
        clipped.append(array.adc_clipped - before)
    assert unaware.matrices[0].tiles[0].range < aware.matrices[0].tiles[0].range
    assert clipped[0] > clipped[1] == 0


def test_in_pairs_of_rows_the_base_cancels_before_the_converter_and_changes_nothing():
    plain, told = (fx.quantize(network(), X, Hardware(base=base)) for base in (0, BASE))
    assert [matrix.tiles for matrix in plain.matrices] == [matrix.tiles for matrix in told.matrices]


@pytest.mark.parametrize("base", [-1e-6, 1.0, float("nan"), "100 uS", True])
def test_a_base_that_no_device_has_is_refused(base):
    with pytest.raises(ModelError, match=r"base = .*: choose siemens from 0"):
        Hardware(base=base)


def test_programs_of_both_kinds_share_an_array_and_take_each_others_cells_only_where_they_overlap():
    rows, columns = fx.quantize(network(), X), fx.quantize(network(), X, COLUMNS)
    beside = fx.quantize(network(), X, COLUMNS, taken=[rows])
    array = SimulatedArray(device="ideal")
    array.program(rows)
    array.program(beside)
    for program in (rows, beside):
        np.testing.assert_array_equal(fx.Engine(program, array=array).run(X), fx.Engine(program).run(X))
    array.program(columns)
    with pytest.raises(fx.ArrayError, match="has no such tile"):
        fx.Engine(rows, array=array).run(X)


@pytest.mark.parametrize("front_end", [None, fx.FrontEnd(reads=2)])
def test_converters_in_front_of_physical_cells_convert_both_columns(front_end):
    program = fx.quantize(network(), X, Hardware(pairing="columns", base=BASE))
    array = SimulatedArray(seed=1, stuck=False, read_noise=False, front_end=front_end)
    array.program(program)
    tile = program.matrices[0].tiles[0]
    codes = np.random.default_rng(1).integers(-9000, 9000, (50, tile.rows)).astype(np.int16)
    converted = array.multiply(np.pad(codes, ((0, 0), (0, 128 - tile.rows))), tile.range)[:, : 2 * tile.columns]
    expected = converted[:, 0::2].astype(int) - converted[:, 1::2]
    np.testing.assert_allclose(array.multiply_tile(tile, codes), expected, atol=1)


def test_an_emulated_board_multiplies_a_tile_by_pairs_of_columns():
    program = fx.quantize(network(), X, COLUMNS)
    tile = program.matrices[0].tiles[0]
    codes = np.random.default_rng(1).integers(-9000, 9000, (5, tile.rows)).astype(np.int16)
    with fx.Board("emu://host?device=ideal", log=False) as board:
        board.program(program)
        np.testing.assert_array_equal(board.multiply_tile(tile, codes), IntegerArray(program).multiply_tile(tile, codes))


def test_the_twin_of_a_board_of_column_pairs_explains_it():
    program = fx.quantize(network(), X, Hardware(pairing="columns", base=BASE))
    with fx.Board("emu://host?device=ta-hfo2&seed=1", log=False) as board:
        board.program(program)
        assert fx.compare_with_twin(board, program, X).output.part > 0.9
