"""PyTorch, Keras and ONNX as oracles: modules with random weights, and what the frameworks compute."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Array = NDArray[np.float64]
M = TypeVar("M", bound=nn.Module)


def filled(module: M, random: np.random.Generator) -> M:
    """Return the module in float64 and in evaluation, every parameter uniform in -1..1."""
    module = module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.tensor(random.uniform(-1, 1, tuple(parameter.shape))))
    return module


def arrays_of(module: nn.Module, suffix: str = "l0") -> dict[str, Array]:
    """Return a recurrent module's arrays of one layer and direction by the names that the builders have for them."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    return {name: getattr(module, f"{name}_{suffix}").detach().numpy() for name in names if hasattr(module, f"{name}_{suffix}")}


def torch_outputs(module: nn.Module, *inputs: Array) -> Array:
    """Return what a module gives; of a recurrent one its outputs at every timestep."""
    with torch.no_grad():
        result = module(*(torch.tensor(array) for array in inputs))
    outputs: Array = (result[0] if isinstance(result, tuple) else result).numpy()
    return outputs
