"""How a program reads float sequences: in which order, without the timesteps that a mask leaves out, and at which times.

A program knows timesteps only as they come. What its network says about reading them stands in the metadata, and is done here, at
the host's edge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.errors import ModelError, ProgramError
from fxlstm.network.layers.layer import as_float
from fxlstm.network.topologies.lengths import checked_lengths
from fxlstm.network.topologies.masking import present_timesteps
from fxlstm.program.formats import code_factor, code_unit, decode
from fxlstm.program.program import Program, shared_format
from fxlstm.program.running.time_gates import gates_of, with_openness

Floats = NDArray[np.float64]


def as_sequences(program: Program, x: ArrayLike) -> Floats:
    """Return ``x`` as floats, (time, features) or (batch, time, features). Raises :class:`ModelError` for any other shape."""
    array, features = as_float(x, "the input"), program.inputs[0][0].length
    if array.ndim not in (2, 3) or array.shape[-1] != features or 0 in array.shape:
        raise ModelError(f"the input has shape {array.shape}; give (time, {features}) or (batch, time, {features}), none of them 0")
    return array


class Reading:
    """Sequences as a program reads them, and its outputs as the caller wants them.

    ``x``: (time, features) or (batch, time, features) floats; ``lengths``: (batch,), or ``None`` for all of the time; ``times``: of
    the timesteps, for time gates. :attr:`x` and :attr:`lengths` are what the program is to run; a sequence that is wholly masked
    runs one timestep, whose output :meth:`outputs` replaces. Raises :class:`ModelError` for what does not fit.
    """

    def __init__(self, program: Program, x: ArrayLike, lengths: ArrayLike | None = None, times: ArrayLike | None = None) -> None:
        self.program = program
        self.backward = bool(program.metadata.get("reads_backward", False))
        self.mask_value: float | None = program.metadata.get("mask_value")
        self.x: Any = x
        self.lengths: Any = lengths
        self.is_plain = not self.backward and self.mask_value is None
        if self.is_plain and times is None and not gates_of(program):
            return
        batch = self._batched(x)
        self.counts = checked_lengths(lengths, len(batch), batch.shape[1])
        ordered = self._ordered(batch)
        self.present = self._present(ordered)
        self.x = with_openness(program, ordered, times)
        if self.is_plain:
            self.x = self.x[0] if self.single else self.x
        else:
            self.x, self.lengths = self._compacted(self.x)

    @property
    def begins_masked(self) -> bool:
        """Whether a sequence begins with a timestep that is left out."""
        return not self.is_plain and not bool(self.present[:, 0].all())

    def outputs(self, values: Floats, before: Floats | None = None) -> Floats:
        """Return the outputs of :attr:`x` in the caller's form: every timestep in order of reading, held where it is masked.

        ``before``: each sequence's output before its first timestep, (batch, outputs); else what stands in the arena at reset.
        """
        if self.is_plain:
            return values
        before = self._at_reset() if before is None else before
        if values.ndim == 2:
            values = np.where(np.any(self.present, axis=1, keepdims=True), values, before)
        else:
            values = self._held(values, before)
        return values[0] if self.single else values

    def _batched(self, x: ArrayLike) -> Floats:
        array = as_sequences(self.program, x)
        self.single = array.ndim == 2
        return array[np.newaxis] if self.single else array

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

    def _held(self, values: Floats, before: Floats) -> Floats:
        """Return outputs of every timestep, (batch, time, outputs), 0 beyond a sequence's length."""
        latest = np.cumsum(self.present, axis=1) - 1
        first = np.broadcast_to(before, (len(values), values.shape[2]))
        known = np.concatenate([values, first[:, np.newaxis]], axis=1)  # the last one: before the first timestep
        held = np.take_along_axis(known, np.where(latest < 0, known.shape[1] - 1, latest)[:, :, np.newaxis], axis=1)
        inside = np.arange(held.shape[1]) < self.counts[:, np.newaxis]
        return np.where(inside[:, :, np.newaxis], held, 0.0)

    def _at_reset(self) -> Floats:
        part = self.program.output
        return decode(self.program.arena[part.start : part.start + part.length], part.fraction, part.scale)


def run_factors(program: Program) -> tuple[float, float] | None:
    """Return by what the inputs of a run are multiplied to be codes, and its output codes to be values.

    ``None`` where a run takes more than that.
    """
    known = program.metadata.get
    if known("reads_backward") or known("time_gates") or known("mask_value") is not None:
        return None
    if len(program.phases) > 1:
        return None
    given, wanted = shared_format(program.inputs[0]), shared_format(program.outputs[-1])
    return (code_factor(*given), code_unit(*wanted)) if given and wanted else None


def check_steps_are_plain(program: Program, x: ArrayLike) -> None:
    """Raise :class:`ProgramError` where a program cannot run timestep by timestep, :class:`ModelError` where x is masked."""
    if program.metadata.get("reads_backward", False):
        raise ProgramError("the network reads its sequences backward, so it needs them whole; use run instead of step")
    if gates_of(program):
        raise ProgramError("the network looks at the times of timesteps; use run with times instead of step")
    mask_value = program.metadata.get("mask_value")
    if mask_value is not None and np.any(np.all(np.asarray(x, dtype=np.float64) == mask_value, axis=-1)):
        raise ModelError(f"a timestep whose features all equal {mask_value} is masked: leave it out, the states hold")
