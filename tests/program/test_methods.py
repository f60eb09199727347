import numpy as np
import pytest
from networks import random_dense, random_lstm, waves

from fxlstm.errors import ModelError
from fxlstm.network import Network, dense
from fxlstm.program.calibration.methods import METHODS, LeastError, Method, Percentile, Range, find_method
from fxlstm.program.calibration.scales import to_levels
from fxlstm.program.hardware import Hardware
from fxlstm.program.quantize import quantize


def coded(values: np.ndarray, limits: np.ndarray, steps: int) -> np.ndarray:
    """What remains of values after rounding to ``steps`` up to each column's limit, and saturating there."""
    return np.clip(np.round(values / limits * steps), -steps, steps) * limits / steps


def mean_squared_error(values: np.ndarray, method: Method, steps: int) -> np.ndarray:
    return np.mean((coded(values, method.limits(values, steps), steps) - values) ** 2, axis=0)


def test_range_holds_the_largest_magnitude_of_each_column() -> None:
    assert Range().limits(np.array([[1.0, -4.0], [-2.0, 3.0]]), 7).tolist() == [2.0, 4.0]


def test_percentile_leaves_out_the_largest_magnitudes_only() -> None:
    values = np.arange(-1000.0, 0.0)[:, np.newaxis]
    assert Percentile(99).limits(values, 7) == pytest.approx([990], abs=1)
    assert Percentile(100).limits(values, 7) == pytest.approx([1000])


def test_a_percentile_of_a_sparse_column_does_not_vanish() -> None:
    values = np.zeros((1000, 1))
    values[3] = -0.5
    assert Percentile(90).limits(values, 7).tolist() == [0.5]


@pytest.mark.parametrize("steps", [1, 3, 7, 31, 127])
def test_error_errs_less_than_range_in_few_steps_and_never_more(steps: int, rng: np.random.Generator) -> None:
    values = rng.normal(size=(400, 5)) * [1e-6, 0.1, 1.0, 7.0, 1e4]
    least, whole = mean_squared_error(values, LeastError(), steps), mean_squared_error(values, Range(), steps)
    assert (least <= whole * (1 + 1e-9)).all()
    assert steps > 7 or (least < 0.9 * whole).all()


@pytest.mark.parametrize("method", [Range(), Percentile(), LeastError()])
def test_a_column_of_zeros_has_the_limit_zero(method: Method) -> None:
    assert method.limits(np.zeros((4, 2)), 7).tolist() == [0.0, 0.0]


def test_of_given_limits_range_takes_the_first_that_holds_all_with_headroom_else_the_last() -> None:
    values = np.array([0.5, -3.0])
    assert [Range().choose(values, [1.0, 2.0, 4.0], 127, headroom) for headroom in (1.0, 1.3, 1.4, 100.0)] == [2, 2, 2, 2]
    assert [Range().choose(values, [2.0, 4.0, 8.0], 127, headroom) for headroom in (1.0, 1.3, 1.4)] == [1, 1, 2]


def test_error_takes_the_limit_where_rounding_and_saturation_together_are_least(rng: np.random.Generator) -> None:
    values = np.append(rng.normal(size=2000), 5.0)
    limits = [1.0, 2.0, 4.0, 8.0, 16.0]
    errors = [np.mean((coded(values, np.array([limit]), 7) - values) ** 2) for limit in limits]
    assert LeastError().choose(values, limits, 7, 1.0) == int(np.argmin(errors)) < Range().choose(values, limits, 7, 1.0)


def test_a_rare_spike_does_not_cost_a_percentile_the_resolution_of_the_rest(rng: np.random.Generator) -> None:
    network = Network((random_lstm(rng, 3, 6), random_dense(rng, 6, 2)))
    x = waves(1000, 3, rng)
    x[::200] *= 20
    methods = (Range(), Percentile(99), LeastError())
    widest, percentile, least_error = (quantize(network, x, method=method).input.scale for method in methods)
    assert percentile < 0.06 * widest
    assert least_error <= widest


def test_error_gives_few_levels_to_each_column_as_its_weights_need_them(rng: np.random.Generator) -> None:
    weight, hardware = rng.normal(size=(60, 8)), Hardware(levels=4, bias="digital")
    errors = {}
    for name, method in METHODS.items():
        levels = to_levels(weight, np.zeros(8), hardware, method())
        errors[name] = np.mean((levels.weights * levels.delta - weight) ** 2, axis=0)
    assert (errors["error"] < errors["range"]).all()


@pytest.mark.parametrize("bias_rows", [1, 3])
def test_every_method_reckons_the_bias_among_the_weights_of_its_column(bias_rows: int) -> None:
    network = Network((dense([[0.25]], [0.5]),))
    x = np.linspace(-1, 1, 50)[:, np.newaxis]
    for name in METHODS:
        program = quantize(network, x, Hardware(levels=32768, bias_rows=bias_rows), name)
        levels = program.matrices[0].weights
        assert np.abs(levels).max() == 32767
        assert levels.shape == (1 + bias_rows, 1)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_asked_for_by_name_or_as_an_object(name: str, airline_shaped: Network, rng: np.random.Generator) -> None:
    x = waves(40, 1, rng)
    by_name, by_object = (quantize(airline_shaped, x, method=method) for method in (name, METHODS[name]()))
    assert by_name.to_bytes() == by_object.to_bytes()


def test_range_is_what_quantize_does_by_default(airline_shaped: Network, rng: np.random.Generator) -> None:
    x = waves(40, 1, rng)
    assert quantize(airline_shaped, x).to_bytes() == quantize(airline_shaped, x, method="range").to_bytes()


@pytest.mark.parametrize("unknown", ["best", "", "Range", None, 3])
def test_an_unknown_method_is_refused_with_the_list_of_the_known(unknown: object, airline_shaped: Network) -> None:
    with pytest.raises(ModelError, match="choose from: range, percentile, error"):
        quantize(airline_shaped, [[0.0], [1.0]], method=unknown)  # type: ignore[arg-type]


@pytest.mark.parametrize("percentile", [0, -1, 100.1, np.nan, "99"])
def test_a_percentile_out_of_range_is_refused(percentile: float) -> None:
    with pytest.raises(ModelError, match=r"percentile = .*: choose a number above 0"):
        find_method("percentile", percentile)


@pytest.mark.parametrize("method", ["range", "error", Percentile(99.0)])
def test_a_percentile_given_to_another_method_is_refused(method: str | Method) -> None:
    with pytest.raises(ModelError, match="means nothing to"):
        find_method(method, 99.0)
