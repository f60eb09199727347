"""Published experiments: their tasks, the networks that ship, the frame that measures them, and the page that tells of it."""

import json
from pathlib import Path

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.app.demos import measured
from fxlstm.app.demos.airline_task import AirlineTask, LookBackTask
from fxlstm.app.demos.classification import ClassificationTask, wafer_sequence, wafer_single_step
from fxlstm.app.demos.experiments import EXPERIMENTS, OF_RANGE, RANGE, THOUSANDS
from fxlstm.app.demos.gait_task import SAMPLES, TEST_SEQUENCES, TRAIN_SEQUENCES, frames, gait
from fxlstm.app.demos.measured import UNKNOWN, Measured, integer_rows, measure
from fxlstm.app.demos.shipped import weights_digest
from fxlstm.app.demos.tasks import SHIPPED
from fxlstm.data import load_walking
from results_page import FIGURES, PAGE, page_rows, section, summary_line

IDEAL = "emu://host?device=ideal"


def program_of(name: str) -> fx.Program:
    experiment = EXPERIMENTS[name]
    task = SHIPPED[experiment.task]()
    return fx.quantize(task.model, task.calibration, fx.Hardware(**experiment.hardware))


def devices(name: str) -> list[tuple[str, int, int]]:
    return [(tile.matrix, tile.device_rows, tile.device_columns) for tile in program_of(name).placement().tiles]


@pytest.fixture(scope="module")
def gaits() -> ClassificationTask:
    return gait()


@pytest.fixture(scope="module")
def vowels() -> Measured:
    return measure(EXPERIMENTS["vowels"], IDEAL, seeds=(1, 2))


def test_the_walking_recordings_are_gravity_and_steps_of_eight_persons():
    recordings = load_walking()
    assert set(recordings.labels) == set(range(8))
    assert min(len(values) for values in recordings.sequences) >= SAMPLES
    for person in range(8):
        own = [values for values, label in zip(recordings.sequences, recordings.labels, strict=True) if label == person]
        magnitude = np.linalg.norm(np.concatenate(own), axis=1)
        assert magnitude.mean() == pytest.approx(9.8, abs=0.5) and magnitude.std() > 0.8


def test_the_gait_task_has_the_published_shape(gaits):
    assert (len(gaits.train.labels), len(gaits.test.labels)) == (8 * TRAIN_SEQUENCES, 8 * TEST_SEQUENCES)
    assert {sequence.shape for sequence in gaits.test.sequences} == {(25, 50)}
    assert np.bincount(gaits.test.labels).tolist() == [TEST_SEQUENCES] * 8


def test_no_sample_of_a_learned_gait_sequence_is_tested(gaits):
    for learned, tested in ((gaits.train, gaits.test), gaits.for_choosing):
        seen = {axes.tobytes() for sequence in learned.sequences for axes in sequence[:, :48].reshape(-1, 3)}
        assert len(seen) > 10_000
        unseen = [axes.tobytes() for sequence in tested.sequences for axes in sequence[:, :48].reshape(-1, 3)]
        assert sum(axes in seen for axes in unseen) < 0.002 * len(unseen)  # limited ones, and chance


def test_a_frame_is_sixteen_samples_with_mean_and_deviation_of_their_magnitude():
    samples = np.random.default_rng(1).normal(size=(SAMPLES, 3))
    second = frames(samples)[1]
    assert np.array_equal(second[:48].reshape(16, 3), samples[16:32])
    lengths = np.sqrt((samples[16:32] ** 2).sum(axis=1))
    assert second[48:] == pytest.approx([lengths.mean(), lengths.std()])


def test_three_months_say_nothing_of_the_month_they_predict():
    task = LookBackTask.load()
    assert task.inputs.shape == (141, 3, 1)
    np.testing.assert_allclose(task.inputs[1:, -1], task.targets[:-1])
    np.testing.assert_allclose(task.predict(task.targets)[2:], task.passengers[3:])
    assert np.isnan(task.predict(task.targets)[:2]).all()
    assert (task.seen, task.unseen) == (AirlineTask.load().seen, AirlineTask.load().unseen)


@pytest.mark.parametrize(
    ("name", "placed"),
    [
        ("airline", [("lstm", 34, 60), ("dense", 32, 1)]),
        ("gait", [("lstm", 128, 56), ("dense", 28, 8)]),
        ("vowels", [("lstm", 54, 56), ("dense", 30, 9)]),
        ("airline-look-back", [("lstm", 12, 16), ("dense", 10, 1)]),
        ("wafer-single-step", [("lstm", 106, 16), ("lstm", 106, 16), ("lstm", 102, 16), ("dense", 10, 2)]),
        ("wafer-sequence", [("lstm", 6, 4), ("dense", 4, 2)]),
    ],
)
def test_an_experiment_takes_the_devices_that_it_is_said_to(name, placed):
    assert devices(name) == placed


@pytest.mark.parametrize("name", ["gait", "airline_look_back", "wafer_single_step", "wafer_sequence"])
def test_the_shipped_network_is_what_its_provenance_says(name):
    task = SHIPPED[name]()
    recorded, metrics = task.model.metadata, task.metrics(task.outputs(task.model))
    assert recorded["weights_sha256"] == weights_digest(task.model)
    if name == "airline_look_back":
        assert recorded["rmse_thousands"]["unseen"] == pytest.approx(metrics["rmse"])
        assert metrics["rmse_of_range"] == pytest.approx(metrics["rmse"] / RANGE)
    else:
        assert recorded["test"]["accuracy"] == pytest.approx(metrics["accuracy"])


