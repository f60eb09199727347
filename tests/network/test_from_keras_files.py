"""Files of Keras 3 and Keras 2: read without Keras, equal to what Keras predicted, and refused where they are anything else."""

import io
import json
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from random_keras import keras, layers, predicted, quietly

import fxlstm as fx

KERAS_2 = sorted(path for path in Path(__file__).with_name("keras2").iterdir() if path.suffix in (".keras", ".h5"))


@pytest.mark.parametrize("path", KERAS_2, ids=lambda path: path.name)
def test_a_file_of_keras_2_equals_what_keras_2_predicted(path):
    network, data = fx.from_keras(path), np.load(path.with_suffix(".npz"))
    outputs = network(data["x"].reshape(*data["x"].shape[:2], -1))
    if network.metadata.get("host_edge") == "softmax":
        outputs = fx.softmax(outputs)
    np.testing.assert_allclose(outputs, data["y"].reshape(outputs.shape), atol=1e-6)


def test_hard_sigmoid_is_that_of_the_keras_that_wrote_the_file():
    """The slopes are 0.2 and 1/6."""
    cells = {cell.name for path in KERAS_2 if path.stem == "hard" for cell in map(cell_of, fx.from_keras(path).every_layer)}
    assert any("hard_sigmoid(0.2, 0.5)" in name for name in cells)
    model = keras.Sequential([keras.Input((4, 2)), layers.LSTM(3, recurrent_activation="hard_sigmoid")])
    assert f"hard_sigmoid({1 / 6}, 0.5)" in fx.from_keras(model).every_layer[0].cell.name


def cell_of(layer):
    return layer.cell


def small_model():
    parts = [
        layers.Masking(0.0),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode="sum"),
        layers.RNN([layers.GRUCell(3), layers.LSTMCell(5)], return_sequences=True),
        layers.TimeDistributed(layers.Dense(3, activation="tanh")),
        layers.LSTM(4, return_sequences=True, trainable=False),
        layers.LSTM(4),
        layers.Dense(2),
    ]
    return keras.Sequential([keras.Input((6, 3)), *parts])


def nested_model():
    """Models within a model, the second without arrays."""
    inner = keras.Sequential([layers.Input((6, 3)), layers.LSTM(4, return_sequences=True), layers.LSTM(4, return_sequences=True)])
    empty = keras.Sequential([layers.Input((6, 4)), layers.Dropout(0.5)])
    last = keras.Sequential([layers.Input((6, 4)), layers.LSTM(4), layers.Dense(2)])
    front = keras.Input((6, 3))
    return keras.Model(front, last(empty(inner(front))))


@pytest.fixture(scope="module", params=[small_model, nested_model], ids=["small", "nested"])
def saved(request, tmp_path_factory):
    """A folder with a model of Keras 3 in both forms, an input, and what Keras predicts."""
    model, folder = request.param(), tmp_path_factory.mktemp("keras3")
    for suffix in ("keras", "h5"):
        quietly(model.save, folder / f"model.{suffix}")
    x = np.random.default_rng(0).normal(size=(3, 6, 3)).astype(np.float32)
    x[0, 4:] = 0
    return folder, x, predicted(model, x)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("kind", [str, Path])
def test_both_files_of_keras_3_equal_the_model(saved, suffix, kind):
    folder, x, expected = saved
    np.testing.assert_allclose(fx.from_keras(kind(folder / f"model.{suffix}"))(x), expected, atol=1e-6)


