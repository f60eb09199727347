"""``fxlstm import``, and files of other frameworks given to the other commands."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import fxlstm as fx

WEIGHT = np.array([[0.5, -0.25, 1.0], [0.125, 0.75, -0.5]], np.float32)


@pytest.fixture
def onnx_file(tmp_path):
    """A linear layer of two inputs and three classes, and a softmax."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "time", size]) for name, size in (("x", 2), ("y", 3)))
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z"], "head"), helper.make_node("Softmax", ["z"], ["y"], "classes", axis=-1)]
    graph = helper.make_graph(nodes, "classifier", [x], [y], [numpy_helper.from_array(WEIGHT, "w")])
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), path)
    return path


def test_import_writes_the_network_and_shows_its_layers(command, onnx_file, tmp_path, x):
    outcome = command("import", onnx_file, "-o", tmp_path / "net.safetensors")
    assert outcome.status == 0
    for word in (
        "layer",
        "cell",
        "inputs",
        "units",
        "weights",
        "dense",
        "9 weights",
        "softmax",
        "left to the host: fxlstm.softmax",
    ):
        assert word in outcome.out
    np.testing.assert_allclose(fx.load_network(tmp_path / "net.safetensors")(x), x @ WEIGHT)


def test_import_tells_scripts_what_it_found(command, onnx_file, tmp_path):
    found = json.loads(command("import", onnx_file, "-o", tmp_path / "net.safetensors", "--json").out)
    (layer,) = found["layers"]
    assert (layer["cell"], layer["inputs"], layer["units"], layer["weights"]) == ("dense", 2, 3, 9)
    assert (found["host_edge"], found["output"]) == ("softmax", str(tmp_path / "net.safetensors"))


def test_import_replaces_a_file_only_when_told_to(command, onnx_file, network_file):
    before = network_file.read_bytes()
    outcome = command("import", onnx_file, "-o", network_file)
    assert outcome.status == 1 and "--force" in outcome.err and network_file.read_bytes() == before
    assert command("import", onnx_file, "-o", network_file, "--force").status == 0
    assert network_file.read_bytes() != before


@pytest.mark.parametrize(
    ("content", "name", "word"),
    [
        (b"nothing", "net.onnx", "net.onnx"),
        (b"\x80\x04", "net.bin", "no code"),
        (b"", "net.h5", "is empty"),
        (b"x", "net.pt", "pickle"),
    ],
)
def test_import_writes_nothing_from_a_file_that_it_refuses(command, tmp_path, content, name, word):
    (tmp_path / name).write_bytes(content)
    outcome = command("import", tmp_path / name, "-o", tmp_path / "made.safetensors")
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert word in outcome.err and not (tmp_path / "made.safetensors").exists()


def test_import_shows_both_sides_of_an_encoder_decoder(command, network, tmp_path):
    sides = (fx.lstm(np.zeros((2, 12)), np.zeros((3, 12)), np.zeros(12)) for _ in range(2))
    encoder, decoder = (fx.Network((layer, fx.dense(np.zeros((3, 2)), np.zeros(2)))) for layer in sides)
    fx.save_network(fx.EncoderDecoder(encoder, decoder, {"lstm/h": "lstm/h", "lstm/c": "lstm/c"}), tmp_path / "pair.safetensors")
    outcome = command("import", tmp_path / "pair.safetensors", "-o", tmp_path / "net.safetensors")
    assert "encoder/lstm" in outcome.out and "decoder/dense" in outcome.out


def test_names_are_shown_as_they_stand(command, tmp_path):
    fx.save_network(fx.Network((fx.dense(np.eye(2), np.zeros(2), name="[/b]x[0]"),), name="[red]"), tmp_path / "odd.safetensors")
    outcome = command("import", tmp_path / "odd.safetensors", "-o", tmp_path / "net.safetensors")
    assert outcome.status == 0 and "[/b]x[0]" in outcome.out and "[red]: 6 weights" in outcome.out


def test_quantize_takes_any_file_of_a_network(command, onnx_file, inputs_file, x, tmp_path):
    assert command("quantize", onnx_file, "--calibrate", inputs_file, "-o", tmp_path / "made.fxl").status == 0
    program = fx.quantize(fx.load_network(onnx_file), calibration=x)
    assert (tmp_path / "made.fxl").read_bytes() == program.to_bytes()


def test_run_computes_a_network_in_float(command, onnx_file, inputs_file, x, tmp_path):
    outcome = command("run", onnx_file, inputs_file, "-o", tmp_path / "y.npy", "--json")
    assert json.loads(outcome.out)["array"] == "float"
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), fx.load_network(onnx_file)(x))


def test_a_float_network_is_not_run_on_an_array(command, onnx_file, inputs_file, tmp_path):
    outcome = command("run", onnx_file, inputs_file, "-o", tmp_path / "y.npy", "--array", "simulated")
    assert outcome.status == 1 and "fxlstm quantize" in outcome.err and not (tmp_path / "y.npy").exists()
