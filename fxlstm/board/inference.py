"""The network on the board: phases in pieces that fit a frame, the state carried on the board from piece to piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.board.driver import Driver
from fxlstm.board.fields import fixed_struct
from fxlstm.board.protocol import MAX_PAYLOAD, MESSAGE_BY_NAME, RUN_FLAGS
from fxlstm.errors import ProgramError
from fxlstm.program.formats import decode
from fxlstm.program.program import Codes, Phase, Program, Slice

LONGEST_PIECE = 512  # timesteps: bounds the time until an answer, however short the vectors are

Call = tuple[str, dict[str, Any]]


def _codes_in_request(message: str) -> int:
    return (MAX_PAYLOAD - fixed_struct(MESSAGE_BY_NAME[message].request).size) // 2


_CODES_IN_RUN = _codes_in_request("run")
_CODES_IN_STATE = _codes_in_request("put_state")
_CODES_IN_ANSWER = MAX_PAYLOAD // 2


def check_vectors(program: Program) -> None:
    """Raise :class:`ProgramError` for a program whose vectors are longer than a frame."""
    for phase in program.phases:
        inputs, outputs = phase.input[1], phase.output[1]
        if inputs > _CODES_IN_RUN or outputs > _CODES_IN_ANSWER:
            raise ProgramError(
                f"vectors of {inputs} inputs and {outputs} outputs do not fit a frame of {MAX_PAYLOAD} bytes; "
                "run the program on the host with Engine(program, array=board)"
            )


def run_sequence(
    driver: Driver,
    program: Program,
    inputs: Sequence[Codes],
    timesteps: Sequence[int],
    initial: Mapping[int, Codes],
    on_array: bool = True,
) -> Codes:
    """Run every phase of the program that the board holds over one sequence from reset; return the last phase's outputs.

    ``inputs``: codes (given, inputs) for each phase; ``timesteps``: how many each runs; ``initial``: codes (length,) to put into
    the arena first, by their index there. Returns (time, outputs), time 1 when the program returns its last output only.
    ``on_array=False`` multiplies by the integers in the image instead of the array's cells.
    """
    check_vectors(program)
    always = on_array * RUN_FLAGS["on_array"]
    calls = [_run(RUN_FLAGS["reset"] | always)]
    calls += [call for start, codes in initial.items() for call in _put_state(start, codes)]
    for index, (codes, count) in enumerate(zip(inputs, timesteps, strict=True)):
        silent = index < len(program.phases) - 1
        calls += _phase_calls(program.phases[index], index, codes, count, always | silent * RUN_FLAGS["silent"])
    answers = driver.link.requests(calls)
    outputs = [answer["codes"] for (name, _), answer in zip(calls, answers, strict=True) if name == "run"]
    return np.concatenate(outputs).reshape(-1, program.output.length)


def read_states(driver: Driver, program: Program) -> dict[str, NDArray[np.float64]]:
    """Return the values of the program's states, (length,) by name, as the last sequence left them."""
    names = program.metadata.get("states", ())
    parts = [part for part in program.slices if part.name in names]
    codes = {part.name: _read_codes(driver, part)[np.argsort(program.order(part))] for part in parts}
    return {part.name: decode(codes[part.name], part.fraction, part.scale) for part in parts}


def _read_codes(driver: Driver, part: Slice) -> Codes:
    end = part.start + part.length
    pieces = [(at, min(_CODES_IN_ANSWER, end - at)) for at in range(part.start, end, _CODES_IN_ANSWER)]
    answers = driver.link.requests([("get_state", {"start": at, "length": count}) for at, count in pieces])
    return np.concatenate([answer["codes"] for answer in answers])


def _run(flags: int, phase: int = 0, further: int = 0, codes: Codes | None = None) -> Call:
    return "run", {"flags": flags, "phase": phase, "further": further, "codes": np.empty(0, np.int16) if codes is None else codes}


def _put_state(start: int, codes: Codes) -> Iterator[Call]:
    for at in range(0, len(codes), _CODES_IN_STATE):
        yield "put_state", {"start": start + at, "codes": codes[at : at + _CODES_IN_STATE]}


def _phase_calls(phase: Phase, index: int, codes: Codes, timesteps: int, always: int) -> Iterator[Call]:
    """Pieces of one phase: those with codes, those that run on beyond them, and those that only fetch outputs."""
    silent = bool(always & RUN_FLAGS["silent"])
    step = timesteps_per_piece(phase, silent)
    for start in range(0, timesteps, step):
        end = min(start + step, timesteps)
        flags = always | (start == 0) * RUN_FLAGS["select"] | (end == timesteps) * RUN_FLAGS["last_piece"]
        given = codes[start:end] if phase.input[1] else codes[:0]
        yield _run(flags, index, end - start - len(given), given)
    if not (silent or phase.streams or phase.returns_last):
        for _ in range(_answers(phase, timesteps) - 1):
            yield _run(always | RUN_FLAGS["last_piece"], index)


def timesteps_per_piece(phase: Phase, silent: bool) -> int:
    """How many timesteps fit one frame both ways."""
    limits = [LONGEST_PIECE]
    if phase.input[1]:
        limits.append(_CODES_IN_RUN // phase.input[1])
    if phase.streams and not (silent or phase.returns_last):
        limits.append(_CODES_IN_ANSWER // phase.output[1])
    return min(limits)


def _answers(phase: Phase, timesteps: int) -> int:
    """How many answers hold the outputs of a phase that gives none before it has all its inputs."""
    return -(-timesteps // (_CODES_IN_ANSWER // phase.output[1]))
