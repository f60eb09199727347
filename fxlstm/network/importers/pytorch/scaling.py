"""Sums and products with constants, such as normalisations: every feature y becomes scale * y + shift."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fxlstm.network.cells import DENSE
from fxlstm.network.importers.pytorch.labels import Codes, Labels
from fxlstm.network.importers.pytorch.run import Run, array
from fxlstm.network.importers.pytorch.signals import Scaled, Signal, refuse
from fxlstm.network.layers.builders import dense
from fxlstm.network.layers.layer import Array, Layer


def plus(run: Run, name: str, a: Any, b: Any, alpha: float = 1) -> Labels:
    """Return the labels of a + alpha * b, one of which is a constant."""
    return _scaled(run, name, a, 1, alpha * b) if isinstance(a, Labels) else _scaled(run, name, b, alpha, a)


def minus(run: Run, name: str, a: Any, b: Any, alpha: float = 1) -> Labels:
    """Return the labels of a - alpha * b, one of which is a constant."""
    return plus(run, name, a, b, -alpha)


def reversed_minus(run: Run, name: str, a: Any, b: Any, alpha: float = 1) -> Labels:
    """Return the labels of b - alpha * a, one of which is a constant."""
    return plus(run, name, b, a, -alpha)


def times(run: Run, name: str, a: Any, b: Any) -> Labels:
    """Return the labels of a * b, one of which is a constant."""
    return _scaled(run, name, a, b, 0) if isinstance(a, Labels) else _scaled(run, name, b, a, 0)


def divided(run: Run, name: str, a: Any, b: Any) -> Labels:
    """Return the labels of a / b, where b is a constant."""
    if isinstance(b, Labels):
        refuse(name, "divides by what a layer computes")
    return _scaled(run, name, a, 1 / b, 0)


def negative(run: Run, name: str, x: Any) -> Labels:
    """Return the labels of -x."""
    return _scaled(run, name, x, -1, 0)


def batch_norm(run: Run, name: str, x: Labels, *args: Any, eps: float = 1e-5, **kwargs: Any) -> Labels:
    """Return the labels behind a batch normalisation in evaluation; its channels stand in dimension 1."""
    if len(args) == 8:  # of an exported program: weight, bias, mean, variance, training, momentum, eps, cudnn_enabled
        weight, bias, mean, variance, training, _, eps, _ = args
    else:
        names = ("running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
        given = {"weight": None, "bias": None, "training": False, "eps": eps} | kwargs | dict(zip(names, args, strict=False))
        mean, variance, weight, bias, training, eps = (given[key] for key in (*names[:5], "eps"))
    if training or mean is None:
        refuse(name, "normalises by the batch that it is given; a layer has the statistics of the training")
    scale = (1 if weight is None else weight) / torch.sqrt(variance + eps)
    shift = (0 if bias is None else bias) - mean * scale
    shape = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
    return _scaled(run, run.name(name, weight), x, scale.view(shape), shift.view(shape))


def _scaled(run: Run, name: str, x: Any, scale: Any, shift: Any) -> Labels:
    """Return the labels of ``scale`` * x + ``shift``, constants that are broadcast to x and differ between features alone."""
    codes = run.operand(x, name)
    old = run.signals.signal(codes, name)
    if any(isinstance(constant, Labels) for constant in (scale, shift)):
        refuse(name, "multiplies or adds what layers compute; only the two directions of one bidirectional layer can be added")
    factors, summands = (_for_each_feature(old, codes, constant, name) for constant in (scale, shift))
    key = ("scaled", old, factors.tobytes(), summands.tobytes())
    (new,) = run.once(key, None, lambda: (_signal(run, name, old, factors, summands),))
    return run.labels(run.signals.relabelled(codes, old, new))


def _for_each_feature(signal: Signal, codes: Codes, constant: Any, name: str) -> Array:
    """Return the value of a constant for each feature of a signal, of whose elements it is broadcast to some."""
    values = array(constant) if isinstance(constant, torch.Tensor) else np.asarray(constant, dtype=np.float64)
    try:
        values = np.broadcast_to(values, codes.shape)
    except ValueError:
        refuse(name, f"joins a constant of shape {values.shape} to a tensor of shape {codes.shape}")
    real: NDArray[np.bool_] = codes > 0
    features = (codes[real] - signal.base) % signal.features
    found = np.zeros(signal.features)
    found[features] = values[real]
    if (found[features] != values[real]).any():
        refuse(name, "joins a constant that differs from timestep to timestep or from sequence to sequence")
    return found


def _signal(run: Run, name: str, old: Signal, scale: Array, shift: Array) -> Signal:
    """Return the scaled signal: a linear layer takes the scale in, else a layer of its own holds it until another follows."""
    last = old.blocks[-1] if old.blocks else None
    if isinstance(last, Layer) and last.cell == DENSE and old.scaled is None:
        weight, bias = last.parameters["weight"] * scale, last.parameters["bias"] * scale + shift
        blocks = (*old.blocks[:-1], dense(weight, bias, name=last.name))
        return run.signals.new(blocks, old.features, old.forward, old, last.name)
    source = old.scaled or Scaled(old, np.ones(old.features), np.zeros(old.features))
    whole = Scaled(source.signal, source.scale * scale, source.shift * scale + shift)
    layer = dense(np.diag(whole.scale), whole.shift, name=name)
    return run.signals.new((*whole.signal.blocks, layer), old.features, old.forward, old, name, scaled=whole)
