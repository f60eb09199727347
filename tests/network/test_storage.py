"""Networks in files: what is saved is what is loaded, anything else is refused."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from fxlstm.errors import ModelError
from fxlstm.network import Cell, Layer, Network, bidirectional, dense, load_network, lstm, save_network
from fxlstm.network.cells import Multiply


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


def test_other_files_are_refused(network, tmp_path):
    path = tmp_path / "net.safetensors"
    with pytest.raises(ModelError, match="no file"):
        load_network(path)
    with pytest.raises(ModelError, match=r"suffix '\.onnx'"):
        load_network(tmp_path / "net.onnx")
    with pytest.raises(ModelError, match=r"suffix '\.npz'"):
        save_network(network, tmp_path / "net.npz")
    save_file({"a": np.zeros(2)}, path)
    with pytest.raises(ModelError, match="no fxlstm network"):
        load_network(path)


def test_a_file_cut_short_is_refused(network, tmp_path):
    path = tmp_path / "net.safetensors"
    save_network(network, path)
    whole = path.read_bytes()
    for length in (0, 4, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="not a readable safetensors file"):
            load_network(path)


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"version": 1}', "damaged"),
        ('{"version": 2}', "format version 2"),
        ('{"version": 1, "layers": [], "returns": "last", "name": "", "metadata": null}', "damaged"),
        (json.dumps({"version": 1, "layers": [{"cell": "quantum"}]}), "'quantum', unknown to this release"),
        (json.dumps({"version": 1, "layers": [{"cell": "dense", "inputs": 3, "units": 1, "name": ""}]}), "lacks its parameter"),
        (json.dumps({"version": 1, "layers": [{"cell": "dense", "inputs": "3", "units": 1, "name": ""}]}), "damaged"),
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
    private = Cell("private", (Multiply(("y",), ("x",)),), "y")
    with pytest.raises(ModelError, match=r"not listed in network\.cells\.CELLS"):
        save_network(Network([Layer(private, 1, 1, {"weight": [[1.0]], "bias": [0.0]})]), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_to_is_named(network, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in ("absent", "file"):
        with pytest.raises(ModelError, match=rf"cannot write .*{folder}"):
            save_network(network, tmp_path / folder / "net.safetensors")
