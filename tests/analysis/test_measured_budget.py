"""Error budgets measured on a board: they say what a simulated budget of the very same cells says."""

from __future__ import annotations

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.analysis.budget import Repeated
from fxlstm.analysis.errors import rms
from fxlstm.analysis.measured import NOISE, BoardCase
from fxlstm.analysis.settings import Case, Cells, target_siemens
from fxlstm.analysis.values import Traced
from fxlstm.app.demos.airline_task import AirlineTask, load_trained
from fxlstm.crossbar.measuring import without_wires
from fxlstm.urls.protocol_emu import emulated_board

URL = "emu://host?device=ta-hfo2&seed=1&board=measured"
WIRES = fx.Wires(row=0.05, column=0.05, driver=1)
AROUND = "&wires.row=0.05&wires.column=0.05&wires.driver=1&adc.offset=20"


@pytest.fixture(autouse=True)
def own_boards(monkeypatch):
    monkeypatch.setattr("fxlstm.urls.protocol_emu._named", {})


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return AirlineTask.load().inputs[:24]


def by_source(budget: fx.Budget, layer: str | None = None) -> dict:
    return {row.source: row for row in (budget.sources if layer is None else budget.layers[layer])}


def simulated(x: np.ndarray, stuck: np.ndarray) -> fx.Budget:
    """The budget of the emulated board's own cells, wires and converters, which no measurement knows exactly."""
    array = emulated_board("measured").array
    case = Case(load_trained(), x, x, fx.Hardware(), "ta-hfo2", array.wires, array.front_end, 0.0)
    targets = target_siemens(case.program(case.sources), "ta-hfo2")
    case._cells[1] = Cells(targets, array.conductance, array.conductance, stuck & np.isfinite(targets))
    return Repeated(case, (1,), None).budget()


def test_a_measured_budget_is_that_of_the_same_cells(x):
    with fx.Board(URL + AROUND, log=False) as board:
        measured = fx.board_budget(board, load_trained(), x, wires=WIRES, runs=3)
    exact = simulated(x, emulated_board("measured").array.stuck)
    for layer in (None, "lstm"):
        found, expected = by_source(measured, layer), by_source(exact, layer)
        for name in ("levels", "DAC", "ADC", "activation", "formats"):
            assert found[name].alone == expected[name].alone
        for name in ("programming", "stuck cells", "wires", "front end"):
            assert found[name].alone.median == pytest.approx(expected[name].alone.median, rel=0.05)
        assert found["read noise"].alone.median == pytest.approx(expected["read noise"].alone.median, rel=0.5)
        assert found["unexplained"].alone.median < 1.5 * found["read noise"].alone.median
    assert measured.everything.median == pytest.approx(exact.everything.median, rel=0.3)
    assert "3 runs on the board" in str(measured)


def test_a_second_measurement_finds_relaxation_and_everything_is_the_error_of_the_runs_themselves(x):
    def relax() -> None:
        array = emulated_board("measured").array
        array._cells.state *= 0.97
        array._read_out.cells_changed()

    with fx.Board(URL + "&read_noise=0", log=False) as board:
        budget = fx.board_budget(board, load_trained(), x, runs=2, wait=relax)
        outputs = board.run(x)
    found = by_source(budget)
    assert budget.everything.median == pytest.approx(rms(outputs - load_trained()(x)))
    assert found["relaxation"].alone.median > found["levels"].alone.median
    assert found["read noise"].alone.median == 0
    assert found["unexplained"].alone.median < 0.2 * found["relaxation"].alone.median
    assert list(budget.left_out) == ["front end", "wires"]


def test_the_noise_of_few_runs_is_not_taken_for_less_than_it_is(x, monkeypatch):
    monkeypatch.setattr(Case, "run", lambda *_: Traced(np.zeros((2000, 1)), {}))
    random, nothing = np.random.default_rng(1), np.zeros((1, 1))
    case = BoardCase(
        *(load_trained(), x, x, fx.Hardware(), "ta-hfo2", fx.Wires(), fx.FrontEnd(), 0.0),
        cells=Cells(nothing, nothing, nothing, nothing > 0),
        aged=False,
        offsets={},
        runs=tuple(Traced(random.standard_normal((2000, 1)), {}) for _ in range(2)),
    )
    power = np.mean([rms(case.run({NOISE}, number).outputs) ** 2 for number in range(2)])
    assert power == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("ohms", [0.1, 0.5])
def test_cells_are_found_behind_the_wires_that_they_were_read_through(ohms):
    cells, wires = np.random.default_rng(1).uniform(5e-6, 4e-4, (64, 32)), fx.Wires(row=ohms, column=ohms, driver=5)
    left = fx.effective_conductance(cells, wires)
    np.testing.assert_allclose(without_wires(left, wires), cells, rtol=0.01)
    assert np.abs(left / cells - 1).max() > 0.05


def test_readings_that_no_cells_behind_such_wires_give_are_refused():
    with pytest.raises(fx.BoardError, match="give the resistances of this board"):
        without_wires(np.full((6, 4), 9e-4), fx.Wires(row=1e3, column=1e3))


@pytest.mark.parametrize("runs", [1, True, 2.0])
def test_noise_needs_two_runs(x, runs):
    with fx.Board(URL, log=False) as board, pytest.raises(fx.BoardError, match="choose 2 or more"):
        fx.board_budget(board, load_trained(), x, runs=runs)


def test_only_networks_of_sequences_have_a_budget(x):
    with fx.Board(URL, log=False) as board, pytest.raises(fx.ModelError, match="is of a Network"):
        fx.board_budget(board, "net.safetensors", x)
