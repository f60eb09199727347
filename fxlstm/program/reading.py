"""How a program reads float sequences: in which order, and without the timesteps that a mask leaves out.

A program knows timesteps only as they come. What its network says about reading them stands in the metadata, and is done here, at
the host's edge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.network.layer import as_float
from fxlstm.network.lengths import checked_lengths
from fxlstm.network.masking import present_timesteps
from fxlstm.program.formats import decode
from fxlstm.program.program import Program

Floats = NDArray[np.float64]


def reading_of(program: Program) -> tuple[bool, float | None]:
    """Return whether the program's network reads sequences backward, and which value masks a timestep."""
    mask = program.metadata.get("mask_value")
    return bool(program.metadata.get("reads_backward", False)), None if mask is None else float(mask)


class Reading:
    """Sequences as a program reads them, and its outputs as the caller wants them.

    ``x``: (time, features) or (batch, time, features) floats; ``lengths``: (batch,), or ``None`` for all of the time. ``x`` and
    ``lengths`` of the object are what the program is to run; a sequence that is wholly masked runs one timestep, whose output
    :meth:`outputs` replaces. Raises :class:`ModelError` for lengths and values that do not fit.
    """

    def __init__(self, program: Program, x: ArrayLike, lengths: ArrayLike | None = None) -> None:
        self.program = program
        self.backward, self.mask_value = reading_of(program)
        self.x: Any = x
        self.lengths: Any = lengths
        if self.is_plain:
            return
        array = as_float(x, "the input")
        self.single = array.ndim == 2
        batch = array[np.newaxis] if self.single else array
        if batch.ndim != 3 or 0 in batch.shape:
            self.backward, self.mask_value = False, None  # whoever runs it says what is wrong
            return
        self.counts = checked_lengths(lengths, len(batch), batch.shape[1])
        ordered = self._ordered(batch)
        self.present = self._present(ordered)
        self.x, self.lengths = self._compacted(ordered)

    @property
    def is_plain(self) -> bool:
        """Whether the program runs what it is given."""
        return not self.backward and self.mask_value is None

    def outputs(self, values: Floats) -> Floats:
        """Return the outputs of :attr:`x` in the caller's form: every timestep in order of reading, held where it is masked."""
        if self.is_plain:
            return values
        if values.ndim == 2:
            values = np.where(np.any(self.present, axis=1, keepdims=True), values, self._before())
        else:
            values = self._held(values)
        return values[0] if self.single else values

    def _ordered(self, batch: Floats) -> Floats:
        """Return each sequence in the order of reading, within its length."""
        if not self.backward:
            return batch
        ordered = batch.copy()
        for sequence, length in zip(ordered, self.counts.tolist(), strict=True):
            sequence[:length] = sequence[:length][::-1]
        return ordered

    def _present(self, batch: Floats) -> NDArray[np.bool_]:
        """Return which timesteps run, (batch, time)."""
        inside = np.arange(batch.shape[1]) < self.counts[:, np.newaxis]
        present = present_timesteps(batch, self.mask_value)
        return np.asarray(inside if present is None else inside & present)

    def _compacted(self, batch: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """Return the timesteps that run, first, and how many they are: at least 1."""
        counts = self.present.sum(axis=1)
        compact = np.zeros((len(batch), max(int(counts.max()), 1), batch.shape[2]))
        for row, sequence, present, count in zip(compact, batch, self.present, counts.tolist(), strict=True):
            row[:count] = sequence[present]
        return compact, np.maximum(counts, 1)

    def _held(self, values: Floats) -> Floats:
        """Return outputs of every timestep, (batch, time, outputs), 0 beyond a sequence's length."""
        latest = np.cumsum(self.present, axis=1) - 1
        first = np.broadcast_to(self._before(), (len(values), 1, values.shape[2]))
        known = np.concatenate([values, first], axis=1)  # index -1: before the first
        held = np.take_along_axis(known, np.where(latest < 0, known.shape[1] - 1, latest)[:, :, np.newaxis], axis=1)
        inside = np.arange(held.shape[1]) < self.counts[:, np.newaxis]
        return np.where(inside[:, :, np.newaxis], held, 0.0)

    def _before(self) -> Floats:
        """Return the output before the first timestep: what stands in the arena at reset."""
        part = self.program.output
        return decode(self.program.arena[part.start : part.start + part.length], part.fraction, part.scale)
