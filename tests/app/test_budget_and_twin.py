"""``fxlstm budget`` and ``fxlstm twin``: tables, figures and JSON of what the analysis finds."""

import json

import numpy as np
import pytest

PORT = "emu://host?device=ta-hfo2&seed=1"


def test_a_budget_is_printed_and_drawn(command, network_file, inputs_file, tmp_path):
    picture = tmp_path / "budget.png"
    outcome = command("budget", network_file, "--calibrate", inputs_file, "--seeds", 2, "--figure", picture, "--layers")
    assert outcome.status == 0
    for words in ("stuck cells", "read noise", "Layer", "All together", "Left out: wires"):
        assert words in outcome.out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_budget_with_wires_as_json(command, network_file, inputs_file):
    arguments = ("--seeds", 1, "--around", "wires.row=0.1", "--around", "wires.column=0.1", "--levels", 16, "--json")
    outcome = command("budget", network_file, "--calibrate", inputs_file, *arguments)
    assert outcome.status == 0
    sources = [row["source"] for row in json.loads(outcome.out)["sources"]]
    assert sources == ["levels", "DAC", "ADC", "activation", "formats", "programming", "stuck cells", "read noise", "wires"]


def test_an_unknown_device_is_one_sentence(command, network_file, inputs_file):
    outcome = command("budget", network_file, "--calibrate", inputs_file, "--device", "nothing")
    assert outcome.status == 1 and "nothing" in outcome.err and outcome.err.count("\n") == 1


def test_a_twin_is_printed_drawn_and_given_as_json(command, network_file, inputs_file, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    program, picture = tmp_path / "model.fxl", tmp_path / "twin.png"
    assert command("quantize", network_file, "--calibrate", inputs_file, "-o", program).status == 0
    outcome = command("twin", program, inputs_file, "--port", PORT, "--figure", picture)
    assert outcome.status == 0 and "explained" in outcome.out
    assert picture.read_bytes().startswith(b"\x89PNG")
    numbers = json.loads(command("twin", program, inputs_file, "--port", PORT, "--json").out)
    assert numbers["rows"][-1]["vector"] == "output"


def test_a_budget_may_be_judged_by_targets(command, network, network_file, inputs_file, x, tmp_path):
    np.save(tmp_path / "y.npy", network(x) + 0.5)
    arguments = ("budget", network_file, "--calibrate", inputs_file, "--seeds", 1, "--targets", tmp_path / "y.npy", "--json")
    numbers = json.loads(command(*arguments).out)
    assert numbers["metric"] == pytest.approx(0.5)
    assert numbers["metric_everything"]["median"] == pytest.approx(0.5, rel=0.2)


def test_a_task_that_ships_brings_its_data_and_metric(command):
    outcome = command("budget", "airline", "--seeds", 1)
    assert outcome.status == 0
    for words in ("stuck cells", "metric", "Metric: rmse."):
        assert words in outcome.out


def test_a_budget_is_measured_on_a_board(command, network_file, inputs_file):
    arguments = ("--port", PORT + "&wires.row=0.1", "--around", "wires.row=0.1", "--runs", 2, "--json")
    outcome = command("budget", network_file, "--calibrate", inputs_file, *arguments)
    assert outcome.status == 0
    numbers = json.loads(outcome.out)
    assert [row["source"] for row in numbers["sources"]][-3:] == ["read noise", "wires", "unexplained"]
    assert numbers["repeated"] == "runs on the board"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("airlines",), "'airlines' is no task that ships"),
        (("airline", "--calibrate", "x.npy"), "has its own data"),
    ],
)
def test_what_a_budget_cannot_be_of_is_one_sentence(command, arguments, words):
    outcome = command("budget", *arguments)
    assert outcome.status == 1 and words in outcome.err and outcome.err.count("\n") == 1


def test_a_twin_is_not_compared_over_inputs_that_do_not_fit(command, program_file, tmp_path):
    np.save(tmp_path / "wide.npy", np.zeros((20, 3)))
    outcome = command("twin", program_file, tmp_path / "wide.npy", "--port", PORT)
    assert outcome.status == 1 and outcome.err.count("\n") == 1
    assert "(20, 3); give (time, 2) or (batch, time, 2)" in outcome.err
