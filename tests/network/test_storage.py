"""Networks in files: what is saved is what is loaded, anything else is refused."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from fxlstm.errors import ModelError
from fxlstm.network import Backward, Cell, Layer, Network, bidirectional, dense, gru, load_network, lstm, save_network
from fxlstm.network.cells import Clamp, Multiply, ProductSum
from fxlstm.network.cells.as_data import cell_to_data


@pytest.fixture
def network() -> Network:
    random = np.random.default_rng(1)
    layers = [
        lstm(random.normal(size=(2, 12)), random.normal(size=(3, 12)), random.normal(size=12), name="below"),
        dense(random.normal(size=(3, 2)), random.normal(size=2), "tanh", name="head"),
    ]
    return Network(layers, returns="last", name="trial", metadata={"seed": 7, "note": "half º"})


def test_a_loaded_network_is_the_saved_one_to_the_bit(network, tmp_path):
    save_network(network, tmp_path / "net.safetensors")
    loaded = load_network(tmp_path / "net.safetensors")
    assert (loaded.name, loaded.returns, loaded.metadata) == (network.name, network.returns, network.metadata)
    for ours, theirs in zip(network.layers, loaded.layers, strict=True):
        assert (ours.cell, ours.inputs, ours.units, ours.name) == (theirs.cell, theirs.inputs, theirs.units, theirs.name)
        for key in ours.parameters:
            np.testing.assert_array_equal(ours.parameters[key], theirs.parameters[key])
    x = np.random.default_rng(2).normal(size=(4, 5, 2))
    np.testing.assert_array_equal(loaded(x), network(x))


def test_both_directions_come_back_with_their_merge(network, tmp_path):
    below = network.layers[0]
    for merge in ("concat", "sum"):
        pair = bidirectional(below, below, merge)
        both = Network(
            [pair, dense(np.ones((pair.outputs, 2)), np.zeros(2)), bidirectional(below, below), dense(np.ones((6, 1)), [0])]
        )
        save_network(both, tmp_path / "net.safetensors")
        loaded = load_network(tmp_path / "net.safetensors")
        x = np.random.default_rng(2).normal(size=(4, 5, 2))
        np.testing.assert_array_equal(loaded(x), both(x))


def test_a_cell_outside_the_catalogue_comes_back_as_its_equations(tmp_path):
    cell = Cell(
        "leaky",
        (Multiply(("u",), ("x", "m")), ProductSum("m", "slow", "m", "one", "u")),
        output="y",
        hidden=("m",),
        constants={"slow": 0.75, "low": -0.5, "high": math.inf},
        closing=(Clamp("y", "m", "low", "high"),),
        passes=("m",),
        source="a source",
    )
    random = np.random.default_rng(3)
    layer = Layer(cell, 2, 3, {"weight": random.normal(size=(5, 3)), "bias": np.zeros(3)})
    save_network(Network([layer]), tmp_path / "net.safetensors")
    loaded = load_network(tmp_path / "net.safetensors")
    assert loaded.every_layer[0].cell == cell
    x = random.normal(size=(4, 5, 2))
    np.testing.assert_array_equal(loaded(x), Network([layer])(x))


def test_options_of_networks_and_layers_come_back(tmp_path):
    random = np.random.default_rng(4)
    below = lstm(random.normal(size=(2, 12)), random.normal(size=(3, 12)), np.zeros(12), output="relu", clip=3.0)
    above = gru(random.normal(size=(3, 9)), random.normal(size=(3, 9)), np.zeros(9), gate="hard_sigmoid")
    slow = replace(above, name="slow", period=3)
    network = Network(
        [Backward(below), slow, above],
        "final",
        initial={"gru/h": [1.0, -2.0, 0.5]},
        reads_backward=True,
        mask_value=-1.0,
    )
    save_network(network, tmp_path / "net.safetensors")
    loaded = load_network(tmp_path / "net.safetensors")
    x = random.normal(size=(4, 7, 2))
    x[1, 3] = -1
    np.testing.assert_array_equal(loaded(x), network(x))
    assert (loaded.reads_backward, loaded.mask_value, loaded.layers[1].period) == (True, -1.0, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"equations": [["Import", "os"]]}, "an equation of the kind 'Import', unknown"),
        ({"equations": [["Activate", "y", "eval", "h"]], "hidden": ["h"]}, "is no function of sigmoid, tanh"),
        ({"equations": [["Product", "y", "x"]]}, "damaged"),
        ({"equations": [["Product", "y", "x", 3]]}, "damaged"),
        ({"output": "z"}, "no equation assigns its output 'z'"),
        ({"constants": {"one": "2.0"}}, "the constant 'one' has the name of something else"),
        ({"constants": {"two": "inf"}}, "only an end of a Clamp may be infinite"),
        ({"constants": {"two": "nan"}}, "is nan"),
        ({"inputs": []}, "x is the first input"),
    ],
)
def test_a_damaged_cell_is_refused_with_its_file(change, message, tmp_path):
    data = cell_to_data(dense(np.zeros((1, 1)), [0.0]).cell) | change
    layers = [{"cell": data, "inputs": 1, "units": 1, "name": "odd"}]
    structure = {"version": 2, "layers": layers, "returns": "last", "name": "", "metadata": {}}
    save_file({"layers.0.weight": np.zeros((1, 1))}, tmp_path / "net.safetensors", {"fxlstm": json.dumps(structure)})
    with pytest.raises(ModelError, match=message):
        load_network(tmp_path / "net.safetensors")


def test_files_of_the_first_version_are_read(tmp_path):
    layer = {"cell": "dense", "inputs": 2, "units": 1, "name": "head"}
    structure = {"version": 1, "layers": [layer], "returns": "last", "name": "old", "metadata": {}}
    tensors = {"layers.0.weight": np.array([[1.0], [2.0]]), "layers.0.bias": np.array([3.0])}
    save_file(tensors, tmp_path / "net.safetensors", {"fxlstm": json.dumps(structure)})
    assert load_network(tmp_path / "net.safetensors")([[1.0, 1.0]]) == [6.0]


def test_other_files_are_refused(network, tmp_path):
    path = tmp_path / "net.safetensors"
    with pytest.raises(ModelError, match="no file"):
        load_network(path)
    with pytest.raises(ModelError, match=r"suffix '\.npz'"):
        save_network(network, tmp_path / "net.npz")
    save_file({"a": np.zeros(2)}, path)
    with pytest.raises(ModelError, match="no fxlstm network"):
        load_network(path)


def test_a_file_cut_short_is_refused(network, tmp_path):
    path = tmp_path / "net.safetensors"
    save_network(network, path)
    whole = path.read_bytes()
    for length in (4, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="not a readable safetensors file"):
            load_network(path)


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"version": 1}', "damaged"),
        ('{"version": 3}', "format version 3"),
        ('{"version": 1, "layers": [], "returns": "last", "name": "", "metadata": null}', "damaged"),
        (json.dumps({"version": 1, "layers": [{"cell": "quantum"}]}), "'quantum', unknown to this release"),
        (json.dumps({"version": 1, "layers": [{"cell": "dense", "inputs": 3, "units": 1, "name": ""}]}), "lacks its parameter"),
        (json.dumps({"version": 1, "layers": [{"cell": "dense", "inputs": "3", "units": 1, "name": ""}]}), "has '3' inputs"),
    ],
)
def test_damaged_structure_is_refused_with_its_file(structure, message, tmp_path):
    path = tmp_path / "net.safetensors"
    save_file({"layers.0.weight": np.zeros((3, 1))}, path, {"fxlstm": structure})
    with pytest.raises(ModelError, match=message) as error:
        load_network(path)
    assert str(path) in str(error.value)


def test_what_cannot_be_saved_leaves_the_old_file(network, tmp_path):
    path = tmp_path / "net.safetensors"
    save_network(network, path)
    before = path.read_bytes()
    with pytest.raises(ModelError, match="not JSON"):
        save_network(Network(network.layers, metadata={"error": float("nan")}), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_to_is_named(network, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in ("absent", "file"):
        with pytest.raises(ModelError, match=rf"cannot write .*{folder}"):
            save_network(network, tmp_path / folder / "net.safetensors")
