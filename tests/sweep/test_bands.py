"""Means and confidence bands of a metric over a parameter."""

import numpy as np
import pytest

from fxlstm.errors import SweepError
from fxlstm.sweep.bands import bands, find_column

COLUMNS = {
    "wires.row": [0.0, 0.0, 0.0, 1.0, 1.0, 1.0],
    "device.read.noise": [0.1, 0.2, 0.1, 0.2, 0.1, 0.2],
    "array.read_noise": [True] * 6,
    "quantize.method": ["range"] * 3 + ["error"] * 3,
    "rmse": [1.0, 2.0, 3.0, 5.0, 5.0, None],
    "signal_to_noise": [float("inf")] * 6,
}


def test_the_band_is_students():
    (band,) = bands(COLUMNS, "wires.row", "rmse")
    half = 0.95 / np.sqrt(2 * 0.975 * 0.025) / np.sqrt(3)  # t of 2 degrees of freedom in closed form, deviation 1
    np.testing.assert_allclose([band.low[0], band.mean[0], band.high[0]], [2 - half, 2, 2 + half], rtol=1e-12)
    assert band.points.tolist() == [3, 2] and (band.low[1], band.mean[1]) == (5, 5)


def test_the_band_holds_the_true_mean_as_often_as_it_says():
    random = np.random.default_rng(1)
    columns = {"x": np.repeat(np.arange(2000.0), 5).tolist(), "y": random.normal(7, 3, 10_000).tolist()}
    (band,) = bands(columns, "x", "y", confidence=0.8)
    assert np.mean((band.low < 7) & (band.high > 7)) == pytest.approx(0.8, abs=0.03)


def test_one_band_for_each_value():
    found = bands(COLUMNS, "device.read.noise", "rmse", by="quantize.method")
    assert [(band.label, band.x.tolist()) for band in found] == [("range", [0.1, 0.2]), ("error", [0.1, 0.2])]
    assert np.isnan(found[0].low[1]) and found[0].mean[1] == 2


def test_the_end_of_a_name_is_enough():
    assert find_column(COLUMNS, "row") == "wires.row"
    assert find_column(COLUMNS, "read_noise") == "device.read.noise"  # which varies
    assert find_column(COLUMNS, "array.read_noise") == "array.read_noise"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: find_column(COLUMNS, "noise.floor"), "choose from wires.row"),
        (lambda: find_column({"a.x": [1, 2], "b.x": [1, 2]}, "x"), r"a\.x or b\.x"),
        (lambda: bands(COLUMNS, "quantize.method", "rmse"), "words, not numbers"),
        (lambda: bands(COLUMNS, "wires.row", "signal_to_noise"), "no point has a finite"),
        (lambda: bands(COLUMNS, "wires.row", "rmse", confidence=95), "between 0 and 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, words):
    with pytest.raises(SweepError, match=words):
        call()
