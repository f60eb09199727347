"""What hosts compute from the outputs of a network that ends before a softmax: ``metadata["host_edge"]`` tells which."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.errors import ModelError
from fxlstm.network.layers.layer import Array


def softmax(y: ArrayLike) -> Array:
    """Return the probabilities of the classes, exp(y) / sum(exp(y)) over the last axis; ``y``: outputs (..., classes).

    Works on the outputs of networks, engines and boards alike. Their logarithm is ``np.log(softmax(y))``.
    """
    values = _outputs(y)
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    probabilities: Array = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def argmax(y: ArrayLike) -> NDArray[np.intp]:
    """Return the index of the largest of the classes, the first where several are; ``y``: outputs (..., classes)."""
    indices: NDArray[np.intp] = _outputs(y).argmax(axis=-1)
    return indices


def _outputs(y: ArrayLike) -> Array:
    values = np.asarray(y, dtype=np.float64)
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ModelError(f"outputs have shape {values.shape}; give (..., classes), at least one class")
    return values
