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
    return limits[0] if program.returns_last else min(limits)


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
        calls.append(("run", {"flags": flags, "reserved": 0, "codes": codes[start : start + step]}))
    outputs = np.concatenate([answer["codes"] for answer in driver.link.requests(calls)])
    return outputs if program.returns_last else outputs.reshape(len(codes), program.output.length)
