"""Timesteps at which layers do not run: those that a mask leaves out, and those between the runs of a layer with a period."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fxlstm.network.layer import Array

Mask = NDArray[np.bool_]  # (batch, time), true where a timestep counts


def present_timesteps(x: Array, mask_value: float | None) -> Mask | None:
    """Return which timesteps of ``x`` have a feature other than ``mask_value``; ``None`` where nothing is masked.

    Compared in single precision, in which frameworks hold both numbers.
    """
    if mask_value is None:
        return None
    with np.errstate(over="ignore"):
        present: Mask = (x.astype(np.float32) != np.float32(mask_value)).any(axis=-1)
    return present


def running(period: int, present: Mask | None, batch: int, time: int) -> Mask | None:
    """Return at which timesteps a layer runs: (batch, time); ``None`` for all of them."""
    if period == 1:
        return present
    due = np.broadcast_to((np.arange(time) + 1) % period == 0, (batch, time))
    return due if present is None else due & present
