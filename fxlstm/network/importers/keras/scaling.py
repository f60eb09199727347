"""Layers that only scale and shift features, such as normalisations: every feature y becomes scale * y + shift."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fxlstm.network.importers.keras.chain import Entry
from fxlstm.network.importers.keras.refusal import refuse
from fxlstm.network.importers.keras.stream import Stream
from fxlstm.network.layers.layer import Array

_SMALLEST = 1e-7  # of the deviations that Keras's Normalization divides by


def scaled(stream: Stream, entry: Entry) -> Stream:
    """Return the stream behind a layer of :data:`LAYERS`; one number stands for all features, one per channel for all positions."""
    scale, shift = LAYERS[entry.kind](stream, entry)
    if stream.features is None:
        refuse(entry.name, "scales an input whose shape the model does not say; begin it with an Input")
    if stream.features % scale.size or scale.shape != shift.shape:
        refuse(entry.name, f"has {scale.size} scales and {shift.size} shifts for {stream.features} features")
    repeats = stream.features // scale.size
    return stream.scaled(np.tile(scale, repeats), np.tile(shift, repeats), entry.name)


def _batch_normalization(stream: Stream, entry: Entry) -> tuple[Array, Array]:
    _check_axis(stream, entry)
    has_scale, has_center = bool(entry.setting("scale", True)), bool(entry.setting("center", True))
    *given, mean, variance = entry.arrays.take(2 + has_scale + has_center, entry.name)
    gamma = given[0] if has_scale else np.ones(mean.shape)
    beta = given[-1] if has_center else np.zeros(mean.shape)
    scale = gamma / np.sqrt(variance + float(entry.setting("epsilon", 1e-3)))
    return scale, beta - mean * scale


def _normalization(stream: Stream, entry: Entry) -> tuple[Array, Array]:
    mean, variance = entry.setting("mean"), entry.setting("variance")
    if mean is None or variance is None:
        mean, variance, _ = entry.arrays.take(3, entry.name)
    if np.size(mean) > 1:
        _check_axis(stream, entry)
    offset, deviation = np.ravel(np.asarray(mean, float)), np.ravel(np.maximum(np.sqrt(np.asarray(variance, float)), _SMALLEST))
    return (deviation, offset) if entry.setting("invert") else (1 / deviation, -offset / deviation)


def _rescaling(stream: Stream, entry: Entry) -> tuple[Array, Array]:
    scale, offset = (np.ravel(np.asarray(entry.setting(key, value), float)) for key, value in (("scale", 1.0), ("offset", 0.0)))
    together = np.broadcast_arrays(scale, offset)
    return together[0], together[1]


def _check_axis(stream: Stream, entry: Entry) -> None:
    """Refuse an axis that is not that of the features or channels."""
    axis = entry.setting("axis", -1)
    axes = list(axis) if isinstance(axis, list) else [axis]
    rank = None if stream.shape is None else len(stream.shape) + (2 if stream.form == "sequence" else 1)
    if len(axes) != 1 or axes[0] not in (-1, None if rank is None else rank - 1):
        refuse(entry.name, f"normalises over axis {axis}; it can work on the features, the last axis")


LAYERS: dict[str, Callable[[Stream, Entry], tuple[Array, Array]]] = {
    "BatchNormalization": _batch_normalization,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
}
