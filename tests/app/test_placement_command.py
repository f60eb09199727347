"""``fxlstm placement``: the arrays in words, as JSON and as a figure."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fxlstm as fx


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


def test_the_report_is_one_json_object_for_scripts(command, model):
    report = json.loads(command("placement", str(model), "--json").out)
    assert [(tile["matrix"], tile["array"], tile["pairs"]) for tile in report["tiles"]] == [("lstm", 0, 180), ("dense", 1, 12)]
