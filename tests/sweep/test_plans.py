"""What a plan may say, and what it comes to."""

import pytest

from fxlstm.errors import SweepError
from fxlstm.sweep.plan import load_plan, read_plan

HEAD = 'task = "airline"\nseeds = [1, 2]\n'


def values(plan, name):
    return [point.parameters[name] for point in plan.points]


def test_the_last_parameter_changes_fastest_and_seeds_faster_still():
    plan = read_plan(HEAD + "[hardware]\nlevels = [16, 32]\n[wires]\nrow = [0, 1]")
    assert values(plan, "hardware.levels") == [16] * 4 + [32] * 4
    assert values(plan, "wires.row") == [0, 0, 1, 1] * 2
    assert [point.seed for point in plan.points] == [1, 2] * 4
    assert plan.size == len(plan.points) == 8


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0.25", [0.25]),
        ("[0, 2]", [0.0, 2.0]),
        ("{ from = 0, to = 1, count = 5 }", [0, 0.25, 0.5, 0.75, 1]),
        ("{ from = 0, to = 0.3, step = 0.1 }", [0, 0.1, 0.2, 0.3]),
        ('{ from = 0.01, to = 1, count = 3, spacing = "log" }', [0.01, 0.1, 1]),
    ],
)
def test_values_lists_and_ranges(written, expected):
    plan = read_plan(f'task = "airline"\nseeds = [1]\n[wires]\nrow = {written}')
    assert values(plan, "wires.row") == expected
    assert all(type(value) is float for value in values(plan, "wires.row"))


@pytest.mark.parametrize(
    ("distribution", "low", "high"),
    [
        ('distribution = "uniform", low = 1, high = 2', 1, 2),
        ('distribution = "log-uniform", low = 0.1, high = 10', 0.1, 10),
        ('distribution = "normal", mean = 50, deviation = 1', 40, 60),
        ('distribution = "log-normal", median = 1, factor = 1.5', 0.01, 100),
    ],
)
def test_every_point_draws_its_own_value_again_the_same(distribution, low, high):
    text = f'task = "airline"\nseeds = {{ from = 1, to = 50 }}\n[wires]\ncolumn = [0.1, 0.2]\nrow = {{ {distribution} }}'
    drawn = values(read_plan(text), "wires.row")
    assert len(set(drawn)) == 100 and all(low <= value <= high for value in drawn)
    assert drawn == values(read_plan(text), "wires.row")


def test_whole_numbers_are_drawn_for_parameters_that_are_whole():
    drawn = 'adc_bits = { distribution = "integers", low = 6, high = 8 }'
    text = f'task = "airline"\nseeds = {{ from = 1, to = 40 }}\n[hardware]\n{drawn}'
    assert set(values(read_plan(text), "hardware.adc_bits")) == {6, 7, 8}


def test_no_two_points_share_the_seed_of_their_array():
    plan = read_plan('task = "airline"\nseeds = { from = 0, to = 9 }\n[hardware]\nlevels = [16, 32, 64]')
    assert len({point.own_seed for point in plan.points}) == 30


def test_a_point_holds_every_parameter_with_its_default():
    (point,) = read_plan('task = "airline"\nseeds = [1]').points
    expected = {"device.preset": "ta-hfo2", "hardware.levels": 256, "quantize.method": "range", "array.rows": 128, "wires.row": 0.0}
    assert expected.items() <= point.parameters.items()
    assert point.parameters["array.read_noise"] is True and point.parameters["programming.tolerance"] is None


def test_a_point_stands_for_the_same_result_however_its_defaults_were_written():
    first, second = read_plan(HEAD).points[0], read_plan(HEAD + "[hardware]\nlevels = 256").points[0]
    assert first.key("task") == second.key("task") != first.key("another task")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('task = "airline"', "no seeds"),
        ('task = "airline"\nseeds = 3', "seeds = 3"),
        ('task = "airline"\nseeds = []', "empty list"),
        ('task = "airline"\nseeds = [-1]', "whole numbers from 0"),
        ('task = "airline"\nseeds = [1.5]', "whole numbers from 0"),
        ('task = "airline"\nseeds = [1, 1]', "names a value twice"),
        ('task = "airline"\nseeds = { distribution = "integers", low = 1, high = 3 }', "not drawn"),
        ("seeds = [1]", "no task"),
        ("task = 3\nseeds = [1]", "no task"),
        ("seeds = [", "no TOML"),
        (HEAD + "[colour]\nred = 1", "'colour' is no part"),
        (HEAD + "levels = 3", "'levels' is no part"),
        (HEAD + 'device = "ta-hfo2"', r"write \[device\]"),
        (HEAD + "[hardware]\nlevel = 3", "hardware.levels, hardware.dac_bits"),
        (HEAD + "[wires]\nresistance = 1", "wires.row, wires.column"),
        (HEAD + "[array]\nseed = 1", "array.rows"),
        (HEAD + "[device]\nread.loudness = 1", "read.noise"),
        (HEAD + "[device]\nread.noise = -1", "0 or more"),
        (HEAD + '[device]\nread.noise = "loud"', "give a number"),
        (HEAD + '[device]\npreset = "tin"', "no device preset named 'tin'"),
        (HEAD + "[hardware]\nlevels = 1", "whole number from 2"),
        (HEAD + "[hardware]\nlevels = 2.5", "give a whole number"),
        (HEAD + '[hardware]\nboard = "kitchen"', "no board named"),
        (HEAD + "[array]\nread_noise = 0.05", "true or false"),
        (HEAD + "[array]\nrows = 0", "1 to 4096 rows"),
        (HEAD + "[wires]\nrow = -1", "0 or more"),
        (HEAD + "[wires]\nrow = nan", "finite number"),
        (HEAD + '[wires]\ndrive = "above"', "rows driven from 'above'"),
        (HEAD + '[quantize]\nmethod = "guess"', "no calibration method"),
        (HEAD + "[programming]\ntolerance = 5", "give siemens"),
        (HEAD + "[programming]\nname = 'wish'", "programming scheme 'wish'"),
        (HEAD + "[wires]\nrow = { from = 1, to = 0, count = 3 }", "to a larger one"),
        (HEAD + "[wires]\nrow = { from = 0, to = 1, count = 1 }", "count = 1"),
        (HEAD + "[wires]\nrow = { from = 0, to = 1, step = 0 }", "step = 0"),
        (HEAD + "[wires]\nrow = { from = 0, to = 1, step = 1e-9 }", "at most 1000000"),
        (HEAD + "[wires]\nrow = { from = 0, count = 3 }", "a range is written"),
        (HEAD + '[wires]\nrow = { from = 0, to = 1, count = 3, spacing = "log" }', "above 0"),
        (HEAD + '[wires]\nrow = { distribution = "cauchy" }', "no distribution 'cauchy'"),
        (HEAD + '[wires]\nrow = { distribution = "normal", mean = 1 }', "takes mean and deviation"),
        (HEAD + '[wires]\nrow = { distribution = "uniform", low = 2, high = 1 }', "low below high"),
        (HEAD + '[hardware]\nlevels = { distribution = "uniform", low = 2, high = 9 }', "give a whole number"),
        ('task = "airline"\nseeds = { from = 1, to = 1000000 }\n[wires]\nrow = [0, 1]', "2000000 points"),
    ],
)
def test_a_bad_plan_is_refused_with_what_to_do(text, words):
    with pytest.raises(SweepError, match=words):
        read_plan(text)


def test_a_plan_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SweepError, match="cannot be read"):
        load_plan(tmp_path / "plan.toml")
