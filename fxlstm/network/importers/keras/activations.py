"""Activations as Keras names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fxlstm.network.cells.functions import Activation
from fxlstm.network.importers.keras.chain import Entry, class_of, settings_of
from fxlstm.network.importers.keras.refusal import refuse

# The slope and the offset of hard_sigmoid: Keras 3 took another form than Keras 2.
_HARD_SIGMOID: dict[int, Activation] = {2: ("hard_sigmoid", 0.2, 0.5), 3: ("hard_sigmoid", 1 / 6, 0.5)}
_PLAIN: dict[str, Activation] = {
    "linear": "linear",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "leaky_relu": ("leaky_relu", 0.2),
    "softmax": "softmax",
}
LAYERS = ("Activation", "ReLU", "LeakyReLU", "Softmax")


def activation_of(value: Any, version: int, layer: str) -> Activation:
    """Return the activation that a setting names; ``"softmax"`` is for the caller to judge."""
    if isinstance(value, Mapping):
        if value.get("class_name") not in LAYERS:  # a function of somebody's own
            refuse(layer, f"has the activation {value.get('config')!r}")
        return activation_of_layer(class_of(value, layer), settings_of(value, layer), version, layer)
    if value == "hard_sigmoid":
        return _HARD_SIGMOID[version]
    if value is None or value in _PLAIN:
        return _PLAIN[value or "linear"]
    refuse(layer, f"has the activation {value!r}")


def activation_of_layer(kind: str, settings: Mapping[str, Any], version: int, layer: str) -> Activation:
    """Return the activation that a layer of :data:`LAYERS` is."""
    if kind == "Activation":
        return activation_of(settings["activation"], version, layer)
    if kind == "Softmax":
        if settings.get("axis", -1) != -1:
            refuse(layer, f"is a softmax over axis {settings['axis']}, not the last")
        return "softmax"
    if settings.get("max_value") is not None or settings.get("threshold"):
        refuse(layer, f"is a ReLU with max_value {settings.get('max_value')} and threshold {settings.get('threshold')}")
    default = 0.3 if kind == "LeakyReLU" else 0.0
    slope = float(settings.get("negative_slope", settings.get("alpha", default)) or 0.0)  # Keras 2's LeakyReLU says alpha
    return ("leaky_relu", slope) if slope else "relu"


def activation(entry: Entry, key: str, version: int) -> Activation:
    """Return an activation inside a cell, where a softmax cannot be."""
    found = activation_of(entry.settings[key], version, entry.name)
    if found == "softmax":
        refuse(entry.name, f"has the {key} 'softmax'")
    return found
