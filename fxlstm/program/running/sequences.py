"""Batches of a program's sequences, as every runner takes them: their form, their lengths, and the states they start from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.errors import ModelError, ProgramError
from fxlstm.network.topologies.lengths import checked_lengths, equal_lengths
from fxlstm.program.formats import encode
from fxlstm.program.program import Codes, Program
from fxlstm.program.reference import Reference
from fxlstm.program.running.reading import Reading
from fxlstm.program.running.runs import check_runs

CODES = np.dtype(np.int16)

Initial = dict[int, Codes]  # arena index -> codes (batch, length) to put there after reset

# Runs every phase from reset for so many timesteps on codes (batch, given, inputs); gives the outputs of the last phase, (batch,
# time, outputs), time 1 where the program returns its last output only.
RunBatch = Callable[[Sequence[Codes], Sequence[int], Initial], Codes]


def batched(program: Program, codes: Codes, axes: Sequence[str]) -> tuple[Codes, bool]:
    """Return input codes with a batch axis, contiguous, and whether they had one; ``axes`` names all of them.

    Raises :class:`ModelError` for codes that are not int16 or of another shape.
    """
    codes = np.asarray(codes)
    if codes.dtype != CODES:
        raise ModelError(f"codes are {codes.dtype}; give int16, or floats to run() and step()")
    if codes.ndim not in (len(axes) - 1, len(axes)) or codes.shape[-1] != program.input.length:
        forms = f"({', '.join(axes[1:])}{',' * (len(axes) == 2)}) or ({', '.join(axes)})"
        raise ModelError(f"the input has shape {codes.shape}; give {forms} with {program.input.length} features")
    has_batch = codes.ndim == len(axes)
    return as_c_has_them(codes if has_batch else codes[np.newaxis]), has_batch


def as_c_has_them(codes: Codes) -> Codes:
    """Return codes aligned and one after the other in memory: themselves where they lie so."""
    flags = codes.flags
    return codes if flags.c_contiguous and flags.aligned else codes.copy()


def run_values(
    program: Program,
    x: ArrayLike,
    lengths: ArrayLike | None,
    states: Mapping[str, ArrayLike] | None,
    times: ArrayLike | None,
    run_codes: Callable[[Codes, ArrayLike | None, Mapping[str, ArrayLike] | None], Codes],
) -> NDArray[np.float64]:
    """Run sequences of float inputs through a runner of codes; arguments and result as of ``Engine.run``."""
    reading = Reading(program, x, lengths, times)
    codes = run_codes(program.encode(reading.x), reading.lengths, states)
    before = _before_first(program, states, len(reading.present)) if states and reading.begins_masked else None
    return reading.outputs(program.decode(codes), before)


def _before_first(program: Program, states: Mapping[str, ArrayLike], batch: int) -> NDArray[np.float64]:
    """Return the outputs (batch, outputs) of sequences that have not run: what closing operations make of these states, exactly."""
    last, x = program.sweeps[-1], program.input
    closing = program.operations[len(program.operations) - last.operations + last.step_operations :]
    whole = replace(last, operations=len(closing), step_operations=0, returns_last=True)
    sweep = replace(whole, source=0, input_start=x.start, input_length=x.length)
    inputs = np.tile(program.arena[x.start : x.start + x.length], (batch, 1, 1))
    still = Reference(replace(program, operations=closing, sweeps=(sweep,)))
    return program.decode(still.run_codes(inputs, initial_codes(program, states, batch)))


def run_sequences(
    program: Program, codes: Codes, lengths: ArrayLike | None, states: Mapping[str, ArrayLike] | None, run: RunBatch
) -> Codes:
    """Run sequences of a program of one phase, those of one length at a time; arguments and result as of ``Engine.run_codes``."""
    inputs, has_batch = batched(program, codes, ("batch", "time", "features"))
    if len(program.phases) > 1:
        raise ProgramError(f"the program has {len(program.phases)} phases; use run_phases")
    batch, timesteps, _ = inputs.shape
    if timesteps == 0:
        raise ModelError("the sequences hold no timestep; give at least 1")
    initial = initial_codes(program, states, batch)
    if lengths is None and batch > 0:
        return _in_form(program, run([inputs], [timesteps], initial), has_batch)
    counts = checked_lengths(lengths, batch, timesteps)
    kept = 1 if program.returns_last else timesteps
    outputs = np.zeros((batch, kept, program.output.length), np.int16)
    for length, rows in equal_lengths(counts):
        own = {start: values[rows] for start, values in initial.items()}
        outputs[rows, : min(length, kept)] = run([np.ascontiguousarray(inputs[rows, :length])], [length], own)
    return _in_form(program, outputs, has_batch)


def run_phases(
    program: Program, inputs: Sequence[Codes], timesteps: Sequence[int], initial: Mapping[int, Codes] | None, run: RunBatch
) -> Codes:
    """Run all phases of a program; arguments and result as of ``Engine.run_phases``."""
    check_runs(program, inputs, timesteps)
    has_batch = inputs[0].ndim == 3
    axis = () if has_batch else (np.newaxis,)
    given = [as_c_has_them(codes[axis]) for codes in inputs]
    states = {start: values[axis] for start, values in (initial or {}).items()}
    return _in_form(program, run(given, timesteps, states), has_batch)


def _in_form(program: Program, outputs: Codes, has_batch: bool) -> Codes:
    """Take away the axes that a sequence's outputs have not."""
    if program.returns_last:
        outputs = outputs[:, -1]
    return outputs if has_batch else outputs[0]


def initial_codes(program: Program, states: Mapping[str, ArrayLike] | None, batch: int) -> Initial:
    """Return the codes of initial states, values (batch, length) by name, and where they belong; values too large saturate.

    Raises :class:`ModelError` for a name that is no state of the program (``layer/state``), or a shape that does not fit.
    """
    if not states:
        return {}
    known = {part.name: part for part in program.slices if part.name in program.metadata.get("states", ())}
    initial: Initial = {}
    for name, values in states.items():
        if name not in known:
            raise ModelError(f"the program has no state {name!r}; its states: {', '.join(known) or 'none'}")
        part = known[name]
        codes = encode(values, part.fraction, part.scale)
        if codes.shape != (batch, part.length):
            raise ModelError(f"state {name!r} has shape {codes.shape}; give {(batch, part.length)}")
        initial[part.start] = np.ascontiguousarray(codes[:, program.order(part)])
    return initial
