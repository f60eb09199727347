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
from fxlstm.network.layers.layer import Layer
from fxlstm.network.layers.timing import TimeGate
from fxlstm.network.network import Network
from fxlstm.network.topologies.directions import Backward, Bidirectional, Block
from fxlstm.network.topologies.encoder_decoder import EncoderDecoder
from fxlstm.network.topologies.trees import TreeNetwork

Entry = Mapping[str, Any]  # an object of the JSON
Tensors = Mapping[str, Array]
Model = Network | TreeNetwork | EncoderDecoder

_KNOWN = {**CELLS, **WITH_MORE_INPUTS}
_INITIAL = "initial."
_SIDES = ("encoder", "decoder")
_TIME_GATE = ("period", "phase", "open_ratio")


def describe(model: Model) -> dict[str, Any]:
    """Return what a file says of a network of any kind beside its tensors."""
    if isinstance(model, Network):
        return {"kind": "network", **_describe_network(model)}
    common = {"name": model.name, "metadata": dict(model.metadata)}
    if isinstance(model, TreeNetwork):
        return {"kind": "tree", **common, "layers": [_describe_layer(layer) for layer in model.every_layer]}
    sides = {side: _describe_network(getattr(model, side)) for side in _SIDES}
    return {"kind": "encoder-decoder", **common, **sides, "bridge": dict(model.bridge), "feed": model.feed}


def tensors_of(model: Model) -> dict[str, Array]:
    """Return the tensors of a network of any kind; those of an encoder and a decoder begin with ``encoder.`` and ``decoder.``."""
    if isinstance(model, Network):
        return _network_tensors(model)
    if isinstance(model, TreeNetwork):
        return _layer_tensors(model.every_layer)
    return {f"{side}.{name}": array for side in _SIDES for name, array in _network_tensors(getattr(model, side)).items()}


def build(entry: Entry, tensors: Tensors) -> Model:
    """Return the network of an entry and its tensors; damaged entries raise ``KeyError``, ``TypeError`` and the like."""
    match entry.get("kind", "network"):
        case "network":
            return _build_network(entry, tensors)
        case "tree":
            layer, *head = (_build_layer(part, index, tensors) for index, part in enumerate(entry["layers"]))
            return TreeNetwork(layer, tuple(head), entry["name"], dict(entry["metadata"]))
        case "encoder-decoder":
            encoder, decoder = (_build_network(entry[side], _below(tensors, f"{side}.")) for side in _SIDES)
            options = entry["name"], dict(entry["metadata"])
            return EncoderDecoder(encoder, decoder, dict(entry["bridge"]), entry["feed"], *options)
        case kind:
            raise ModelError(f"a network of the kind {kind!r}, unknown to this release; update fxlstm")


def _describe_network(network: Network) -> dict[str, Any]:
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


def _network_tensors(network: Network) -> dict[str, Array]:
    """Return a network's tensors: its layers', and initial states as ``initial.<layer>/<state>``."""
    initial = {f"{_INITIAL}{name}": values for name, values in network.initial.items()}
    return _layer_tensors(network.every_layer) | initial


def _build_network(entry: Entry, tensors: Tensors) -> Network:
    """Return one network from its entry and its tensors."""
    number = count()
    return Network(
        tuple(_build_block(block, number, tensors) for block in entry["layers"]),
        entry["returns"],
        entry["name"],
        dict(entry["metadata"]),
        initial=_below(tensors, _INITIAL),
        reads_backward=entry.get("reads_backward", False),
        mask_value=entry.get("mask_value"),
        feeds_back=entry.get("feeds_back", False),
    )


def _layer_tensors(layers: Sequence[Layer]) -> dict[str, Array]:
    """Return the tensors of layers: ``layers.<index>.<parameter>``, and ``time_gates.<index>.<array>`` of those that have one."""
    tensors = {f"layers.{index}.{key}": array for index, layer in enumerate(layers) for key, array in layer.parameters.items()}
    for index, layer in enumerate(layers):
        if layer.time_gate is not None:
            tensors |= {f"time_gates.{index}.{key}": getattr(layer.time_gate, key) for key in _TIME_GATE}
    return {name: np.ascontiguousarray(array) for name, array in tensors.items()}


def _below(tensors: Tensors, prefix: str) -> dict[str, Array]:
    """Return the tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}


def _describe_block(block: Block) -> dict[str, Any]:
    """Return what a file says of a layer or a pair beside its tensors."""
    match block:
        case Bidirectional():
            pair = {"forward": _describe_layer(block.forward), "backward": _describe_layer(block.backward)}
            return {"merge": block.merge, **pair}
        case Backward():
            return {"backward_alone": _describe_layer(block.layer)}
    return _describe_layer(block)


def _build_block(entry: Entry, number: Iterator[int], tensors: Tensors) -> Block:
    """Return a layer or a pair from its entry; ``number`` counts the layers."""
    if "merge" in entry:
        forward, backward = (_build_layer(entry[direction], next(number), tensors) for direction in ("forward", "backward"))
        return Bidirectional(forward, backward, entry["merge"])
    if "backward_alone" in entry:
        return Backward(_build_layer(entry["backward_alone"], next(number), tensors))
    return _build_layer(entry, next(number), tensors)


def _describe_layer(layer: Layer) -> dict[str, Any]:
    """Return what a file says of a layer beside its tensors; its cell by name where the catalogue has it, else as data."""
    cell = layer.cell.name if _KNOWN.get(layer.cell.name) == layer.cell else cell_to_data(layer.cell)
    options: dict[str, Any] = {"sizes": dict(layer.sizes)} if layer.sizes else {}
    options |= {"period": layer.period} if layer.period != 1 else {}
    options |= {"leak": layer.time_gate.leak} if layer.time_gate is not None else {}
    return {"cell": cell, "inputs": layer.inputs, "units": layer.units, "name": layer.name, **options}


def _build_layer(entry: Entry, index: int, tensors: Tensors) -> Layer:
    """Return one layer from its entry and its tensors; ``index``: its number in their names."""
    cell = _build_cell(entry["cell"], index)
    parameters, gate = _below(tensors, f"layers.{index}."), None
    if "leak" in entry:
        arrays = _below(tensors, f"time_gates.{index}.")
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