def test_a_file_is_read_without_keras_and_h5py_is_imported_only_then(saved):
    script = (
        "import sys, fxlstm, fxlstm.network.importers; fxlstm.from_keras; assert 'h5py' not in sys.modules;"
        f"fxlstm.from_keras({str(saved[0] / 'model.keras')!r}); print('keras' in sys.modules, 'tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False False\n"


def test_without_h5py_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    for name in [name for name in sys.modules if name.startswith("fxlstm.network.importers.keras")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("fxlstm.network.importers.keras", raising=False)
    with pytest.raises(fx.ModelError, match=re.escape("pip install 'fxlstm[keras]'")):
        fx.from_keras("model.keras")


class Archive:
    """A ``.keras`` file taken apart: change ``config``, ``metadata`` or ``weights``, and write it again."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as archive:
            self.config, self.metadata = (json.loads(archive.read(name)) for name in ("config.json", "metadata.json"))
            self.weights = archive.read("model.weights.h5")

    def change_weights(self, change):
        buffer = io.BytesIO(self.weights)
        with h5py.File(buffer, "r+") as file:
            change(file)
        self.weights = buffer.getvalue()

    def write(self, path):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps(self.config))
            archive.writestr("metadata.json", json.dumps(self.metadata))
            archive.writestr("model.weights.h5", self.weights)
        return path


@pytest.fixture
def archive(tmp_path):
    """A one-layer model that each test damages in its own way."""
    model = keras.Sequential([keras.Input((6, 3)), layers.LSTM(4, name="body")])
    quietly(model.save, tmp_path / "good.keras")
    return Archive(tmp_path / "good.keras")


KERNEL = "layers/lstm/cell/vars/0"


def replaced(path, array, **options):
    def change(file):
        del file[path]
        file.create_dataset(path, data=array, **options)

    return change


def linked(link):
    def change(file):
        del file[KERNEL]
        file[KERNEL] = link

    return change


def virtual(file):
    layout = h5py.VirtualLayout((3, 16), "f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "kernel", (3, 16))
    del file[KERNEL]
    file.create_virtual_dataset(KERNEL, layout)


def declared_huge(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, (1 << 20, 1 << 20), "f4", chunks=(1024, 1024))


WEIGHTS = [
    (replaced(KERNEL, np.full((3, 16), np.nan)), "layer 'body', kernel holds nan at index"),
    (replaced(KERNEL, np.zeros((3, 12))), "layer 'body': kernel has shape .3, 12. and recurrent"),
    (replaced(KERNEL, np.zeros((3, 15))), "layer 'body' has an array of shape .3, 15.; its last axis needs 4 equal blocks"),
    (replaced(KERNEL, np.zeros(16)), "layer 'body': .*kernel has shape"),
    (replaced(KERNEL, np.zeros((3, 16), np.int8)), "holds int8, not floats"),
    (lambda file: file.__delitem__(KERNEL), "layer 'body' has 2 arrays, its settings need 3"),
    (lambda file: file.__delitem__("layers"), "layer 'body' has 0 arrays"),
    (lambda file: file.move(KERNEL, "layers/lstm/cell/vars/7"), "layer 'body' lacks its array layers/lstm/cell/vars/0"),
    (linked(h5py.ExternalLink("/etc/hostname", "x")), "layer 'body' has 2 arrays"),
    (virtual, "stands in another file"),
    (declared_huge, "declares the shape .1048576, 1048576."),
]


@pytest.mark.parametrize(("change", "message"), WEIGHTS, ids=[message for _, message in WEIGHTS])
def test_bad_arrays_are_refused(archive, tmp_path, change, message):
    archive.change_weights(change)
    with pytest.raises(fx.ModelError, match=f"bad.keras': .*{message}"):
        fx.from_keras(archive.write(tmp_path / "bad.keras"))


def body(config):
    return config["config"]["layers"][1]


def in_a_pair_of_one_direction(config):
    layer = dict(body(config))
    body(config).update(class_name="Bidirectional", config={"name": "body", "layer": layer, "backward_layer": layer})


SETTINGS = [
    (lambda config: config.update(class_name="Tower"), "is a Tower, which computes what its code says"),
    (lambda config: config.update(module="somebody.models", registered_name="own>Sequential"), "is of a class of its own"),
    (lambda config: body(config).update(module="somebody.layers"), "layer 'body': is of a class of its own, LSTM"),
    (lambda config: body(config).update(registered_name="own>LSTM"), "layer 'body': is of a class of its own, own>LSTM"),
    (lambda config: body(config).update(class_name="Lambda"), "layer 'body': Lambda is not supported"),
    (lambda config: body(config).update(class_name=["LSTM"]), "layer 'body': says no class"),
    (lambda config: body(config).update(config=None), "has no settings"),
    (lambda config: body(config)["config"].update(activation={"class_name": "function", "config": "own"}), "activation 'own'"),
    (lambda config: body(config)["config"].pop("activation"), "is damaged .KeyError"),
    (lambda config: config["config"].update(layers=7), "lists no layers"),
    (lambda config: config.update(config=7), "layer 'model': has no settings"),
    (lambda config: body(config)["config"].update(go_backwards=True, time_major=True), "has time_major=True"),
    (in_a_pair_of_one_direction, "layer 'body': is Bidirectional over two layers of one direction"),
]


@pytest.mark.parametrize(("change", "message"), SETTINGS, ids=[message for _, message in SETTINGS])
def test_bad_settings_are_refused(archive, tmp_path, change, message):
    change(archive.config)
    with pytest.raises(fx.ModelError, match=f"bad.keras'.*{message}"):
        fx.from_keras(archive.write(tmp_path / "bad.keras"))


def places(value, path=()):
    """Every place in parsed JSON."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def test_settings_of_any_form_are_read_or_refused(saved, tmp_path):
    """Whatever stands in a place of the settings, nothing but a ModelError is raised."""
    rng, strange = np.random.default_rng(1), [None, True, -1, 0.5, 10**12, "", "LSTM", "relu", [], [1], {}, {"config": {}}]
    for _ in range(60):
        archive = Archive(saved[0] / "model.keras")
        found = [path for path in places(archive.config) if "initializer" not in str(path)]
        *path, last = found[rng.integers(len(found))]
        inner = archive.config
        for key in path:
            inner = inner[key]
        inner[last] = strange[rng.integers(len(strange))]
        try:
            fx.from_keras(archive.write(tmp_path / "strange.keras"))
        except fx.ModelError as error:
            assert "strange.keras" in str(error)


@pytest.mark.parametrize("version", ["1.2.2", "4.0.0", None])
def test_other_versions_are_refused(archive, tmp_path, version):
    archive.metadata["keras_version"] = version
    with pytest.raises(fx.ModelError, match=f"was written by Keras {version}; versions 2 and 3 are read"):
        fx.from_keras(archive.write(tmp_path / "bad.keras"))


def test_files_of_another_kind_are_refused(tmp_path):
    """A pickle under any name is bytes of another kind: nothing of it is run."""
    (tmp_path / "pickle.keras").write_bytes(pickle.dumps({"weights": [1.0]}))
    (tmp_path / "empty.h5").write_bytes(b"")
    for name in ("pickle.keras", "empty.h5"):
        with pytest.raises(fx.ModelError, match=f"{name}': is neither a .keras archive nor an HDF5 file"):
            fx.from_keras(tmp_path / name)
    with pytest.raises(fx.ModelError, match="there is no such file"):
        fx.from_keras(tmp_path / "absent.keras")
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as file:
        file.writestr("data.pkl", b"")
    with pytest.raises(fx.ModelError, match=r"is a zip file without config.json, not a Keras model"):
        fx.from_keras(tmp_path / "other.keras")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1.0
    with pytest.raises(fx.ModelError, match="holds weights but no model; save the whole model"):
        fx.from_keras(tmp_path / "other.h5")


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_a_truncated_or_flipped_file_is_refused_or_read_but_never_raises_anything_else(saved, tmp_path, name):
    data = (saved[0] / name).read_bytes()
    rng, path = np.random.default_rng(0), tmp_path / name
    for count in range(40):
        changed = bytearray(data[: rng.integers(len(data))] if count % 2 else data)
        if not count % 2:
            for place in rng.integers(len(changed), size=30):
                changed[place] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        try:
            fx.from_keras(path)
        except fx.ModelError as error:
            assert name in str(error)


def test_a_legacy_file_whose_arrays_do_not_fit_its_settings_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((6, 3)), layers.LSTM(4, name="body")])
    quietly(model.save, tmp_path / "good.h5")
    config = json.loads(h5py.File(tmp_path / "good.h5").attrs["model_config"])
    config["config"]["layers"][1]["config"]["use_bias"] = False
    with h5py.File(tmp_path / "good.h5", "r+") as file:
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(fx.ModelError, match="layer 'body' has 1 arrays more than its settings need"):
        fx.from_keras(tmp_path / "good.h5")
