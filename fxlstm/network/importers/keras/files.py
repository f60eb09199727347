"""Files that Keras writes: ``.keras`` archives and legacy ``.h5`` files, of Keras 3 and 2; settings and arrays, never code."""

from __future__ import annotations

import io
import json
import os
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from fxlstm.errors import ModelError
from fxlstm.network.importers.keras.arrays import Arrays, ByLayer, InArchive
from fxlstm.network.layers.layer import Array

LARGEST = 1 << 30  # bytes of a member of an archive and of an array; a file that declares more is no model for this
_FRAMEWORKS = ("keras", "tf_keras")


@dataclass(frozen=True)
class Stored:
    """A model as a file holds it: its configuration, the major version of Keras that wrote it, its arrays."""

    config: Mapping[str, Any]
    version: int
    arrays: Arrays


def read_model(model: Any) -> Stored:
    """Return what Keras writes of a model object; the framework that made the model does the writing."""
    if not any(base.__name__ == "Model" and base.__module__.split(".")[0] in _FRAMEWORKS for base in type(model).__mro__):
        raise ModelError(f"from_keras takes a Keras model or the path of a .keras or .h5 file, not {type(model).__name__}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        try:
            with warnings.catch_warnings():  # of a temporary file Keras has nothing to say that its user needs
                warnings.simplefilter("ignore")
                model.save(path)
        except Exception as error:  # whatever a custom layer's own get_config raises
            raise ModelError(
                f"model {getattr(model, 'name', '')!r} cannot be written by its Keras ({error}); build it first, of Keras layers"
            ) from error
        return read_file(path)


def read_file(path: str | os.PathLike[str]) -> Stored:
    """Return the model in a ``.keras`` or ``.h5`` file.

    Raises :class:`ModelError` for a file that is absent, of another kind, or holds weights without a model, and whatever zipfile,
    json and h5py raise for a damaged one.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError("there is no such file; check the path")
    if zipfile.is_zipfile(path):
        return _read_archive(path)
    if not h5py.is_hdf5(path):
        raise ModelError("is neither a .keras archive nor an HDF5 file; save the model with model.save('name.keras')")
    with h5py.File(path, "r") as file:
        return _read_legacy(file)


def _read_archive(path: Path) -> Stored:
    with zipfile.ZipFile(path) as archive:
        config, metadata = (_parsed(_member(archive, name)) for name in ("config.json", "metadata.json"))
        with h5py.File(io.BytesIO(_member(archive, "model.weights.h5")), "r") as file:
            arrays = {name: _array(dataset) for name, dataset in _datasets(file).items() if _is_weight(name)}
    return Stored(config, _major(metadata.get("keras_version")), InArchive(arrays))


def _is_weight(path: str) -> bool:
    """Return whether an array of an archive is a weight: not the optimizer's, not a random seed."""
    return not path.startswith("optimizer/") and "seed_generator/" not in path


def _read_legacy(file: h5py.File) -> Stored:
    if "model_config" not in file.attrs:
        raise ModelError("holds weights but no model; save the whole model with model.save('name.keras')")
    config = _parsed(file.attrs["model_config"])
    datasets = _datasets(file)
    arrays: dict[str, list[Array]] = {}
    for layer in _names(file["model_weights"], "layer_names"):
        names = _names(file["model_weights"][layer], "weight_names")
        if missing := [name for name in names if f"model_weights/{layer}/{name}" not in datasets]:
            raise ModelError(f"layer {layer!r} lacks its array {missing[0]!r}; save the model again")
        arrays[layer] = [_array(datasets[f"model_weights/{layer}/{name}"]) for name in names]
    return Stored(config, _major(file.attrs.get("keras_version")), ByLayer(arrays))


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if name not in archive.namelist():
        raise ModelError(f"is a zip file without {name}, not a Keras model; save the model with model.save('name.keras')")
    if archive.getinfo(name).file_size > LARGEST:
        raise ModelError(f"declares {archive.getinfo(name).file_size} bytes for {name}; at most {LARGEST} are read")
    return archive.read(name)


def _parsed(text: str | bytes) -> Mapping[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ModelError(f"has {type(value).__name__} where a model's settings should stand; save the model again")
    return value


def _major(version: Any) -> int:
    """Return the major version of the Keras that wrote a file."""
    text = version.decode() if isinstance(version, bytes) else str(version)
    major = text.split(".")[0]
    if major not in ("2", "3"):
        raise ModelError(f"was written by Keras {text}; versions 2 and 3 are read")
    return int(major)


def _names(group: h5py.Group, key: str) -> list[str]:
    """Return a list of names from an attribute, which Keras cuts into numbered pieces where it is long."""
    pieces = [key] if key in group.attrs else []
    while pieces[:1] != [key] and f"{key}{len(pieces)}" in group.attrs:
        pieces.append(f"{key}{len(pieces)}")
    values = [value for piece in pieces for value in group.attrs[piece]]
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Return every dataset by its path; links to other files are not followed."""
    found: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item

    file.visititems(visit)
    return found


def _array(dataset: h5py.Dataset) -> Array:
    """Return a dataset's numbers; it must hold them itself, as floats, or be one number, a count."""
    if dataset.is_virtual or dataset.external:
        raise ModelError(f"the array {dataset.name!r} stands in another file; save the model again, whole")
    if dataset.dtype.kind != "f" and dataset.shape != ():
        raise ModelError(
            f"the array {dataset.name!r} holds {dataset.dtype}, not floats; save the model in float32, before it is quantized"
        )
    if dataset.size * dataset.dtype.itemsize > LARGEST:
        raise ModelError(f"the array {dataset.name!r} declares the shape {dataset.shape}; at most {LARGEST} bytes are read")
    return np.asarray(dataset[()], dtype=np.float64)
