"""Sequences of different lengths side by side in one batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.errors import ModelError

Lengths = NDArray[np.int64]
Rows = NDArray[np.intp] | slice  # an index of the sequences in a batch


def checked_lengths(lengths: ArrayLike | None, batch: int, time: int) -> Lengths:
    """Return one length per sequence, all ``time`` where none are given.

    Raises :class:`ModelError` unless there are ``batch`` whole numbers from 1 to ``time``.
    """
    if lengths is None:
        return np.full(batch, time)
    array = np.asarray(lengths)
    if array.shape != (batch,) or array.dtype.kind not in "iu":
        raise ModelError(f"lengths of shape {array.shape}, {array.dtype}; give {batch} whole numbers, one for each sequence")
    if wrong := [int(length) for length in array if not 1 <= length <= time]:
        raise ModelError(f"a length of {wrong[0]} in sequences of {time} timesteps; give 1 to {time}")
    return array.astype(np.int64)


def equal_lengths(lengths: Lengths) -> Iterator[tuple[int, Rows]]:
    """Yield each length that occurs and which sequences have it: a slice where all do, so that indexing copies nothing."""
    found: list[int] = np.unique(lengths).tolist()
    for length in found:
        yield length, slice(None) if len(found) == 1 else np.flatnonzero(lengths == length)
