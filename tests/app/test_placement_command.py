"""``fxlstm placement``: the arrays in words, as JSON and as a figure."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.analysis import canvas
from fxlstm.app import plots


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A saved program on two arrays."""
    random = np.random.default_rng(0)
    weights = random.normal(0, 0.3, (3, 20)), random.normal(0, 0.3, (5, 20)), np.zeros(20)
    network = fx.Network([fx.lstm(*weights), fx.dense(np.ones((5, 2)), np.zeros(2))])
    path = tmp_path_factory.mktemp("placement") / "model.fxl"
    fx.quantize(network, random.uniform(-1, 1, (20, 3)), corners={"dense": (1, 0, 0)}).save(path)
    return path


def test_every_tile_is_told_and_drawn(command, model, tmp_path):
    result = command("placement", str(model), "--figure", str(tmp_path / "p.png"))
    assert "array 1: 0.3 % of 128 x 64" in result.out
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_in_the_figure_no_words_leave_their_tile_and_no_legend_hides_one():
    network = fx.Network([fx.dense(np.ones((60, 30)), np.zeros(30)), fx.dense(np.ones((30, 4)), np.zeros(4))])
    placed = fx.quantize(network, np.ones((3, 60)), corners={"dense-2": (0, 60)}).placement()
    figure = canvas.new_figure(2.9, 4.2)
    axes = figure.subplots()
    plots.draw_placement([axes], placed)
    figure.canvas.draw()
    (wide, thin), (words,) = axes.patches, axes.texts
    assert not (wide.get_window_extent().overlaps(axes.get_legend().get_window_extent()))
    assert not (thin.get_window_extent().overlaps(axes.get_legend().get_window_extent()))
    inner, outer = words.get_window_extent(), wide.get_window_extent()
    assert outer.x0 < inner.x0 and inner.x1 < outer.x1, "the thin tile has its words in the legend"


def test_the_report_is_one_json_object_for_scripts(command, model):
    report = json.loads(command("placement", str(model), "--json").out)
    assert [(tile["matrix"], tile["array"], tile["pairs"]) for tile in report["tiles"]] == [("lstm", 0, 180), ("dense", 1, 12)]


def test_a_program_gives_way_to_the_faults_that_a_board_found(command, tmp_path):
    random = np.random.default_rng(1)
    weights = random.normal(0, 0.3, (3, 40)), random.normal(0, 0.3, (10, 40)), np.zeros(40)
    x = random.uniform(-1, 1, (20, 3))
    program = fx.quantize(fx.Network([fx.lstm(*weights), fx.dense(random.normal(size=(10, 2)), np.zeros(2))]), x)
    program.save(tmp_path / "model.fxl")
    np.save(tmp_path / "x.npy", x)
    port = ("--port", "emu://host?device=ta-hfo2&seed=3")
    files = {name: tmp_path / name for name in ("model.fxl", "faults.npy", "better.fxl", "x.npy")}
    command("board", "program", files["model.fxl"], *port, "--faults", files["faults.npy"])
    assert np.isfinite(np.load(files["faults.npy"])).sum() > 0
    avoid = ("--avoid", files["faults.npy"])
    told = command("placement", files["model.fxl"], *avoid, "--calibrate", files["x.npy"], "-o", files["better.fxl"])
    assert "10 of lstm" in told.out and "at the best corners" in told.out
    np.testing.assert_array_equal(fx.Engine(fx.Program.load(files["better.fxl"])).run(x), fx.Engine(program).run(x))
    report = json.loads(command("placement", files["model.fxl"], *avoid, "-o", files["better.fxl"], "--json").out)
    assert report["error"]["after"] < report["error"]["before"]
    assert command("board", "program", files["better.fxl"], *port, *avoid).status == 0


def test_faults_and_where_the_better_program_goes_belong_together(command, model, tmp_path):
    np.save(tmp_path / "faults.npy", np.zeros((4, 4), bool))
    alone = command("placement", model, "--avoid", tmp_path / "faults.npy")
    assert alone.status == 1 and "--avoid and --output go together" in alone.err
    wrong = command("placement", model, "--avoid", tmp_path / "faults.npy", "-o", tmp_path / "better.fxl")
    assert wrong.status == 1 and "2 arrays and there are faults of 1" in wrong.err
