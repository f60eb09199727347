"""Several arrays serve one network, and one array several networks."""

from __future__ import annotations

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.crossbar import SimulatedArray, SimulatedArrays
from fxlstm.errors import ArrayError
from fxlstm.program.mapping import array_count, level_differences, tiles_of
from fxlstm.program.program import Program


def network(units: int, features: int = 3, seed: int = 0) -> fx.Network:
    random = np.random.default_rng(seed)
    weights = random.normal(0, 0.3, (features, 4 * units)), random.normal(0, 0.3, (units, 4 * units)), np.zeros(4 * units)
    return fx.Network([fx.lstm(*weights), fx.dense(random.normal(0, 0.5, (units, 2)), np.zeros(2))])


def series(seed: int = 0, time: int = 20, features: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (time, features))


@pytest.fixture(scope="module")
def large() -> Program:
    """A program whose tiles stand on four arrays."""
    program = fx.quantize(network(48), series())
    assert array_count(program) == 4
    return program


def test_ideal_arrays_together_give_the_exact_integers(large):
    arrays = SimulatedArrays(large, device="ideal")
    reports = arrays.program(large)
    assert len(arrays) == 4 and sorted(reports) == [0, 1, 2, 3]
    np.testing.assert_array_equal(fx.Engine(large, array=arrays).run(series(1)), fx.Engine(large).run(series(1)))


def test_every_array_has_cells_and_noise_of_its_own():
    fresh = SimulatedArrays(2, seed=5).read_conductance()
    assert fresh.shape == (2, 128, 64) and (fresh[0] != fresh[1]).any()
    np.testing.assert_array_equal(fresh[0], SimulatedArray(seed=5).read_conductance())
    neighbours = SimulatedArrays(2, seed=6).read_conductance()
    assert all((one != other).any() for one in fresh for other in neighbours)


def test_each_tile_stands_on_its_array(large):
    arrays = SimulatedArrays(large, device="ideal")
    arrays.program(large)
    for index, conductance in enumerate(arrays.read_conductance(exact=True)):
        found = level_differences(large, conductance, index)
        assert any(np.isfinite(weights).any() for weights in found)
        for matrix, weights in zip(large.matrices, found, strict=True):
            here = np.isfinite(weights)
            np.testing.assert_allclose(weights[here], matrix.weights[here], atol=1e-6)


def test_too_few_arrays_are_refused_by_number(large):
    with pytest.raises(ArrayError, match="need 4 arrays and there is 3"):
        SimulatedArrays(3, device="ideal").program(large)
    with pytest.raises(ArrayError, match="0 arrays: choose 1 to 256"):
        SimulatedArrays(0)
    arrays = SimulatedArrays(1, device="ideal")
    last = max(tiles_of(large), key=lambda tile: tile.array)
    with pytest.raises(ArrayError, match="a tile on array 3 and there are 1"):
        arrays.multiply_tile(last, np.zeros((1, last.rows), np.int16))
    with pytest.raises(ArrayError, match="one \\(rows, columns\\) for each of 1 arrays"):
        arrays.program(np.zeros((128, 64), np.uint16))


def test_two_networks_share_an_array_and_both_stay_exact():
    first = fx.quantize(network(5), series())
    second = fx.quantize(network(7, seed=1), series(), taken=[first])
    array = SimulatedArray(device="ideal")
    array.program(first)
    array.program(second)
    for program in (first, second):
        np.testing.assert_array_equal(fx.Engine(program, array=array).run(series(2)), fx.Engine(program).run(series(2)))


def test_a_network_whose_cells_were_taken_is_no_longer_there(tmp_path):
    first, second = fx.quantize(network(5), series()), fx.quantize(network(7, seed=1), series())
    array = SimulatedArray(device="ideal")
    array.program(first)
    array.program(second)
    array.save(tmp_path / "array.npz")
    for held in (array, SimulatedArray.load(tmp_path / "array.npz")):
        np.testing.assert_array_equal(fx.Engine(second, array=held).run(series(2)), fx.Engine(second).run(series(2)))
        with pytest.raises(ArrayError, match="no such tile"):
            fx.Engine(first, array=held).run(series(2))


def test_columns_of_every_array_are_calibrated(large):
    arrays = SimulatedArrays(large, seed=1)
    arrays.program(large)
    reports = arrays.calibrate_columns(large)
    assert sorted(reports) == [0, 1, 2, 3] and all(report.after < report.before for report in reports.values())
