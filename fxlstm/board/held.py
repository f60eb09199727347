"""The program that a board holds: brought to it where it fits, run on it sequence after sequence, every run logged."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fxlstm.board.driver import Driver
from fxlstm.board.inference import read_states, run_sequence
from fxlstm.board.transfer import send_object
from fxlstm.errors import ArrayError, ProgramError
from fxlstm.program.hardware import load_board
from fxlstm.program.mapping import check_placement
from fxlstm.program.program import Codes, Program
from fxlstm.program.running.sequences import Initial


class HeldProgram:
    """What the board behind ``driver`` holds. ``loaded``: the program that was last brought to it from here, if any."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._crc = 0  # of its image
        self.loaded: Program | None = None

    @property
    def needed(self) -> Program:
        """The program brought here. Raises :class:`ProgramError` where there is none."""
        if self.loaded is None:
            raise ProgramError(
                f"no program has been brought to the board on {self._driver.info.url}; call program() or load() first"
            )
        return self.loaded

    def check_fits(self, program: Program) -> None:
        """Refuse a program made for other converters, ranges or another array."""
        hardware, info, board = program.hardware, self._driver.info, self._driver.hardware.board
        if hardware.adc_bits != 16:
            raise ProgramError(
                f"the program is quantized with adc_bits = {hardware.adc_bits} and the board's ADCs have 16 bits; quantize for 16"
            )
        if load_board(hardware.board)["front_end"] != load_board(board)["front_end"]:
            raise ProgramError(
                f"the program is made for the ranges of board {hardware.board!r} and this is {board!r}; quantize for that"
            )
        try:
            check_placement(program, info.rows, info.columns)
        except ArrayError as error:
            raise ProgramError(f"the program does not fit the board on {info.url}: {error}") from error

    def bring(self, program: Program) -> None:
        """Send a program that fits, unless the board holds it already."""
        self.check_fits(program)
        image, capacity = program.to_bytes(), self._driver.info.program_capacity
        if len(image) > capacity and zlib.crc32(image) != self._driver.snapshot()["program_crc"]:
            raise ProgramError(
                f"the program's image has {len(image)} bytes and the board holds {capacity}; choose a smaller network or run it on "
                "the host with Engine(program, array=board)"
            )
        self.loaded = None
        self._crc = send_object(self._driver.link, "program", image)
        self.loaded = program

    def run(self, inputs: Sequence[Codes], timesteps: Sequence[int], initial: Initial, on_array: bool) -> Codes:
        """Run every sequence of a batch from reset."""
        return np.stack([self._run_one(inputs, timesteps, initial, index, on_array) for index in range(len(inputs[0]))])

    def _run_one(self, inputs: Sequence[Codes], timesteps: Sequence[int], initial: Initial, index: int, on_array: bool) -> Codes:
        given = [codes[index] for codes in inputs]
        states = {start: values[index] for start, values in initial.items()}
        outputs = run_sequence(self._driver, self.needed, given, timesteps, states, on_array)
        self._driver.log_run(self._crc, on_array, given, timesteps, states, outputs)
        return outputs

    def states(self) -> dict[str, NDArray[np.float64]]:
        """Return the values of every state as the last sequence left it, by the names ``layer/state``."""
        return read_states(self._driver, self.needed)
