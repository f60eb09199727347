"""What a run of a program's phases is given."""

from __future__ import annotations

from collections.abc import Sequence

from fxlstm.errors import ProgramError
from fxlstm.program.program import Codes, Program


def check_runs(program: Program, inputs: Sequence[Codes], timesteps: Sequence[int]) -> None:
    """Raise :class:`ProgramError` unless each phase of the program gets codes that it can run for so many timesteps."""
    if not len(inputs) == len(timesteps) == len(program.phases):
        raise ProgramError(f"{len(inputs)} inputs and {len(timesteps)} lengths for a program of {len(program.phases)} phases")
    forms = {codes.shape[:-2] for codes in inputs}
    if len(forms) != 1 or any(codes.ndim not in (2, 3) for codes in inputs):
        shapes = ", ".join(str(codes.shape) for codes in inputs)
        raise ProgramError(f"input codes of shape {shapes}; give (time, inputs), or (batch, time, inputs) with one batch for all")
    for index, (phase, codes, count) in enumerate(zip(program.phases, inputs, timesteps, strict=True)):
        given, features = codes.shape[-2:]
        if features != phase.input[1]:
            raise ProgramError(f"phase {index} is given {features} codes per timestep and takes {phase.input[1]}")
        if count < 1 or given > count:
            raise ProgramError(f"phase {index} is to run for {count} timesteps, with inputs for {given} of them")
        if not phase.streams and features and given != count:
            raise ProgramError(
                f"phase {index} reads backward: it runs for as many timesteps as it has inputs, {given}, not {count}"
            )
