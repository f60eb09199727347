"""``fxlstm sweep``: plans with tasks that ship and with files, results, figures."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.app.sweep_tasks import SHIPPED, load_task
from fxlstm.errors import FxlstmError
from fxlstm.sweep import load_plan

PLANS = sorted((Path(__file__).resolve().parents[2] / "examples/plans").glob("*.toml"))
PLAN = """
task = { network = "net.safetensors", inputs = "x.npy", targets = "y.npy" }
seeds = [1, 2, 3]
[hardware]
levels = [16, 256]
[device]
read.noise = [0.0, 0.1]
"""


@pytest.fixture
def plan_file(network, x, network_file, inputs_file, tmp_path) -> Path:
    np.save(tmp_path / "y.npy", network(x))
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return path


def test_a_plan_becomes_results_and_results_a_figure(command, plan_file, tmp_path):
    results, figure = tmp_path / "r.parquet", tmp_path / "figure.png"
    ran = command("sweep", plan_file, "-o", results, "--workers", 1)
    assert ran.status == 0 and "12 points" in ran.out
    again = json.loads(command("sweep", "run", plan_file, "-o", results, "--json").out)
    assert (again["points"], again["resumed"], again["failed"]) == (12, 12, 0)
    plotted = command("sweep", "plot", results, "--x", "read_noise", "--y", "rmse", "--by", "levels", "-o", figure, "--json")
    drawn = json.loads(plotted.out)
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert (drawn["x"], drawn["by"]) == ("device.read.noise", "hardware.levels")
    assert [band["label"] for band in drawn["bands"]] == ["16", "256"]
    for band in drawn["bands"]:
        assert band["x"] == [0.0, 0.1] and band["points"] == [3, 3]
        assert all(low < mean < high for low, mean, high in zip(band["low"], band["mean"], band["high"], strict=True))
    missing = command("sweep", "plot", results, "--x", "colour", "--y", "rmse", "-o", figure)
    assert missing.status == 1 and "no column 'colour'" in missing.err and "hardware.levels" in missing.err
    logarithm = command("sweep", "plot", results, "--x", "read_noise", "--y", "rmse", "--log", "-o", figure)
    assert logarithm.status == 1 and "not above 0" in logarithm.err, "a noise of 0 would vanish from the figure"


def test_points_that_cannot_be_run_are_said(command, plan_file, tmp_path):
    plan_file.write_text(PLAN + "[array]\nrows = 1")
    ran = command("sweep", plan_file, "-o", tmp_path / "r.parquet", "--workers", 1)
    assert ran.status == 1 and "12 points could not be run" in ran.err


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ('"chess"', "no task 'chess'"),
        ('{ inputs = "x.npy" }', "either a network or a program"),
        ('{ network = "net.safetensors" }', "give inputs"),
        ('{ network = "net.safetensors", inputs = "x.npy", colour = "red" }', "'colour' is no file"),
        ('{ network = "nothing.safetensors", inputs = "x.npy" }', "nothing.safetensors"),
        ('{ network = "net.safetensors", inputs = "nothing.npy" }', "nothing.npy"),
        ('{ network = "net.safetensors", inputs = "x.npy", targets = "x.npy" }', "targets have shape"),
    ],
)
def test_a_task_that_cannot_be_had_is_refused(command, plan_file, tmp_path, task, words):
    plan_file.write_text(f"task = {task}\nseeds = [1]")
    refused = command("sweep", plan_file, "-o", tmp_path / "r.parquet")
    assert refused.status == 1 and words in refused.err
    assert not (tmp_path / "r.parquet.journal").exists()


def test_results_of_something_else_are_refused(command, inputs_file, tmp_path):
    refused = command("sweep", "plot", inputs_file, "--x", "levels", "--y", "rmse", "-o", tmp_path / "figure.png")
    assert refused.status == 1 and "give the results of fxlstm sweep" in refused.err


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_the_plans_that_are_shown_are_plans(path):
    assert load_plan(path).size >= 16


@pytest.mark.parametrize("name", SHIPPED)
def test_tasks_that_ship_travel_to_other_processes_and_measure(name):
    task = pickle.loads(pickle.dumps(load_task(name, Path())))
    assert isinstance(task.model, fx.Network) and task.identity == load_task(name, Path()).identity
    metrics = task.metrics(task.outputs(task.model))
    assert all(0 <= value < 70 for value in metrics.values()) and metrics.keys() & {"rmse", "accuracy"}


def test_a_program_is_a_task(program_file, inputs_file, tmp_path):
    task = load_task({"program": program_file.name, "inputs": inputs_file.name}, tmp_path)
    assert isinstance(task.model, fx.Program) and task.metrics(task.inputs) == {}
    with pytest.raises(FxlstmError):
        load_task({"program": inputs_file.name, "inputs": inputs_file.name}, tmp_path)
