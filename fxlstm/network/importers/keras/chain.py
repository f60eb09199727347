"""The layers of a model in the order in which data goes through them: a list, or a functional graph that is a chain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fxlstm.errors import ModelError
from fxlstm.network.importers.keras.arrays import Arrays
from fxlstm.network.importers.keras.refusal import SUPPORTED, refuse

MODELS = ("Sequential", "Functional", "Model")
# How Keras calls the group of a layer's arrays in an archive, by class; a second layer of a class is lstm_1.
GROUPS = {
    "LSTM": "lstm",
    "GRU": "gru",
    "SimpleRNN": "simple_rnn",
    "ConvLSTM1D": "conv_lstm1d",
    "ConvLSTM2D": "conv_lstm2d",
    "RNN": "rnn",
    "Bidirectional": "bidirectional",
    "TimeDistributed": "time_distributed",
    "Dense": "dense",
    "BatchNormalization": "batch_normalization",
    "Normalization": "normalization",
    "LSTMCell": "lstm_cell",
    "GRUCell": "gru_cell",
    "SimpleRNNCell": "simple_rnn_cell",
    "Sequential": "sequential",
    "Functional": "functional",
    "Model": "functional",
}


@dataclass(frozen=True)
class Entry:
    """One layer of a model: its class, its name, its settings and its arrays."""

    kind: str
    name: str
    settings: Mapping[str, Any]
    arrays: Arrays

    def setting(self, key: str, default: Any = None) -> Any:
        """Return a setting, or what Keras takes where a file does not say."""
        return self.settings.get(key, default)

    def inner(self, key: str, path: str) -> Entry:
        """Return the layer or cell that this one wraps: settings under ``key``, arrays under ``path``."""
        wrapped = self.setting(key)
        if not isinstance(wrapped, Mapping):
            refuse(self.name, f"has no {key!r} in its settings")
        return Entry(class_of(wrapped, self.name), self.name, settings_of(wrapped, self.name), self.arrays.part(path))


def class_of(config: Mapping[str, Any], name: str) -> str:
    """Return the class of a layer, which must be Keras's own."""
    kind, module, registered = (config.get(key) for key in ("class_name", "module", "registered_name"))
    if not isinstance(kind, str):
        refuse(name, "says no class")
    # Legacy files say no module. A class of somebody's own may compute anything, also where it bears the name of a layer of Keras.
    foreign = module is not None and str(module).split(".")[0] not in ("keras", "tf_keras")
    if foreign or registered not in (None, kind):
        refuse(name, f"is of a class of its own, {registered or kind}")
    return kind


def settings_of(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the settings of a layer."""
    settings = config.get("config")
    if not isinstance(settings, Mapping):
        refuse(name, "has no settings")
    return settings


def layers_in_order(kind: str, name: str, settings: Mapping[str, Any], arrays: Arrays) -> list[Entry]:
    """Return the layers of a model from its input to its output."""
    if kind not in MODELS:
        raise ModelError(f"model {name!r} is a {kind}, which computes what its code says; from_keras supports {SUPPORTED}")
    configs = settings.get("layers")
    if not isinstance(configs, list) or not all(isinstance(config, Mapping) for config in configs):
        raise ModelError(f"model {name!r} lists no layers; save the model again")
    entries = list(entries_of(configs, arrays, "layers"))
    if kind == "Sequential":
        return entries
    by_name = {entry.name: (entry, config) for entry, config in zip(entries, configs, strict=True)}
    return _followed(by_name, settings, name)


def entries_of(configs: list[Mapping[str, Any]], arrays: Arrays, folder: str) -> Iterator[Entry]:
    """Yield layers or cells in the order of the file, in which Keras numbers the groups of arrays in their folder."""
    seen: Counter[str] = Counter()
    for index, config in enumerate(configs):
        settings = config.get("config") if isinstance(config.get("config"), Mapping) else {}
        name = str(config.get("name") or settings.get("name") or index)  # type: ignore[union-attr]
        kind = class_of(config, name)
        group = GROUPS.get(kind, kind)
        yield Entry(kind, name, settings_of(config, name), arrays.layer(name, folder, group, seen[group]))
        seen[group] += 1


def _followed(layers: Mapping[str, tuple[Entry, Mapping[str, Any]]], settings: Mapping[str, Any], model: str) -> list[Entry]:
    """Return the chain that leads to a functional model's output, followed backwards from there."""
    name, _ = _only(settings.get("output_layers"), model, "output")
    first, _ = _only(settings.get("input_layers"), model, "input")
    chain: list[Entry] = []
    while name in layers and name not in [entry.name for entry in chain]:
        entry, config = layers[name]
        chain.append(entry)
        if name == first:
            return chain[::-1]
        name, output = _source(entry.name, config.get("inbound_nodes"))
        if output:
            refuse(entry.name, f"takes output {output} of layer {name!r}, a state; layers take the output alone")
    raise ModelError(f"model {model!r}: its layers do not lead from its input to its output; save the model again")


def _only(places: Any, model: str, what: str) -> tuple[str, int]:
    """Return the layer and the output of a model's one input or output, which stands alone or in a list."""
    if isinstance(places, list) and len(places) == 1 and isinstance(places[0], list):
        places = places[0]
    if not (isinstance(places, list) and len(places) == 3 and isinstance(places[0], str)):
        count = len(places) if isinstance(places, list | dict) else 0
        raise ModelError(f"model {model!r} has {count} {what}s; from_keras supports one, and {SUPPORTED}")
    if places[2]:
        raise ModelError(f"model {model!r} gives out a state of layer {places[0]!r}; give out its output alone")
    return places[0], places[2]


def _source(layer: str, nodes: Any) -> tuple[str, int]:
    """Return the layer that a layer takes its input from, and which of its outputs."""
    if not isinstance(nodes, list) or len(nodes) != 1:
        refuse(layer, f"is called {len(nodes) if isinstance(nodes, list) else 0} times; each layer is called once")
    tensors = list(_tensors(nodes[0]))
    if len(tensors) != 1:
        refuse(
            layer, f"takes {len(tensors)} inputs ({', '.join(name for name, _ in tensors)}); one tensor goes from layer to layer"
        )
    if any(value not in (None, False, [], {}) for value in _options(nodes[0])):
        refuse(layer, "is called with arguments beside its input")
    return tensors[0]


def _tensors(node: Any) -> Iterator[tuple[str, int]]:
    """Yield the tensors of a call, (layer, output): Keras 3 writes each as a dictionary, Keras 2 as [layer, node, output, ...]."""
    if isinstance(node, Mapping) and node.get("class_name") == "__keras_tensor__":
        name, _, output = node["config"]["keras_history"]
        yield name, output
    elif isinstance(node, list) and len(node) >= 3 and isinstance(node[0], str) and isinstance(node[1], int):
        yield node[0], node[2]
        yield from _tensors(node[3:])
    elif isinstance(node, list | Mapping):
        for value in node.values() if isinstance(node, Mapping) else node:
            yield from _tensors(value)


def _options(node: Any) -> Iterator[Any]:
    """Yield the values of a call's arguments beside its tensors."""
    if isinstance(node, Mapping):
        yield from node.get("args", [])[1:]
        yield from node.get("kwargs", {}).values()
    elif isinstance(node, list):
        yield from (value for call in node if isinstance(call, list) and len(call) > 3 for value in call[3].values())
