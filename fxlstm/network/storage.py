"""Networks in files: weights as tensors of a ``.safetensors`` file, structure as JSON in its metadata."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from fxlstm.errors import ModelError
from fxlstm.files import write_whole
from fxlstm.network.cells import CELLS, Cell
from fxlstm.network.cells.as_data import cell_from_data, cell_to_data
from fxlstm.network.directions import Backward, Bidirectional, Block
from fxlstm.network.layer import Layer
from fxlstm.network.network import Network

VERSION = 2
READABLE = (1, 2)  # 1 knows neither cells as data nor the options of networks and layers that have a default
PICKLES = (".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
_INITIAL = "initial."
_KEY = "fxlstm"  # the entry of the file's metadata that holds the structure


def save_network(network: Network, path: str | os.PathLike[str]) -> None:
    """Write ``network`` to a ``.safetensors`` file, replacing it whole or not at all.

    Tensors are called ``layers.<index>.<parameter>``, float64; the index counts all layers, those of a pair one after the other.
    Initial states are tensors ``initial.<layer>/<state>``. A cell outside the catalogue is written as its equations.
    Raises :class:`ModelError` for another suffix, metadata that is not JSON, or a place that cannot be written to.
    """
    path = _checked_suffix(path)
    structure = {
        "version": VERSION,
        "name": network.name,
        "returns": network.returns,
        "layers": [_describe_block(block) for block in network.layers],
        "metadata": dict(network.metadata),
        "reads_backward": network.reads_backward,
        "mask_value": network.mask_value,
    }
    try:
        text = json.dumps(structure, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"metadata of network {network.name!r} is not JSON ({error}); keep to text, finite numbers, lists"
        ) from error
    tensors = {
        f"layers.{index}.{key}": np.ascontiguousarray(array)
        for index, layer in enumerate(network.every_layer)
        for key, array in layer.parameters.items()
    } | {f"{_INITIAL}{name}": np.ascontiguousarray(values) for name, values in network.initial.items()}
    write_whole(path, lambda file: file.write(save(tensors, {_KEY: text})), ModelError)


def load_network(path: str | os.PathLike[str]) -> Network:
    """Return the network in a ``.safetensors`` file written by :func:`save_network`.

    Raises :class:`ModelError` for a file that is absent, damaged, of another kind or of a newer version.
    """
    path = _checked_suffix(path)
    if not path.is_file():
        raise ModelError(f"no file {str(path)!r}; check the path")
    try:
        with safe_open(path, framework="numpy") as file:
            header = (file.metadata() or {}).get(_KEY)
            tensors = {key: file.get_tensor(key) for key in file.keys()} if header else {}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError) as error:
        raise ModelError(f"{str(path)!r} is not a readable safetensors file ({error}); export the network again") from error
    if header is None:
        raise ModelError(f"{str(path)!r} holds tensors but no fxlstm network; save it with save_network")
    return _build(header, tensors, path)


def _describe_block(block: Block) -> dict[str, Any]:
    """Return what a file says of a layer or a pair beside its tensors."""
    if isinstance(block, Bidirectional):
        return {"merge": block.merge, "forward": _describe(block.forward), "backward": _describe(block.backward)}
    return {"backward_alone": _describe(block.layer)} if isinstance(block, Backward) else _describe(block)


def _describe(layer: Layer) -> dict[str, Any]:
    """Return what a file says of a layer beside its tensors."""
    cell = layer.cell.name if CELLS.get(layer.cell.name) == layer.cell else cell_to_data(layer.cell)
    options: dict[str, Any] = {"sizes": dict(layer.sizes)} if layer.sizes else {}
    options |= {"period": layer.period} if layer.period != 1 else {}
    return {"cell": cell, "inputs": layer.inputs, "units": layer.units, "name": layer.name, **options}


def _build(header: str, tensors: Mapping[str, Any], path: Path) -> Network:
    """Return the network of a parsed file; every complaint names the file."""
    try:
        structure = json.loads(header)
        if structure["version"] not in READABLE:
            raise ModelError(f"format version {structure['version']}, this release reads up to {VERSION}; update fxlstm")
        number = count()
        layers = tuple(_build_block(entry, number, tensors) for entry in structure["layers"])
        return Network(
            layers,
            structure["returns"],
            structure["name"],
            dict(structure["metadata"]),
            initial={key.removeprefix(_INITIAL): values for key, values in tensors.items() if key.startswith(_INITIAL)},
            reads_backward=structure.get("reads_backward", False),
            mask_value=structure.get("mask_value"),
        )
    except ModelError as error:
        raise ModelError(f"{str(path)!r}: {error}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{str(path)!r} has damaged network metadata ({error!r}); export the network again") from error


def _build_block(entry: Mapping[str, Any], number: Iterator[int], tensors: Mapping[str, Any]) -> Block:
    """Return a layer or a pair from its entry; ``number`` counts the layers."""
    if "merge" in entry:
        forward, backward = (_build_layer(entry[direction], next(number), tensors) for direction in ("forward", "backward"))
        return Bidirectional(forward, backward, entry["merge"])
    if "backward_alone" in entry:
        return Backward(_build_layer(entry["backward_alone"], next(number), tensors))
    return _build_layer(entry, next(number), tensors)


def _build_layer(entry: Mapping[str, Any], index: int, tensors: Mapping[str, Any]) -> Layer:
    """Return one layer from its entry in the metadata and its tensors."""
    prefix = f"layers.{index}."
    parameters = {key.removeprefix(prefix): array for key, array in tensors.items() if key.startswith(prefix)}
    cell = _build_cell(entry["cell"], index)
    sizes, period = entry.get("sizes", {}), entry.get("period", 1)
    return Layer(cell, entry["inputs"], entry["units"], parameters, entry["name"], sizes, period)


def _build_cell(entry: str | Mapping[str, Any], index: int) -> Cell:
    """Return a cell of the catalogue by its name, or the one that is written out."""
    if not isinstance(entry, str):
        return cell_from_data(entry)
    if entry not in CELLS:
        raise ModelError(f"layer {index} is a {entry!r}, unknown to this release; known cells: {', '.join(CELLS)}")
    return CELLS[entry]


def _checked_suffix(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if path.suffix.lower() in PICKLES:
        raise ModelError(
            f"{str(path)!r} is a pickle, which can run code, and no code is ever executed from a file; "
            f"load it in PyTorch where you trust it, then fxlstm.from_torch(module) and fxlstm.save_network"
        )
    if path.suffix != ".safetensors":
        raise ModelError(f"{str(path)!r} has the suffix {path.suffix!r}; networks are stored as .safetensors")
    return path
