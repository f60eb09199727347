"""Layers and networks as JSON and named tensors, and back: what files hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from fxlstm.errors import ModelError
from fxlstm.network.arrays import Array
from fxlstm.network.cells import CELLS, Cell
from fxlstm.network.cells.as_data import cell_from_data, cell_to_data
from fxlstm.network.cells.catalogue import WITH_MORE_INPUTS
from fxlstm.network.directions import Backward, Bidirectional, Block
from fxlstm.network.layer import Layer
from fxlstm.network.network import Network
from fxlstm.network.timing import TimeGate

Entry = Mapping[str, Any]  # an object of the JSON
Tensors = Mapping[str, Array]

_KNOWN = {**CELLS, **WITH_MORE_INPUTS}
_INITIAL = "initial."
_TIME_GATE = ("period", "phase", "open_ratio")


def describe_network(network: Network) -> dict[str, Any]:
    """Return what a file says of a network beside its tensors."""
    return {
        "name": network.name,
        "returns": network.returns,
        "layers": [_describe_block(block) for block in network.layers],
        "metadata": dict(network.metadata),
        "reads_backward": network.reads_backward,
        "mask_value": network.mask_value,
        "feeds_back": network.feeds_back,
    }


def network_tensors(network: Network) -> dict[str, Array]:
    """Return a network's tensors: its layers', and initial states as ``initial.<layer>/<state>``."""
    initial = {f"{_INITIAL}{name}": values for name, values in network.initial.items()}
    return layer_tensors(network.every_layer) | initial


def build_network(entry: Entry, tensors: Tensors) -> Network:
    """Return the network of an entry and its tensors; damaged entries raise ``KeyError``, ``TypeError`` and the like."""
    number = count()
    return Network(
        tuple(_build_block(block, number, tensors) for block in entry["layers"]),
        entry["returns"],
        entry["name"],
        dict(entry["metadata"]),
        initial=below(tensors, _INITIAL),
        reads_backward=entry.get("reads_backward", False),
        mask_value=entry.get("mask_value"),
        feeds_back=entry.get("feeds_back", False),
    )


def layer_tensors(layers: Sequence[Layer]) -> dict[str, Array]:
    """Return the tensors of layers: ``layers.<index>.<parameter>``, and ``time_gates.<index>.<array>`` of those that have one."""
    tensors = {f"layers.{index}.{key}": array for index, layer in enumerate(layers) for key, array in layer.parameters.items()}
    for index, layer in enumerate(layers):
        if layer.time_gate is not None:
            tensors |= {f"time_gates.{index}.{key}": getattr(layer.time_gate, key) for key in _TIME_GATE}
    return {name: np.ascontiguousarray(array) for name, array in tensors.items()}


def below(tensors: Tensors, prefix: str) -> dict[str, Array]:
    """Return the tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}


def _describe_block(block: Block) -> dict[str, Any]:
    """Return what a file says of a layer or a pair beside its tensors."""
    match block:
        case Bidirectional():
            pair = {"forward": describe_layer(block.forward), "backward": describe_layer(block.backward)}
            return {"merge": block.merge, **pair}
        case Backward():
            return {"backward_alone": describe_layer(block.layer)}
    return describe_layer(block)


def _build_block(entry: Entry, number: Iterator[int], tensors: Tensors) -> Block:
    """Return a layer or a pair from its entry; ``number`` counts the layers."""
    if "merge" in entry:
        forward, backward = (build_layer(entry[direction], next(number), tensors) for direction in ("forward", "backward"))
        return Bidirectional(forward, backward, entry["merge"])
    if "backward_alone" in entry:
        return Backward(build_layer(entry["backward_alone"], next(number), tensors))
    return build_layer(entry, next(number), tensors)


def describe_layer(layer: Layer) -> dict[str, Any]:
    """Return what a file says of a layer beside its tensors; its cell by name where the catalogue has it, else as data."""
    cell = layer.cell.name if _KNOWN.get(layer.cell.name) == layer.cell else cell_to_data(layer.cell)
    options: dict[str, Any] = {"sizes": dict(layer.sizes)} if layer.sizes else {}
    options |= {"period": layer.period} if layer.period != 1 else {}
    options |= {"leak": layer.time_gate.leak} if layer.time_gate is not None else {}
    return {"cell": cell, "inputs": layer.inputs, "units": layer.units, "name": layer.name, **options}


def build_layer(entry: Entry, index: int, tensors: Tensors) -> Layer:
    """Return one layer from its entry and its tensors; ``index``: its number in their names."""
    cell = _build_cell(entry["cell"], index)
    parameters, gate = below(tensors, f"layers.{index}."), None
    if "leak" in entry:
        arrays = below(tensors, f"time_gates.{index}.")
        gate = TimeGate(arrays["period"], arrays["phase"], arrays["open_ratio"], entry["leak"])
    sizes, period = entry.get("sizes", {}), entry.get("period", 1)
    return Layer(cell, entry["inputs"], entry["units"], parameters, entry["name"], sizes, period, gate)


def _build_cell(entry: str | Entry, index: int) -> Cell:
    """Return a cell of the catalogue by its name, or the one that is written out."""
    if not isinstance(entry, str):
        return cell_from_data(entry)
    if entry not in _KNOWN:
        raise ModelError(f"layer {index} is a {entry!r}, unknown to this release; known cells: {', '.join(_KNOWN)}")
    return _KNOWN[entry]
