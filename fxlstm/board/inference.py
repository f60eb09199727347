"""The network on the board: whole sequences in pieces that fit a frame, the state carried on the board from piece to piece."""

from __future__ import annotations

import numpy as np

from fxlstm.board.driver import Driver
from fxlstm.board.protocol import MAX_PAYLOAD, MESSAGE_BY_NAME, RUN_FLAGS, fixed_struct
from fxlstm.errors import ProgramError
from fxlstm.program.program import Codes, Program

_CODES_IN_REQUEST = (MAX_PAYLOAD - fixed_struct(MESSAGE_BY_NAME["run"].request).size) // 2
_CODES_IN_ANSWER = MAX_PAYLOAD // 2


def timesteps_per_piece(program: Program) -> int:
    """How many timesteps fit one frame both ways. Raises :class:`ProgramError` for vectors longer than a frame."""
    limits = [_CODES_IN_REQUEST // program.input.length, _CODES_IN_ANSWER // program.output.length]
    if min(limits) == 0:
        raise ProgramError(
            f"vectors of {program.input.length} inputs and {program.output.length} outputs do not fit a frame of {MAX_PAYLOAD} "
            "bytes; run the program on the host with Engine(program, array=board)"
        )
    return min(limits) if program.streams and not program.returns_last else limits[0]


def _further_answers(program: Program, timesteps: int) -> int:
    """How many answers beyond the last piece's hold the outputs of a program that gives none before it has all its inputs."""
    if program.streams or program.returns_last:
        return 0
    per_answer = _CODES_IN_ANSWER // program.output.length
    return -(-timesteps // per_answer) - 1


def _call(flags: int, codes: Codes) -> tuple[str, dict[str, object]]:
    return "run", {"flags": flags, "reserved": 0, "codes": codes}


def run_sequence(driver: Driver, program: Program, codes: Codes, on_array: bool = True) -> Codes:
    """Run the program that the board holds over input codes (time, inputs), from its reset state.

    Returns (time, outputs), or (outputs,) when the program returns its last output only. ``on_array=False`` multiplies by the
    integers in the image instead of the array's cells.
    """
    step = timesteps_per_piece(program)
    calls = []
    for start in range(0, len(codes), step):
        flags = (start == 0) * RUN_FLAGS["reset"] | on_array * RUN_FLAGS["on_array"]
        flags |= (start + step >= len(codes)) * RUN_FLAGS["last_piece"]
        calls.append(_call(flags, codes[start : start + step]))
    more = on_array * RUN_FLAGS["on_array"] | RUN_FLAGS["last_piece"]
    calls += [_call(more, codes[:0])] * _further_answers(program, len(codes))
    outputs = np.concatenate([answer["codes"] for answer in driver.link.requests(calls)])
    return outputs if program.returns_last else outputs.reshape(len(codes), program.output.length)
