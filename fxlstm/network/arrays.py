"""Arrays as they come from users and frameworks: checked, and as float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.errors import ModelError

Array = NDArray[np.float64]


def as_float(value: ArrayLike | Sequence[Any], what: str) -> Array:
    """Return a copy of ``value`` as float64, any shape, rows one after the other; ``what`` names it in errors.

    Raises :class:`ModelError` unless it holds real, finite numbers.
    """
    try:
        array = np.asarray(value).astype(np.float64, order="C", casting="same_kind")
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: a tensor that is not detached
        raise ModelError(f"{what} is not an array of numbers ({error}); give real numbers, rows of one length") from error
    if not np.isfinite(array).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ModelError(f"{what} holds {array[index]} at index {index}; only finite numbers can be used")
    return array


def as_matrix(value: ArrayLike, layer: str, parameter: str) -> Array:
    """Return ``value`` as a two-dimensional float64 array."""
    array = as_float(value, f"layer {layer!r}, {parameter}")
    if array.ndim != 2:
        raise ModelError(f"layer {layer!r}: {parameter} has shape {array.shape}; it must have two dimensions")
    return array
