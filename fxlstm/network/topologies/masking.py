"""Timesteps at which layers do not run: those that a mask leaves out, and those between the runs of a layer with a period."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ModelError
from fxlstm.network.arrays import Array
from fxlstm.network.topologies.directions import Block, is_forward, last_recurrent

Mask = NDArray[np.bool_]  # (batch, time), true where a timestep counts


def check_mask(mask_value: float, layers: Sequence[Block], returns: str) -> None:
    """Raise :class:`ModelError` where leaving out timesteps has no exact meaning for the outputs."""
    if not math.isfinite(mask_value):
        raise ModelError(f"mask_value = {mask_value}; it must be a finite number")
    last = last_recurrent(layers)
    if last is None:
        raise ModelError("mask_value without a recurrent layer, which alone can leave out timesteps")
    if returns != "final" and not is_forward(layers[last]):
        raise ModelError(
            f"mask_value with returns = {returns!r} behind {layers[last].name!r}: its output at a masked timestep is not defined; "
            f"it is where the last recurrent layer runs forward, or with returns='final'"
        )


def present_timesteps(x: Array, mask_value: float | None) -> Mask | None:
    """Return which timesteps of ``x`` have a feature other than ``mask_value``; ``None`` where nothing is masked.

    Compared in single precision, in which frameworks hold both numbers.
    """
    if mask_value is None:
        return None
    with np.errstate(over="ignore"):
        present: Mask = (x.astype(np.float32) != np.float32(mask_value)).any(axis=-1)
    return present


def running(period: int, present: Mask | None, batch: int, start: int, time: int) -> Mask | None:
    """Return at which of ``time`` timesteps a layer runs, (batch, time); ``None`` for all of them.

    A period counts the timesteps that are present; ``start``: how many there were before.
    """
    if period == 1:
        return present
    counts = start + (np.arange(1, time + 1) if present is None else present.cumsum(axis=1))
    due = np.broadcast_to(counts % period == 0, (batch, time))
    return due if present is None else due & present
