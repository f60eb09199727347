"""Functions between recurrent layers: linear layers, activations, the sum of two directions, softmax at the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from fxlstm.network.cells import DENSE
from fxlstm.network.cells.functions import Activation
from fxlstm.network.importers.pytorch.labels import Labels
from fxlstm.network.importers.pytorch.run import Run, array
from fxlstm.network.importers.pytorch.scaling import plus
from fxlstm.network.importers.pytorch.signals import Reading, Signal, refuse
from fxlstm.network.layers.builders import dense
from fxlstm.network.layers.layer import Layer
from fxlstm.network.topologies.directions import Bidirectional, Block


def linear(run: Run, name: str, x: Any, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Labels:
    """Return the labels behind a fully connected layer."""
    name = run.name(name, weight)
    reading = run.read(x, name)

    def make() -> tuple[Signal, ...]:
        kernel, offset = reading.kernel(array(weight).T)
        layer = dense(kernel, offset if bias is None else offset + array(bias), name=name)
        forward = 0 if reading.reads_backward else layer.outputs
        return (run.signals.new((*reading.blocks, layer), layer.outputs, forward, reading.signal, name),)

    key = ("linear", reading.signal, tuple(reading.features), id(weight), id(bias))
    (signal,) = run.once(key, (weight, bias), make)
    return run.vectors(signal, reading.places)


def matmul(run: Run, name: str, x: Any, weight: Any) -> Labels:
    """Return the labels behind a product with a constant matrix."""
    if isinstance(weight, Labels) or weight.ndim != 2:
        refuse(name, "multiplies by something other than a constant matrix")
    return linear(run, run.name(name, weight), x, weight.T)


def dropout(run: Run, name: str, x: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Return ``x``: in evaluation nothing is dropped."""
    if training:
        refuse(name, "drops elements at random in evaluation too; give training=self.training")
    return x


def activate(activation: Activation, run: Run, name: str, x: Labels, inplace: bool = False) -> Labels:
    """Return the labels behind an activation: it joins the linear layer before it, else a layer of identity weights carries it."""
    codes = run.operand(x, name)
    old = run.signals.signal(codes, name)
    (new,) = run.once((activation, old), None, lambda: (_activated(run, name, activation, old),))
    labels = run.labels(run.signals.relabelled(codes, old, new))
    if inplace:
        x.as_subclass(torch.Tensor).copy_(labels.as_subclass(torch.Tensor))
        return x
    return labels


def _activated(run: Run, name: str, activation: Activation, signal: Signal) -> Signal:
    if not signal.blocks:
        refuse(name, f"is a {activation} before any layer with weights; apply it to the data, or put a Linear before it")
    *below, last = signal.blocks
    if isinstance(last, Layer) and last.cell == DENSE:
        blocks = (*below, dense(last.parameters["weight"], last.parameters["bias"], activation, last.name))
    else:
        blocks = (*signal.blocks, dense(np.eye(signal.features), np.zeros(signal.features), activation, name))
    return run.signals.new(blocks, signal.features, signal.forward, signal, name)


def leaky_relu(run: Run, name: str, x: Labels, negative_slope: float = 0.01, inplace: bool = False) -> Labels:
    """Return the labels behind a leaky ReLU."""
    return activate(("leaky_relu", float(negative_slope)), run, name, x, inplace)


def softmax(run: Run, name: str, x: Labels, dim: int | None = None, *_: Any, log: bool = False, **__: Any) -> Labels:
    """Return the labels of what the host computes at the end: a softmax over all features, or its logarithm."""
    reading = _all_features(run, name, x, dim)
    signal = reading.signal
    edge = "log_softmax" if log else "softmax"
    new = run.signals.new(signal.blocks, signal.features, signal.forward, signal, name, host_edge=edge)
    return run.vectors(new, reading.places)


def argmax(run: Run, name: str, x: Labels, dim: int | None = None, keepdim: bool = False) -> Labels:
    """Return the labels of the index of the largest of all features, which the host finds at the end."""
    reading = _all_features(run, name, x, dim)
    new = run.signals.new(reading.signal.blocks, 1, 1, reading.signal, name, host_edge="argmax")
    codes = run.signals.vectors(new, reading.places)
    return run.labels(codes if keepdim else codes[..., 0])


def _all_features(run: Run, name: str, x: Labels, dim: int | None) -> Reading:
    """Return the reading of whole vectors; ``dim`` must be the dimension of their features."""
    reading = run.read(x, name)
    if dim is None or dim % x.ndim != x.ndim - 1 or not reading.is_whole:
        refuse(name, f"works over dimension {dim} or on some features; give dim=-1 and all features")
    return reading


def add(run: Run, name: str, a: Any, b: Any, alpha: float = 1) -> Labels:
    """Return the labels of the sum of both directions of a bidirectional layer, or of a tensor and a constant."""
    if not (isinstance(a, Labels) and isinstance(b, Labels)):
        return plus(run, name, a, b, alpha)
    first, second = run.operand(a, name), run.operand(b, name)
    signal = run.signals.signal(first, name)
    pair = signal.blocks[-1] if signal.blocks else None
    if signal is not run.signals.signal(second, name) or not isinstance(pair, Bidirectional) or first.shape != second.shape:
        refuse(name, "adds two tensors; only the two directions of one bidirectional layer can be added")
    reading = run.signals.read(np.concatenate([first, second], -1), name)
    halves = np.split(reading.features, 2)
    if alpha != 1 or not np.array_equal(np.sort(halves, axis=0), np.split(np.arange(signal.features), 2)):
        refuse(name, "adds other features than those of one direction to those of the other")
    blocks: tuple[Block, ...] = (*signal.blocks[:-1], Bidirectional(pair.forward, pair.backward, "sum"))
    key = ("sum", reading.signal.times, signal)
    (new,) = run.once(key, None, lambda: (run.signals.new(blocks, len(halves[0]), len(halves[0]), reading.signal, name),))
    return run.vectors(new, reading.places)
