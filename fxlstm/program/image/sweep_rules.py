"""What the sweeps of a program must satisfy, alone and in their phases; ``fxlstm/core/check_sweeps.c`` holds the same rules."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Never

from fxlstm.errors import ImageError, from_status
from fxlstm.program.program import Parts, Phase, Sweep, phases_of
from fxlstm.status import STATUSES

_CODES = {status.symbol: status.code for status in STATUSES}


def refuse(symbol: str, context: str) -> Never:
    """Raise the :class:`ImageError` of a status symbol (``IMAGE_...``); ``context`` names the thing and its value."""
    error = from_status(_CODES[symbol], context)
    assert isinstance(error, ImageError)
    raise error


def check_sweeps(sweeps: Sequence[Sweep], arena_length: int, operations: int) -> None:
    """Check that sweeps share out the operations and read what stands in a timestep's record, then their phases."""
    for index, sweep in enumerate(sweeps):
        _check_sweep(sweep, arena_length, f"sweep {index}")
    total = sum(sweep.operations for sweep in sweeps)
    if not sweeps or total != operations:
        refuse("IMAGE_SWEEPS", f"{len(sweeps)} sweeps have {total} of {operations} operations")
    if sweeps[0].phase or any(after.phase - before.phase not in (0, 1) for before, after in pairwise(sweeps)):
        refuse("IMAGE_PHASES", f"sweeps of the phases {', '.join(str(sweep.phase) for sweep in sweeps)}")
    if not sweeps[0].input_length or not sweeps[-1].output_length:
        refuse("IMAGE_PHASES", f"an input of {sweeps[0].input_length} codes, an output of {sweeps[-1].output_length}")
    for index, phase in enumerate(phases_of(sweeps)):
        _check_phase(phase, f"phase {index}")


def _check_sweep(sweep: Sweep, arena_length: int, context: str) -> None:
    if not (0 <= sweep.step_operations <= sweep.operations and sweep.period >= 1):
        steps = f"step_operations {sweep.step_operations} of {sweep.operations}"
        refuse("IMAGE_SWEEPS", f"{context}: {steps}, period {sweep.period}")
    if sweep.period > 1 and sweep.step_operations < sweep.operations:
        refuse("IMAGE_SWEEPS", f"{context}: period {sweep.period}, but not all its operations are step_operations")
    for start, length in ((sweep.input_start, sweep.input_length), (sweep.output_start, sweep.output_length)):
        if min(start, length) < 0 or start + length > arena_length:
            refuse("IMAGE_SWEEPS", f"{context}: a slice at {start}, length {length}, in an arena of {arena_length}")


def _check_phase(phase: Phase, context: str) -> None:
    """Check what each sweep reads of the record, and what only the first and the last of a phase may have."""
    width = phase.input[1]
    for index, sweep in enumerate(phase.sweeps):
        first, last = index == 0, index == len(phase.sweeps) - 1
        if sweep.source < 0 or sweep.source + sweep.input_length > width:
            refuse("IMAGE_SWEEPS", f"{context}: codes {sweep.source} to {sweep.source + sweep.input_length} of a record of {width}")
        if not last and (sweep.returns_last or sweep.step_operations < sweep.operations):
            refuse("IMAGE_PHASES", f"{context}: only its last sweep may return its last output or leave operations to the output")
        if last and sweep.reverse:
            refuse("IMAGE_PHASES", f"{context}: its last sweep runs backward")
        if phase.streams and ((not first and sweep.input_length) or (not last and sweep.output_length)):
            refuse("IMAGE_PHASES", f"{context} streams: only its first sweep has an input, only its last an output")
        width += sweep.output_length


def check_parts(phases: Sequence[Parts], places: Sequence[tuple[int, int]]) -> bool:
    """Whether each phase's parts stand one after another and fill its slice (start, length)."""
    return len(phases) == len(places) and all(_fill(parts, *place) for parts, place in zip(phases, places, strict=True))


def _fill(parts: Parts, start: int, length: int) -> bool:
    end = start
    for part in parts:
        if part.start != end or part.length < 1:
            return False
        end += part.length
    return end == start + length
