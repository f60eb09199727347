"""Everything that runs a program, by the name of its column; the reference interpreter, the definition, stands apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.board.board import Board
from fxlstm.core.engine import Engine
from fxlstm.crossbar.integer import IntegerArray
from fxlstm.crossbar.simulated import SimulatedArray
from fxlstm.program.program import Codes, Program
from fxlstm.program.reference import Reference
from fxlstm.program.running.sequences import checked_lengths, initial_codes

COLUMNS = ("engine", "integer array", "simulated array", "firmware", "emu://host")


class Runner(Protocol):
    """A program on something that runs it."""

    @property
    def program(self) -> Program:
        """The program."""
        ...

    def run_codes(self, codes: Codes, lengths: ArrayLike | None = None, states: Mapping[str, ArrayLike] | None = None) -> Codes:
        """Run sequences (batch, time, inputs) from reset, as :meth:`fxlstm.Engine.run_codes`."""
        ...

    def run_phases(self, inputs: Sequence[Codes], timesteps: Sequence[int]) -> Codes:
        """Run the phases on batches, as :meth:`fxlstm.Engine.run_phases`."""
        ...


class Definition:
    """The reference interpreter, sequence by sequence."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._reference = Reference(program)

    def run_codes(self, codes: Codes, lengths: ArrayLike | None = None, states: Mapping[str, ArrayLike] | None = None) -> Codes:
        batch, time, _ = codes.shape
        initial = initial_codes(self.program, states, batch)
        outputs = np.zeros((batch, time, self.program.output.length), np.int16)
        for index, length in enumerate(checked_lengths(lengths, batch, time)):
            own = {start: values[index] for start, values in initial.items()}
            outputs[index, :length] = self._reference.run_codes(codes[index, :length], own)
        return outputs[:, 0] if self.program.returns_last else outputs

    def run_phases(self, inputs: Sequence[Codes], timesteps: Sequence[int]) -> Codes:
        return self._reference.run_phases(inputs, timesteps)


class OnBoard:
    """A program on a board, multiplied by the array's cells or by the firmware's own integers."""

    def __init__(self, board: Board, program: Program, on_array: bool) -> None:
        self._board, self.program, self._on_array = board, program, on_array

    def run_codes(self, codes: Codes, lengths: ArrayLike | None = None, states: Mapping[str, ArrayLike] | None = None) -> Codes:
        return self._board.run_codes(codes, lengths, states, on_array=self._on_array)

    def run_phases(self, inputs: Sequence[Codes], timesteps: Sequence[int]) -> Codes:
        return self._board.run_phases(inputs, timesteps, on_array=self._on_array)


@contextmanager
def emulated_board() -> Iterator[Board]:
    """A board in this process with an ideal array."""
    with Board("emu://host?device=ideal", log=False) as board:
        yield board


def runners(program: Program, board: Board) -> dict[str, Runner]:
    """Return the program on everything that runs it; its weights are written into the cells of both arrays."""
    array = SimulatedArray(device="ideal")
    array.program(program)
    board.program(program)
    found: Sequence[Runner] = (
        Engine(program),
        Engine(program, array=IntegerArray(program)),
        Engine(program, array=array),
        OnBoard(board, program, on_array=False),
        OnBoard(board, program, on_array=True),
    )
    return dict(zip(COLUMNS, found, strict=True))
