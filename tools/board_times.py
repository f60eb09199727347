#!/usr/bin/env python3
"""Count what the firmware's processor executes for each step of its work, for ``[microcontroller.instructions]`` of the board file.

The ELF file on the emulated STM32F405 reads, multiplies, pulses and runs programs. Of the time that passes at its pins, what the
model says is waiting is taken away; the rest is shared out among the steps by least squares, as instructions of so many cycles.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from scipy.optimize import nnls

from fxlstm.analysis.timing.prices import INSTRUCTIONS, prices
from fxlstm.analysis.timing.sequence import programming_work, request_bytes, run_work
from fxlstm.analysis.timing.work import CountedFrontEnd, Step, Work
from fxlstm.app.demos.airline_task import AirlineTask, load_trained
from fxlstm.app.firmware import build
from fxlstm.board.board import Board
from fxlstm.emulator.board import EmulatedBoard
from fxlstm.network import Network, dense, gru, lstm
from fxlstm.program.hardware import Hardware, load_board
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.scheme import READ_CODE
from fxlstm.urls.protocol_emu import emulated_board

NAME = "board_times"
SHORT, LONG = 2, 20  # timesteps
LINK = ("request", "serial_byte")
Measured = tuple[Work, float]  # and microseconds


class Bench:
    """A board and the model of its front end, side by side."""

    def __init__(self, elf: str) -> None:
        self.board = Board(f"emu://stm32f405?device=ideal&seed=1&board={NAME}&elf={elf}", log=False)
        self.emulated: EmulatedBoard = emulated_board(NAME)
        self.front_end = CountedFrontEnd()
        self.measured: list[Measured] = []
        self._pins = Pins(self.emulated)

    @contextmanager
    def measuring(self) -> Iterator[CountedFrontEnd]:
        """Measure from the first to the last thing that happens at the pins; the front end is to be told the same."""
        self.front_end.work.clear()
        self._pins.clear()
        yield self.front_end
        self.measured.append((Work(self.front_end.work), self._pins.moments[-1] - self._pins.moments[0]))

    def run(self, program: Program) -> None:
        """Measure the timesteps of a run on the array after the first few, from conversion to conversion of the first tile."""
        x = np.random.default_rng(2).uniform(-1, 1, (LONG, program.input.length))
        self._pins.clear()
        self.board.run(x)
        firsts = self._pins.conversions[:: len(self._pins.conversions) // LONG]
        work = counted_run(program, x)
        work.subtract(counted_run(program, x[:SHORT]))
        work[Step.SERIAL_BYTE] = 0  # all inputs are there before, no output has gone
        self.measured.append((work, firsts[LONG - 1] - firsts[SHORT - 1]))


def counted_run(program: Program, x: np.ndarray) -> Work:
    """The work of a run."""
    front_end = CountedFrontEnd(program.hardware.board)
    run_work(program, [program.encode(x)], [len(x)], front_end)
    return front_end.work


class Pins:
    """Microseconds at which the board's selects and lines move, and those of conversions."""

    def __init__(self, emulated: EmulatedBoard) -> None:
        self.moments: list[float] = []
        self.conversions: list[float] = []
        self._now = emulated.clock.now
        bus, select, drive = emulated.bus, emulated.bus.select, emulated.bus.drive
        convert = load_board("reference")["pins"]["convert"]

        def selected(chip: int, low: bool | None) -> None:
            self.moments.append(self._now() / 1e3)
            select(chip, low)

        def driven(pin: int, high: bool | None) -> None:
            self.moments.append(self._now() / 1e3)
            if pin == convert and high:
                self.conversions.append(self.moments[-1])
            drive(pin, high)

        bus.select, bus.drive = selected, driven  # type: ignore[method-assign]

    def clear(self) -> None:
        """Forget all."""
        self.moments.clear()
        self.conversions.clear()


