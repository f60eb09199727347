"""Random models of every framework through its importer: how far the network is from what the framework computes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from random_keras import random_keras_case
from random_onnx import random_onnx_case
from random_torch import random_torch_case

import fxlstm as fx

Outputs = tuple[NDArray[np.float64], NDArray[np.float64]]  # of the network, and expected


def _torch(random: np.random.Generator) -> Outputs:
    module, x, lengths, expected = random_torch_case(random)
    return fx.from_torch(module)(x, lengths), expected


def _keras(random: np.random.Generator) -> Outputs:
    model, x, expected = random_keras_case(random)
    outputs = fx.from_keras(model)(x.reshape(*x.shape[:2], -1))
    return outputs, expected.reshape(outputs.shape)


def _onnx(random: np.random.Generator) -> Outputs:
    model, x, lengths, expected = random_onnx_case(random)
    return fx.from_onnx(model)(x, lengths), expected


IMPORTERS: dict[str, Callable[[np.random.Generator], Outputs]] = {"PyTorch": _torch, "Keras": _keras, "ONNX": _onnx}

# Largest differences, as shares of the largest output where that is above 1. Keras computes in float32, the others in float64;
# some networks amplify the last bit of a float a hundred million times over their timesteps.
LIMITS = {"PyTorch": 1e-6, "Keras": 1e-4, "ONNX": 1e-6}


def importer_of(number: int) -> str:
    """The framework of a case: they take turns."""
    return list(IMPORTERS)[number % len(IMPORTERS)]


def difference(number: int) -> float:
    """The largest difference of a case, as a share of the largest output where that is above 1.

    Sizes go from 1 to 300, timesteps from 1 to 200, sequences from 1 to 64. A number always gives the same case.
    """
    outputs, expected = IMPORTERS[importer_of(number)](np.random.default_rng(number))
    assert outputs.shape == expected.shape
    return float(np.abs(outputs - expected).max() / max(1.0, np.abs(expected).max()))
