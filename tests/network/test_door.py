"""One door for files of networks: known by their content, refused with what to do, frameworks imported only for their own files."""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import fxlstm as fx

KERAS = Path(__file__).parent / "keras2"
X = np.random.default_rng(0).normal(size=(2, 5, 3))


def dense_onnx() -> onnx.ModelProto:
    """The smallest model: a linear layer."""
    weight = numpy_helper.from_array(np.eye(3, 2, dtype=np.float32), "weight")
    sequence = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "time", size]) for name, size in (("x", 3), ("y", 2))
    ]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weight"], ["y"], "head")], "model", sequence[:1], sequence[1:], [weight]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


@pytest.fixture
def files(tmp_path) -> dict[str, Path]:
    """A file of each kind."""
    paths = {suffix: tmp_path / f"net{suffix}" for suffix in (".safetensors", ".onnx", ".keras", ".h5", ".hdf5")}
    fx.save_network(fx.Network((fx.dense(np.eye(3, 2), np.zeros(2)),)), paths[".safetensors"])
    onnx.save(dense_onnx(), paths[".onnx"])
    paths[".keras"].write_bytes((KERAS / "lstm.keras").read_bytes())
    for suffix in (".h5", ".hdf5"):
        paths[suffix].write_bytes((KERAS / "lstm.h5").read_bytes())
    return paths


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
def test_networks_come_from_files_of_each_kind(files, suffix):
    np.testing.assert_allclose(fx.load_network(files[suffix])(X), X[..., :2])


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".hdf5"])
def test_files_of_keras_are_read_as_from_keras_reads_them(files, suffix):
    network = fx.load_network(str(files[suffix]))
    x = np.random.default_rng(0).normal(size=(2, 5, network.inputs))
    np.testing.assert_array_equal(network(x), fx.from_keras(files[suffix])(x))


@pytest.mark.parametrize(
    ("held", "called", "message"),
    [
        (".h5", "net.onnx", r"has the suffix '.onnx' but is an HDF5 file; call it .h5"),
        (".onnx", "net.safetensors", r"has the suffix '.safetensors' but is an ONNX model; call it .onnx"),
        (".safetensors", "net.keras", r"has the suffix '.keras' but is a safetensors file; call it .safetensors"),
        (".keras", "net.h5", r"has the suffix '.h5' but is a Keras archive; call it .keras"),
        (".onnx", "net.bin", r"has the suffix '.bin' but is an ONNX model"),
        (".onnx", "net", r"has the suffix '' but is an ONNX model"),
    ],
)
def test_a_wrong_suffix_is_named(files, tmp_path, held, called, message):
    wrong = tmp_path / "other" / called
    wrong.parent.mkdir()
    wrong.write_bytes(files[held].read_bytes())
    with pytest.raises(fx.ModelError, match=message):
        fx.load_network(wrong)


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx", ".keras", ".h5"])
@pytest.mark.parametrize("content", [b"no network", b"\0" * 100, b"PK\x03\x04 cut short", bytes(range(256))])
def test_another_content_is_refused_by_the_suffix(tmp_path, suffix, content):
    path = tmp_path / f"net{suffix}"
    path.write_bytes(content)
    with pytest.raises(fx.ModelError, match=r"net\."):
        fx.load_network(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx", ".keras", ".h5"])
def test_a_file_cut_short_is_refused(files, suffix):
    whole = files[suffix].read_bytes()
    for length in (1, 9, 17, len(whole) // 2, len(whole) - 1):
        files[suffix].write_bytes(whole[:length])
        with pytest.raises(fx.ModelError, match=r"net\."):
            fx.load_network(files[suffix])


@pytest.mark.parametrize("name", ["net.pt", "net.pth", "net.PT", "net.ckpt", "net.pkl", "net.pickle", "net.joblib"])
def test_pickles_are_refused_unopened(tmp_path, name):
    with pytest.raises(fx.ModelError, match=r"is a pickle, .*no code is ever executed from a file; .*from_torch.*save_network"):
        fx.load_network(tmp_path / name)


class Trap:
    """What a pickle may hold."""

    def __reduce__(self):
        return Path.touch, (Path("executed"),)


@pytest.mark.parametrize("name", ["net.safetensors", "net.onnx", "net.keras", "net.bin"])
@pytest.mark.parametrize("as_archive", [True, False])
def test_pickles_under_another_name_are_refused_and_nothing_runs(tmp_path, monkeypatch, name, as_archive):
    monkeypatch.chdir(tmp_path)
    torch.save(Trap(), name, _use_new_zipfile_serialization=as_archive)
    with pytest.raises(fx.ModelError, match="pickle, which can run code"):
        fx.load_network(name)
    assert not Path("executed").exists()


def test_other_files_that_people_try(tmp_path):
    program = fx.quantize(fx.Network((fx.dense(np.eye(3), np.zeros(3)),)), calibration=X)
    program.save(tmp_path / "net.fxl")
    np.save(tmp_path / "net.npy", X)
    np.savez(tmp_path / "net.npz", x=X)
    torch.export.save(torch.export.export(nn.Sequential(nn.Linear(3, 2)), (torch.zeros(2, 5, 3),)), tmp_path / "net.pt2")
    (tmp_path / "net.json").write_text("{}")
    (tmp_path / "net.tflite").write_bytes(b"\x1c\0\0\0TFL3")
    (tmp_path / "net.txt").write_text("a text")
    with zipfile.ZipFile(tmp_path / "net.zip", "w") as archive:
        archive.writestr("readme", "nothing")
    for name, message in {
        "net.fxl": "fxlstm.Program.load",
        "net.npy": "an array of NumPy",
        "net.npz": "an array of NumPy",
        "net.pt2": "torch.export.load",
        "net.json": "JSON text without weights",
        "net.tflite": "TensorFlow Lite",
        "net.txt": "of no kind that is known; networks are read from .safetensors, .keras, .h5, .hdf5, .onnx",
        "net.zip": "of no kind that is known",
        "none.onnx": "no file",
    }.items():
        with pytest.raises(fx.ModelError, match=message):
            fx.load_network(tmp_path / name)


@pytest.mark.parametrize("name", ["net", "net.keras", "net.onnx"])
def test_folders_are_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(fx.ModelError, match=r"is a folder; .*SavedModel"):
        fx.load_network(tmp_path / name)


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx", ".keras", ".h5"])
def test_empty_files_are_refused(tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    path.touch()
    with pytest.raises(fx.ModelError, match="is empty"):
        fx.load_network(path)


@pytest.mark.parametrize(
    ("suffix", "needed"), [(".safetensors", set()), (".onnx", {"onnx"}), (".keras", {"h5py"}), (".h5", {"h5py"})]
)
def test_a_file_brings_in_nothing_but_what_reads_it(files, suffix, needed):
    script = f"import sys, fxlstm; fxlstm.load_network({str(files[suffix])!r}); print(*sys.modules)"
    loaded = set(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split())
    assert loaded & {"onnx", "h5py", "keras", "tensorflow", "torch"} == needed
