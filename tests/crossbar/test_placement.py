"""Programs and target maps that do not fit are refused in one sentence; those that fit stand where the tiles say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossbar_programs import make_program

from fxlstm.crossbar import IntegerArray, SimulatedArray
from fxlstm.errors import ArrayError
from fxlstm.program.hardware import Hardware
from fxlstm.program.layout import PAIRINGS
from fxlstm.program.mapping import LEAVE, array_count, level_differences, target_map
from fxlstm.program.program import Program


def with_tile(program: Program, **changes: int) -> Program:
    """The program with its only tile changed."""
    matrix = program.matrices[0]
    return replace(program, matrices=(replace(matrix, tiles=(replace(matrix.tiles[0], **changes),)),))


@pytest.fixture
def small() -> Program:
    return make_program([np.array([[1, -2], [3, 0]])], Hardware(levels=4))


@pytest.mark.parametrize(
    "pairing, levels",
    [
        ("adjacent", [[1, 0], [0, 2], [3, 0], [0, 0]]),
        ("halves", [[1, 0], [3, 0], [0, 2], [0, 0]]),
        ("columns", [[1, 0, 0, 2], [3, 0, 0, 0]]),
    ],
)
def test_a_weight_is_a_pair_of_cells_in_one_column_or_in_one_row(pairing, levels):
    program = make_program([np.array([[1, -2], [3, 0]])], Hardware(levels=4, pairing=pairing))
    targets = target_map(with_tile(program, array_row=5, array_column=7))
    level = program.hardware.level_units
    place = slice(5, 5 + len(levels)), slice(7, 7 + len(levels[0]))
    assert (targets[place] // level).tolist() == levels
    targets[place] = LEAVE
    assert (targets == LEAVE).all()


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_level_differences_invert_the_target_map(pairing):
    random = np.random.default_rng(11)
    program = make_program(
        [random.integers(-15, 16, (20, 7)), random.integers(-15, 16, (3, 2))], Hardware(levels=16, pairing=pairing)
    )
    siemens = 1e-4 + target_map(program) * program.hardware.conductance_unit
    for matrix, weights in zip(program.matrices, level_differences(program, siemens), strict=True):
        np.testing.assert_allclose(weights, matrix.weights, atol=1e-6)


def test_each_array_of_a_program_has_its_own_target_map(small):
    program = with_tile(small, array=1)
    assert (target_map(program, 0) == LEAVE).all()
    np.testing.assert_array_equal(target_map(program, 1), target_map(small))


def test_a_program_larger_than_the_array_is_told_what_it_needs(small):
    with pytest.raises(ArrayError, match="reach 4 rows x 2 columns and the array has 3 x 2; use a larger array"):
        SimulatedArray(rows=3, cols=2).program(small)


def test_a_program_on_several_arrays_is_told_how_many(small):
    program = with_tile(small, array=2)
    assert array_count(program) == 3
    with pytest.raises(ArrayError, match="need 3 arrays and there is 1"):
        SimulatedArray().program(program)


def test_a_program_without_an_adc_stage_is_refused():
    program = make_program([np.ones((2, 2))], Hardware(adc_bits=None))
    for use in (SimulatedArray().program, IntegerArray):
        with pytest.raises(ArrayError, match="quantize it with adc_bits"):
            use(program)


def test_overlapping_tiles_are_refused():
    program = make_program([np.ones((2, 2))], Hardware())
    program = replace(program, matrices=program.matrices * 2)
    with pytest.raises(ArrayError, match="two tiles overlap at row 0, column 0"):
        SimulatedArray().program(program)


def test_gains_that_the_board_does_not_have_are_refused(small):
    with pytest.raises(ArrayError, match="is not that of range 0"):
        SimulatedArray().program(with_tile(small, gain=7))


def test_a_tile_can_be_multiplied_only_when_its_program_is_in_the_array(small):
    tile = small.matrices[0].tiles[0]
    codes = np.zeros((1, 2), np.int16)
    with pytest.raises(ArrayError, match="holds no program"):
        SimulatedArray().multiply_tile(tile, codes)
    with pytest.raises(ArrayError, match="no tile of the program"):
        IntegerArray(small).multiply_tile(replace(tile, array_row=9), codes)
    array = SimulatedArray()
    array.program(small)
    assert array.multiply_tile(tile, codes).shape == (1, tile.columns)
    with pytest.raises(ArrayError, match="no such tile at row 9, column 0; program this one first"):
        array.multiply_tile(replace(tile, array_row=9), codes)


def test_an_array_larger_than_the_board_takes_the_program_in_its_corner(small):
    array = SimulatedArray(rows=200, cols=10, device="ideal")
    array.program(small)
    assert np.count_nonzero(array.conductance) == 3
    assert not array.pulse_counts[4:].any()


@pytest.mark.parametrize("targets", [np.zeros((4, 4), np.uint16), np.zeros((128, 64))])
def test_a_target_map_of_another_shape_or_type_is_refused(targets):
    with pytest.raises(ArrayError, match=r"give uint16 \(128, 64\)"):
        SimulatedArray().program(targets)


@pytest.mark.parametrize("codes", [np.zeros(128), np.full(128, -32768, np.int16), np.zeros(4, np.int16)])
def test_row_codes_that_no_row_can_be_driven_with_are_refused(codes):
    with pytest.raises(ArrayError, match=r"(row codes of type|codes of shape)"):
        SimulatedArray().multiply(codes)


@pytest.mark.parametrize("wrong", [{"rows": 0}, {"cols": 5000}, {"seed": -1}])
def test_an_impossible_array_is_refused(wrong):
    with pytest.raises(ArrayError, match="choose"):
        SimulatedArray(**wrong)


def test_a_range_that_the_board_lacks_is_refused():
    with pytest.raises(ArrayError, match="ranges 0 to 5"):
        SimulatedArray().multiply(np.zeros(128, np.int16), 6)
