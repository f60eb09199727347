"""Error budgets: every source acts alone as it was put in, and the rest is what stays without it."""

import json
from dataclasses import replace

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.analysis.budget import error_budget
from fxlstm.analysis.errors import Spread, decibel, rms
from fxlstm.analysis.settings import Case
from fxlstm.app.demos.airline_task import AirlineTask, load_trained
from fxlstm.program.device import load_device

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return AirlineTask.load().inputs[:60]


@pytest.fixture(scope="module")
def budget(x) -> fx.Budget:
    return error_budget(load_trained(), x, seeds=SEEDS, metric=lambda outputs: float(np.abs(outputs).max()))


def by_source(budget: fx.Budget) -> dict:
    return {row.source: row for row in budget.sources}


def case(x: np.ndarray, device: str = "ta-hfo2", seconds: float = 0.0) -> Case:
    hardware = fx.Hardware(board=load_device(device).board)
    return Case(load_trained(), x, x, hardware, device, fx.Wires(), fx.FrontEnd(), seconds)


def test_the_sources_of_the_preset_are_there_and_the_others_are_named(budget):
    assert list(by_source(budget)) == ["levels", "DAC", "ADC", "activation", "formats", "programming", "stuck cells", "read noise"]
    assert list(budget.left_out) == ["relaxation", "wires", "front end"]
    assert budget.seeds == SEEDS


@pytest.mark.parametrize("device, seconds", [("ta-hfo2", 0.0), ("hfox", 86400.0)])
def test_with_everything_on_the_cells_stand_as_programming_and_time_left_them(x, device, seconds):
    found, array = case(x, device, seconds), fx.SimulatedArray(device=device, seed=2, board=load_device(device).board)
    program = found.program(found.sources)
    array.program(program)
    array.elapse(seconds)
    held = found._array(program, found.sources, 2)
    used = np.isfinite(found._programmed(2).targets)
    np.testing.assert_allclose(held.conductance[used], array.conductance[used], atol=1e-15)


def test_stuck_cells_do_most_of_the_error_and_take_it_with_them(budget):
    row = by_source(budget)["stuck cells"]
    assert budget.largest is row
    assert row.share > 0.7
    assert row.without.median < 0.6 * budget.everything.median


@pytest.mark.parametrize(
    "source, field, fine, coarse", [("DAC", "dac_bits", 12, 6), ("ADC", "adc_bits", 12, 8), ("levels", "levels", 256, 16)]
)
def test_a_coarser_part_errs_more_and_no_other_source_does(source, field, fine, coarse, x, budget):
    rows = []
    for number in (fine, coarse):
        hardware = replace(fx.Hardware(), **{field: number})
        rows.append(by_source(error_budget(load_trained(), x, hardware, seeds=(1,))))
    assert rows[1][source].alone.median > 4 * rows[0][source].alone.median
    for other in ("DAC", "ADC", "formats"):
        if other != source:
            assert rows[1][other].alone.median == pytest.approx(rows[0][other].alone.median, rel=0.5)


def test_each_bit_of_the_dac_halves_its_error(x):
    errors = [
        by_source(error_budget(load_trained(), x, fx.Hardware(dac_bits=bits), seeds=(1,)))["DAC"].alone.median
        for bits in (6, 8, 10)
    ]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.4)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.4)


def test_wires_front_end_and_relaxation_are_sources_where_they_are_given(x):
    wires = error_budget(load_trained(), x, seeds=(1,), wires=fx.Wires(row=0.1, column=0.1))
    assert "wires" in by_source(wires) and by_source(wires)["wires"].alone.median > 0
    for row in wires.sources:
        assert row.share == pytest.approx(1 - (row.without.median / wires.everything.median) ** 2)
    front_end = error_budget(load_trained(), x, seeds=(1,), front_end=fx.FrontEnd(adc=fx.Converter(offset=20.0)))
    assert by_source(front_end)["front end"].alone.median > 0
    relaxed = error_budget(load_trained(), x, device="hfox", seeds=(1,), seconds=3600.0)
    assert by_source(relaxed)["relaxation"].alone.median > 0


def test_what_cells_relax_while_they_settle_is_relaxation_and_not_programming(x):
    found = by_source(error_budget(load_trained(), x, device="hfox?stuck_off.fraction=0", seeds=(1,)))
    cells = case(x, "hfox")._programmed(1)
    within = np.abs(cells.programmed - cells.targets)[np.isfinite(cells.targets) & ~cells.stuck]
    assert np.quantile(within, 0.95) < 1.2e-6  # the tolerance of 1 uS, read with noise
    assert found["relaxation"].alone.median > found["programming"].alone.median > 0


def test_an_ideal_device_has_only_errors_of_codes(x):
    budget = error_budget(load_trained(), x, device="ideal", seeds=(1,))
    assert list(by_source(budget)) == ["levels", "DAC", "ADC", "activation", "formats"]
    engine = fx.Engine(fx.quantize(load_trained(), x)).run(x)
    assert budget.everything.median == pytest.approx(rms(engine - load_trained()(x)))


def test_a_digital_program_has_only_levels_and_formats(x):
    budget = error_budget(load_trained(), x, fx.Hardware(adc_bits=None), seeds=(1,))
    assert list(by_source(budget)) == ["levels", "activation", "formats"]


def test_every_layer_has_its_own_errors_and_the_last_is_the_output(budget):
    assert list(budget.layers) == ["lstm", "dense"]
    last = budget.layers["dense"]
    for row, of_layer in zip(budget.sources, last, strict=True):
        assert of_layer.alone.median == pytest.approx(row.alone.median)


def test_the_metric_is_measured_in_every_case(budget, x):
    assert budget.metric == pytest.approx(np.abs(load_trained()(x)).max())
    assert all(row.metric_alone is not None and row.metric_without is not None for row in budget.sources)


def test_a_budget_is_printed_drawn_and_kept(budget, tmp_path):
    assert "stuck cells" in str(budget) and "Left out: wires" in str(budget)
    kept = json.loads(budget.to_json())
    assert kept["sources"][0]["alone"]["median"] == budget.sources[0].alone.median
    budget.figure(tmp_path / "budget.png")
    assert (tmp_path / "budget.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "options", [{"seeds": ()}, {"seeds": (1, 1)}, {"seeds": (-1,)}, {"seconds": -1.0}, {"seconds": float("nan")}]
)
def test_seeds_and_times_that_mean_nothing_are_refused(options, x):
    with pytest.raises(fx.FxlstmError, match=r"seeds|seconds"):
        error_budget(load_trained(), x, **options)


def test_a_network_with_a_mask_is_refused(x):
    with pytest.raises(fx.ProgramError, match="mask"):
        error_budget(replace(load_trained(), mask_value=-5.0), x, seeds=(1,))


def test_spreads_and_ratios():
    spread = Spread.of([3.0, 1.0, 2.0])
    assert (spread.median, spread.low, spread.high) == (2.0, 1.0, 3.0)
    assert decibel(1.0, 0.1) == pytest.approx(20) and decibel(1.0, 0.0) == float("inf") and decibel(0.0, 1.0) == float("-inf")
