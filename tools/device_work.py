#!/usr/bin/env python3
"""Print what a timestep of the airline network costs the firmware on the emulated STM32F405, as a table for docs/board.md.

Instructions are counted, microseconds are the emulator's: 1.25 cycles an instruction, SPI and serial line at their clocks. Both are
differences of a long and a short run, so what a run costs by itself is not in them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np

from fxlstm.app.demos.airline_task import AirlineTask, load_trained
from fxlstm.app.firmware import build
from fxlstm.board.board import Board
from fxlstm.emulator.board import EmulatedBoard
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.urls.protocol_emu import emulated_board

COMPILERS = {"gcc": "GCC -O2", "zig": "Clang (ziglang) -Os"}
SHORT, LONG = 24, 144


def measure(board: Board, name: str, inputs: np.ndarray, on_array: bool) -> tuple[float, float, float]:
    """Instructions, emulated microseconds and seconds of this computer per timestep."""
    emulated = emulated_board(name)
    costs = []
    for timesteps in (SHORT, LONG):
        before = _now(emulated)
        board.run(np.resize(inputs, (timesteps, inputs.shape[-1])), on_array=on_array)
        costs.append(_now(emulated) - before)
    instructions, microseconds, seconds = (costs[1] - costs[0]) / (LONG - SHORT)
    return float(instructions), float(microseconds), float(seconds)


def _now(emulated: EmulatedBoard) -> np.ndarray:
    assert emulated.instructions is not None
    return np.array([emulated.instructions, emulated.clock.now() / 1e3, time.process_time()])


def rows(program: Program, inputs: np.ndarray) -> Iterable[str]:
    """Lines of the table."""
    for compiler, words in COMPILERS.items():
        url = f"emu://stm32f405?device=ideal&seed=1&board={compiler}&elf={build('stm32f405', compiler)}"
        with Board(url, log=False) as board:
            board.program(program)
            for on_array, where in ((False, "integers on the processor"), (True, "the emulated array")):
                instructions, microseconds, seconds = measure(board, compiler, inputs, on_array)
                yield f"| {words} | {where} | {instructions:,.0f} | {microseconds:,.0f} | {1e3 * seconds:.1f} |"


def main() -> None:
    """Print the table."""
    inputs = AirlineTask.load().inputs
    program = quantize(load_trained(), inputs, Hardware())
    print("| compiler | products by | instructions a timestep | microseconds a timestep | milliseconds to emulate it |")
    print("| --- | --- | --- | --- | --- |")
    for row in rows(program, inputs):
        print(row, flush=True)


if __name__ == "__main__":
    main()
