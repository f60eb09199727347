"""The airline demonstration: an honest task, weights that are what they are said to be, errors found where they were put."""

import json

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.analysis.errors import rms
from fxlstm.app.console import print_json
from fxlstm.app.demos import airline
from fxlstm.app.demos.airline_task import AirlineTask, load_trained
from fxlstm.app.demos.shipped import weights_digest
from fxlstm.app.demos.stages import Simulation, attribute, simulate
from tools import train_airline


@pytest.fixture(scope="module")
def task() -> AirlineTask:
    return AirlineTask.load()


def test_the_task_shows_the_network_nothing_of_the_future(task):
    altered = AirlineTask(task.months, np.concatenate([task.passengers[:100], task.passengers[100:] * 3]))
    assert altered.scale == task.scale
    np.testing.assert_array_equal(altered.inputs[:100], task.inputs[:100])


def test_inputs_fit_the_rows_and_the_wanted_outputs_give_the_series_back(task):
    assert np.abs(task.inputs).max() <= 1
    assert task.inputs.shape == task.targets.shape == (143, 1)
    np.testing.assert_allclose(task.predict(task.targets), task.passengers[1:])


def test_persistence_errs_by_48_thousand_on_the_unseen_months(task):
    score = task.score(task.persistence, task.unseen)
    assert score.thousands == pytest.approx(48.04, abs=0.01)
    assert score.fraction == pytest.approx(score.thousands / (622 - 104))


def test_the_shipped_network_has_the_published_geometry():
    layers = load_trained().layers
    assert [(layer.cell.name, layer.inputs, layer.units) for layer in layers] == [("lstm", 1, 15), ("dense", 15, 1)]


def test_the_shipped_network_is_what_its_provenance_says(task):
    network = load_trained()
    recorded = network.metadata
    predictions = task.predict(network(task.inputs))
    assert recorded["weights_sha256"] == weights_digest(network)
    assert recorded["rmse_thousands"]["seen"] == pytest.approx(task.score(predictions, task.seen).thousands)
    assert recorded["rmse_thousands"]["unseen"] == pytest.approx(task.score(predictions, task.unseen).thousands)


def test_training_again_with_the_recorded_settings_gives_as_good_a_network(task):
    train_airline.make_reproducible()
    recorded = load_trained().metadata
    settings = train_airline.Settings(**recorded["settings"])
    network = train_airline.fit(task, settings, recorded["seed"]).network("airline", {})
    error = task.score(task.predict(network(task.inputs)), task.unseen).thousands
    assert error == pytest.approx(recorded["rmse_thousands"]["unseen"], abs=3)


def test_the_shipped_network_beats_persistence_on_unseen_months_in_float(task):
    error = task.score(task.predict(load_trained()(task.inputs)), task.unseen).thousands
    assert error < 0.45 * task.score(task.persistence, task.unseen).thousands


@pytest.fixture(scope="module")
def program(task) -> fx.Program:
    return fx.quantize(load_trained(), calibration=task.inputs[: task.learned - 1])


def test_both_layers_share_one_array_as_published(program):
    assert [2 * matrix.weights.shape[0] for matrix in program.matrices] == [34, 32]
    assert [matrix.weights.shape[1] for matrix in program.matrices] == [60, 1]
    assert {tile.array for matrix in program.matrices for tile in matrix.tiles} == {0}


def test_the_integer_program_predicts_unseen_months_as_the_float_network_does(task, program):
    floats, integers = load_trained()(task.inputs), fx.Engine(program).run(task.inputs)
    errors = [task.score(task.predict(outputs), task.unseen).thousands for outputs in (floats, integers)]
    assert errors[1] == pytest.approx(errors[0], abs=0.5)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noisy_devices_still_beat_persistence_on_unseen_months(seed, task, program):
    simulation = simulate(program, task.inputs, "ta-hfo2", seed)
    errors = [task.score(task.predict(run), task.unseen).thousands for run in simulation.runs]
    assert max(errors) < 0.5 * task.score(task.persistence, task.unseen).thousands


def test_each_error_is_attributed_to_its_stage():
    random = np.random.default_rng(1)
    floats = random.normal(size=(400, 1))
    integers = floats + 0.001 * random.normal(size=floats.shape)
    written = integers + 0.004 * random.normal(size=floats.shape)
    stuck = written + 0.03 * random.normal(size=floats.shape)
    runs = stuck + 0.01 * random.normal(size=(32, *floats.shape))
    found = {error.stage: error for error in attribute(floats, integers, Simulation(written, stuck, runs, ""))}
    assert found["quantization"].rms == pytest.approx(0.001, rel=0.1)
    assert found["programming"].rms == pytest.approx(0.004, rel=0.1)
    assert found["stuck cells"].rms == pytest.approx(0.03, rel=0.1)
    assert found["read noise"].rms == pytest.approx(0.01, rel=0.05)
    assert found["all together"].rms == pytest.approx(np.hypot(0.03, 0.01), rel=0.1)
    assert found["quantization"].signal_to_noise == pytest.approx(60, abs=1.5)


@pytest.fixture(scope="module")
def result(tmp_path_factory) -> airline.Result:
    return airline.run(output=tmp_path_factory.mktemp("demo"))


def test_an_ideal_board_gives_the_integer_programs_predictions_to_the_bit(tmp_path):
    predictions = airline.run("emu://host?device=ideal", tmp_path).predictions
    np.testing.assert_array_equal(predictions["emulated board"], predictions["integer program"])


def test_every_stage_beats_persistence_on_the_unseen_months(result):
    scores = {name: parts["unseen"].thousands for name, parts in result.scores().items()}
    baseline = scores.pop("persistence")
    assert list(scores) == ["float network", "integer program", "simulated array", "emulated board"]
    assert max(scores.values()) < 0.5 * baseline


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_the_board_errs_as_much_as_a_simulated_array_of_the_same_cells(seed, task, program):
    exact = fx.Engine(program).run(task.inputs)
    array = fx.SimulatedArray(device="ta-hfo2", seed=seed)
    array.program(program)
    with fx.Board(f"emu://host?device=ta-hfo2&seed={seed}", log=False) as board:
        board.program(program)
        on_board = rms(board.run(task.inputs) - exact)
    assert on_board == pytest.approx(rms(fx.Engine(program, array=array).run(task.inputs) - exact), rel=0.25)


def test_the_measured_conductances_are_the_targets_but_for_a_few_cells(result):
    errors = np.abs(result.stages.measured - result.stages.target)[np.isfinite(result.stages.target)]
    assert errors.size == 34 * 60 + 32
    assert np.median(errors) < 1e-6
    assert np.count_nonzero(~(errors < 5e-6)) <= 12


def test_the_demonstration_leaves_a_picture_and_a_measurement_log(result):
    assert result.plot.read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in result.plot.parent.iterdir()} >= {"airline.png", "measurements.db"}


def test_the_numbers_are_printed_as_tables_and_as_json(result, capsys):
    airline.show(result)
    tables = capsys.readouterr().out
    for words in ("persistence", "emulated board", "quantization", "programming", "read noise", "airline.png"):
        assert words in tables
    print_json(result.as_dict())
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["rmse"]["emulated board"]["unseen"]["thousands"] == result.scores()["emulated board"]["unseen"].thousands
    assert sum(numbers["devices"].values()) == 34 * 60 + 32
    assert [len(values) for values in numbers["predictions"].values()] == [143] * 4


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_programmed(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(fx.FxlstmError, match="cannot make the folder"):
        airline.run("no board is looked for", tmp_path / "file" / "folder")
