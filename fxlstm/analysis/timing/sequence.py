"""The work of a program's run, of reading an array out, of a pulse and of programming, as the firmware does it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fxlstm.analysis.timing.watched import WatchedCells, WatchedProduct
from fxlstm.analysis.timing.work import CountedFrontEnd, Step, Work
from fxlstm.board.driver import rows_per_reading
from fxlstm.board.fields import fixed_struct
from fxlstm.board.inference import timesteps_per_piece
from fxlstm.board.messages import Frame, encode_frame
from fxlstm.board.protocol import MESSAGE_BY_NAME
from fxlstm.core.engine import Engine
from fxlstm.program.hardware import load_board
from fxlstm.program.program import Codes, Phase, Program
from fxlstm.program.scheme import READ_CODE, READ_RANGE


def run_work(program: Program, inputs: Sequence[Codes], timesteps: Sequence[int], front_end: CountedFrontEnd) -> None:
    """Count a whole run on the array, from rest to rest; arguments as of :meth:`fxlstm.Engine.run_phases`.

    Exact where each phase fits one piece; every further piece counts the rest that it ends with, and no row anew after it.
    """
    work = front_end.work
    front_end.rest()  # the request that resets the sequence runs no timestep and ends at rest, as all do
    _count_request(work, "run", 0, 0)
    Engine(program, WatchedProduct(program, front_end)).run_phases(inputs, timesteps)
    for phase, number in zip(program.phases, timesteps, strict=True):
        _count_elements(program, phase, number, work)
        last = phase is program.phases[-1]
        pieces = -(-number // timesteps_per_piece(phase, silent=not last))
        for _ in range(pieces):
            front_end.rest()
        outputs = phase.output[1] * (1 if phase.returns_last else number) * last
        _count_request(work, "run", 2 * phase.input[1] * number, 2 * outputs, pieces)


def read_out_work(front_end: CountedFrontEnd) -> None:
    """Count the reading of every conductance, as many rows with each request as its answer holds."""
    rows = np.eye(front_end.rows, dtype=np.int64) * READ_CODE
    at_once = rows_per_reading(front_end.columns)
    for start in range(0, len(rows), at_once):
        here = rows[start : start + at_once]
        for codes in here:
            front_end.convert(READ_RANGE, codes)
        front_end.rest()
        _count_request(front_end.work, "read_conductance", 0, 2 * front_end.columns * len(here))


def pulse_work(front_end: CountedFrontEnd, microseconds: int) -> None:
    """Count one pulse on a whole row that the host asks for, every gate at a code of its own."""
    front_end.pulse(0, np.arange(1, front_end.columns + 1), microseconds)
    _count_request(front_end.work, "pulse", 2 * front_end.columns, 0)


def programming_work(program: Program, device: str, front_end: CountedFrontEnd) -> None:
    """Count the pulses and readings that simulated cells of a preset take, seed 0; what the host says meanwhile costs no time."""
    size = load_board(program.hardware.board)["array"]
    cells = WatchedCells(size["rows"], size["columns"], device, 0, program.hardware.board)
    cells.counted = front_end
    cells.program(program)
    front_end.rest()
    front_end.work[Step.CELLS] += front_end.work[Step.DRIVE] + front_end.work[Step.GATES]


def _count_elements(program: Program, phase: Phase, timesteps: int, work: Work) -> None:
    for sweep, first in zip(phase.sweeps, phase.first_operations, strict=True):
        runs, wanted = timesteps // sweep.period, 1 if phase.returns_last else timesteps // sweep.period
        for index, operation in enumerate(program.operations[first : first + sweep.operations]):
            work[Step.ELEMENT] += operation.length * (runs if index < sweep.step_operations else wanted)


def request_bytes(message: str, request_tail: int, answer_tail: int) -> int:
    """Bytes on the line of a request and its answer, whose variable parts have so many."""
    fixed = (fixed_struct(fields).size for fields in (MESSAGE_BY_NAME[message].request, MESSAGE_BY_NAME[message].answer))
    empty = len(encode_frame(Frame(1, 1, 1, 1, b"")))
    return sum(fixed) + 2 * empty + request_tail + answer_tail


def _count_request(work: Work, message: str, request_tail: int, answer_tail: int, times: int = 1) -> None:
    """Count requests whose variable parts, of all together, have so many bytes, and their answers."""
    work[Step.REQUEST] += times
    work[Step.SERIAL_BYTE] += times * request_bytes(message, 0, 0) + request_tail + answer_tail