def measure_front_end(bench: Bench) -> None:
    """Readings, products and pulses."""
    rows, columns = bench.front_end.rows, bench.front_end.columns
    random = np.random.default_rng(0)
    for range_index, row_count, log2_reads in ((0, 1, 0), (0, 6, 0), (1, 1, 0), (2, 3, 0), (3, 1, 0), (0, 1, 4), (0, 2, 2)):
        with bench.measuring() as front_end:
            bench.board.read_conductance(slice(row_count), range=range_index, reads=1 << log2_reads)
            for codes in np.eye(rows, dtype=np.int64)[:row_count] * READ_CODE:
                front_end.convert(range_index, codes, 1 << log2_reads)
            front_end.rest()
    for driven in (0, 16, 64, 128):
        codes = np.where(np.arange(rows) < driven, random.integers(1, 1000, rows), 0)
        with bench.measuring() as front_end:
            bench.board.multiply(codes[np.newaxis].astype(np.int16), 0)
            front_end.convert(0, codes)
            front_end.rest()
    for gates, microseconds in ((1, 20), (32, 50), (64, 100)):
        codes = np.where(np.arange(columns) < gates, random.integers(1, 20000, columns), 0)
        with bench.measuring() as front_end:
            bench.board._driver.pulse(3, 1000, microseconds, codes.astype(np.uint16))
            front_end.pulse(3, codes, microseconds)


def programs() -> Iterator[Program]:
    """Networks of several sizes and kinds."""
    random = np.random.default_rng(1)
    yield quantize(load_trained(), AirlineTask.load().inputs, Hardware())
    for size in (2, 8, 14):
        for layer, gates in ((lstm, 4), (gru, 3)):
            weights = random.normal(0, 0.3, (3, gates * size)), random.normal(0, 0.3, (size, gates * size)), np.zeros(gates * size)
            layers = layer(*weights), dense(random.normal(0, 0.3, (size, 2)), np.zeros(2))
            yield quantize(Network(layers), random.uniform(-1, 1, (40, 3)), Hardware())


def measure_programs(bench: Bench) -> None:
    """Each program written into ideal cells, and run on the array."""
    for program in programs():
        with bench.measuring() as front_end:
            bench.board.program(program)
            programming_work(program, "ideal", front_end)
        bench.run(program)


def measure_link(bench: Bench) -> tuple[float, float]:
    """Instructions of a request, and of each byte of it and its answer."""
    lengths, instructions, sizes = (1, 101), [], []
    for length in lengths:
        before = bench.emulated.instructions or 0
        bench.board._link.request("get_state", start=0, length=length)
        instructions.append((bench.emulated.instructions or 0) - before)
        sizes.append(request_bytes("get_state", 0, 2 * length))
    each = (instructions[1] - instructions[0]) / (sizes[1] - sizes[0])
    return instructions[0] - each * sizes[0], each


def fit(measured: list[Measured]) -> dict[str, float]:
    """Return the instructions of each step, by their names in the board file; all at least 0."""
    board, price = load_board("reference")["microcontroller"], prices()
    names = [name for name in dict.fromkeys(INSTRUCTIONS.values()) if name not in LINK]
    steps = {name: [step for step, other in INSTRUCTIONS.items() if other == name] for name in names}
    counts = np.array([[sum(work[step] for step in steps[name]) for name in names] for work, _ in measured], float)
    waiting = np.array([sum(price[step].waiting * count for step, count in work.items()) for work, _ in measured])
    total = np.array([microseconds for _, microseconds in measured])
    scale = board["processor_hertz"] / board["instructions"]["cycles_each"] / 1e6
    found, _ = nnls(counts / total[:, np.newaxis], (total - waiting) / total)
    print("worst error of the fit:", f"{np.abs((counts @ found + waiting) / total - 1).max():.1%}")
    return {name: float(value) for name, value in zip(names, found * scale, strict=True)}


def main() -> None:
    """Print the section of the board file."""
    bench = Bench(str(build("stm32f405", "gcc")))
    with bench.board:
        measure_front_end(bench)
        measure_programs(bench)
        found = fit(bench.measured) | dict(zip(LINK, measure_link(bench), strict=True))
    for name, instructions in found.items():
        print(f"{name} = {instructions:.0f}")


if __name__ == "__main__":
    main()