def test_one_cell_over_152_readings_calls_every_wafer_normal_while_four_cells_over_all_at_once_do_not():
    sequence, single_step = (SHIPPED[task().name]() for task in (wafer_sequence, wafer_single_step))
    assert sequence.metrics(sequence.outputs(sequence.model)) == sequence.baseline[1]
    assert single_step.metrics(single_step.outputs(single_step.model))["recall"] > 0.95


def test_the_rows_go_from_the_paper_to_the_board(vowels):
    assert [row.source for row in vowels.rows] == ["published"] * 2 + ["baseline"] + ["measured"] * 6
    rows = {row.name: row.metrics["accuracy"] for row in vowels.rows}
    assert rows["emulated board"] == rows["integer program"], "cells of an ideal board are exact"
    arrays = rows["simulated array, Ta/HfO2"]
    assert arrays.low <= arrays.median <= arrays.high < 1
    assert arrays.median == pytest.approx(rows["integer program"].median, abs=0.02)


def test_the_table_gives_what_is_not_published_as_such_and_both_units_of_an_error():
    result = measure(EXPERIMENTS["airline"], url=None, seeds=(1,))
    assert result.lines[0] == ("chip of the paper", UNKNOWN, UNKNOWN, UNKNOWN)
    for row in result.rows[1:]:
        thousands, fraction = (row.metrics[column.metric].median for column in (THOUSANDS, OF_RANGE))
        assert thousands == pytest.approx(RANGE * fraction)


def test_calibrated_columns_take_back_what_wires_cost():
    result = measure(EXPERIMENTS["airline"], url=None, seeds=(1,))
    ideal, wires, calibrated = (row.metrics["rmse"].median for row in result.rows[-3:])
    assert wires > 1.5 * ideal
    assert calibrated == pytest.approx(ideal, rel=0.1)


def test_a_board_runs_part_of_a_long_test_in_which_classes_keep_their_shares():
    task = SHIPPED["wafer"]()
    few = task.every(15)
    assert few.size == 412 and few.timesteps() == 412 * 19
    assert few.baseline[1]["accuracy"] == pytest.approx(task.baseline[1]["accuracy"], abs=0.002)
    assert task.every(1).metrics(task.outputs(task.model)) == task.metrics(task.outputs(task.model))


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name != "airline"])
def test_every_experiment_is_a_command(command, name):
    outcome = command("demo", name, "--help")
    assert outcome.status == 0
    assert EXPERIMENTS[name].summary.split()[0] in outcome.out


def test_an_experiment_prints_its_paper_and_draws_its_picture(command, tmp_path):
    outcome = command("demo", "airline-look-back", "--seeds", 1, "--output", tmp_path)
    assert outcome.status == 0
    for words in ("10.99", "persistence", "emulated board", "Smagulova", "Differences", "HP TiO2"):
        assert words in " ".join(outcome.out.split())
    assert (tmp_path / "airline-look-back.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "measurements.db").exists()


def test_an_experiment_for_scripts(command, tmp_path):
    outcome = command("demo", "airline-look-back", "--seeds", 1, "--output", tmp_path, "--json", "--port", IDEAL)
    result = json.loads(outcome.out)
    rows = {row["name"]: row["metrics"]["rmse"] for row in result["rows"]}
    assert outcome.status == 0 and outcome.err == ""
    assert rows["emulated board"] == rows["integer program"]
    assert len(result["differences"]) == len(EXPERIMENTS["airline-look-back"].differences) and Path(result["plot"]).exists()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_page_tells_of_the_paper_and_of_what_is_measured_now(name):
    experiment = EXPERIMENTS[name]
    expected = integer_rows(experiment)
    text, rows = PAGE.read_text(), {row[0]: row[1:] for row in page_rows(name)}
    assert rows.keys() >= {published.row for published in experiment.published} | {variant.row for variant in experiment.variants}
    assert all(sentence in text for sentence in (experiment.paper, *experiment.differences))
    for row in expected:
        assert rows[row.name] == tuple(row.metrics[column.metric].text(column.format) for column in experiment.columns)
    assert (FIGURES / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_a_section_of_the_page_holds_table_differences_and_figure(vowels):
    text = section(vowels)
    assert all(f"| {name} | {words} |" in text for name, words in vowels.lines)
    assert text.endswith("(figures/vowels.png)")


def test_what_is_measured_on_part_of_a_test_says_so_and_stands_beside_the_integers_of_that_part(monkeypatch):
    monkeypatch.setattr(measured, "BOARD_TIMESTEPS", 1000)
    result = measure(EXPERIMENTS["vowels"], IDEAL, seeds=(1,))
    integers, board = result.rows[-2:]
    few, all_of_them = board.part
    assert few < all_of_them == result.task.size
    assert (integers.name, board.name) == tuple(f"{name}, {few} of 370 sequences" for name in ("integer program", "emulated board"))
    assert integers.metrics == board.metrics, "cells of an ideal board are exact"
    assert summary_line(result)[-1].endswith(f" ({few} of 370)")
    assert not any("of 370" in words for words in summary_line(result)[:-1])
