"""Corners given to quantize, programs beside others, and the report of where all stand."""

from __future__ import annotations

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.errors import ArrayError, ModelError
from fxlstm.program.program import Program

X = np.random.default_rng(0).uniform(-1, 1, (20, 3))


def quantized(units: int = 5, **arguments) -> Program:
    random = np.random.default_rng(units)
    weights = random.normal(0, 0.3, (3, 4 * units)), random.normal(0, 0.3, (units, 4 * units)), np.zeros(4 * units)
    network = fx.Network([fx.lstm(*weights), fx.dense(random.normal(0, 0.5, (units, 2)), np.zeros(2))])
    return fx.quantize(network, X, **arguments)


def corners_of(program: Program) -> dict[str, list[tuple[int, int, int]]]:
    return {m.name: [(t.array, t.array_row, t.array_column) for t in m.tiles] for m in program.matrices}


def test_matrices_stand_at_their_corners_and_the_others_beside():
    program = quantized(corners={"lstm": (0, 0), "dense": (0, 60)})
    assert corners_of(program) == {"lstm": [(0, 0, 0)], "dense": [(0, 0, 60)]}
    assert corners_of(quantized(corners={"lstm": (2, 1, 7)})) == {"lstm": [(2, 1, 7)], "dense": [(0, 0, 0)]}
    assert corners_of(quantized(corners={"dense": (0, 2)}))["lstm"] == [(0, 0, 4)]


def test_corners_change_places_and_nothing_else():
    here, there = quantized(), quantized(corners={"lstm": (9, 3), "dense": (1, 0, 0)})
    np.testing.assert_array_equal(fx.Engine(here).run(X), fx.Engine(there).run(X))


def test_a_matrix_of_several_tiles_takes_a_corner_for_each():
    corners = [(array, 0, 0) for array in range(3)]
    assert corners_of(quantized(48, corners={"lstm": corners}))["lstm"] == corners
    with pytest.raises(ModelError, match="'lstm' has 3 tiles and 1 corners"):
        quantized(48, corners={"lstm": (0, 0)})


@pytest.mark.parametrize(
    "corners, words",
    [
        ({"lstm": (111, 0)}, "'lstm' has 18 x 20 devices, which do not fit at array 0, row 111, column 0"),
        ({"lstm": (0, 45)}, "do not fit at array 0, row 0, column 45"),
        ({"lstm": (-1, 0)}, "do not fit"),
        ({"lstm": (256, 0, 0)}, "do not fit at array 256"),
        ({"lstm": (0, 0), "dense": (17, 19)}, "'dense', 12 x 2 devices at array 0, row 17, column 19, overlaps"),
        ({"head": (0, 0)}, "a corner for 'head': the network's matrices are lstm, dense"),
        ({"lstm": (0.5, 0)}, "whole numbers"),
        ({"lstm": 7}, "whole numbers"),
        ({"lstm": ()}, "whole numbers"),
        ({"lstm": (1, 2, 3, 4)}, "whole numbers"),
    ],
)
def test_corners_that_cannot_be_are_refused_by_name(corners, words):
    with pytest.raises(ModelError, match=words):
        quantized(corners=corners)


def test_a_second_network_stands_beside_the_first():
    first = quantized()
    second = quantized(4, taken=[first])
    third = quantized(3, taken=[first, second])
    devices = [(t.array, r, c) for p in (first, second, third) for t in tiles(p) for r, c in cells(t)]
    assert len(devices) == len(set(devices)) and {array for array, _, _ in devices} == {0}
    with pytest.raises(ModelError, match="'dense', 10 x 2 devices at array 0, row 0, column 0, overlaps"):
        quantized(4, taken=[first], corners={"dense": (0, 0)})


def tiles(program: Program):
    return program.placement().tiles


def cells(tile):
    rows = range(tile.array_row, tile.array_row + tile.device_rows)
    return [(row, column) for row in rows for column in range(tile.array_column, tile.array_column + tile.device_columns)]


def test_a_digital_program_stands_nowhere():
    digital = fx.Hardware(adc_bits=None)
    with pytest.raises(ModelError, match="digital program"):
        quantized(hardware=digital, corners={"lstm": (0, 0)})
    with pytest.raises(ArrayError, match="stands on no array"):
        quantized(hardware=digital).placement()


def test_the_report_counts_devices_and_pairs_of_each_array():
    placement = quantized(corners={"dense": (3, 0, 10)}).placement()
    assert placement.arrays == (0, 3)
    assert placement.utilisation == {0: 18 * 20 / (128 * 64), 3: 12 * 2 / (128 * 64)}
    assert [tile.pairs for tile in placement.tiles] == [9 * 20, 6 * 2]
    assert "array 3: 0.3 % of 128 x 64 devices" in str(placement) and "12 x 2 devices at row 0, column 10" in str(placement)
