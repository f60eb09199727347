"""The times that a program takes on a physical board, as tables that say what dominates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.analysis.timing.prices import Price, assumptions, prices
from fxlstm.analysis.timing.sequence import programming_work, pulse_work, read_out_work, run_work
from fxlstm.analysis.timing.work import CountedFrontEnd, Step, Work
from fxlstm.errors import ModelError
from fxlstm.program.program import Codes, Program

HEADS = ("what", "times", "waiting, us", "computing, us", "share")
TYPICAL_TIMESTEPS = 32
PULSE_MICROSECONDS = 100


@dataclass(frozen=True)
class TimeRow:
    """One step of the work: how often it comes, and microseconds of all of it together, see :class:`Price`."""

    step: str
    times: float
    waiting: float
    computing: float

    @property
    def microseconds(self) -> float:
        """Both."""
        return self.waiting + self.computing


@dataclass(frozen=True)
class TimeTable:
    """What one thing takes. ``print`` it; ``microseconds`` is the sum of its ``rows``, the dearest first.

    ``line_overlaps``: requests follow each other without a pause, so that bytes are on the serial line while the board works; it
    then takes as long as the longer of the two.
    """

    title: str
    rows: tuple[TimeRow, ...]
    line_overlaps: bool = False

    @classmethod
    def of(cls, title: str, work: Work, price: Mapping[Step, Price], each: float = 1.0, line_overlaps: bool = False) -> TimeTable:
        """The table of some work, divided by ``each``."""
        rows = [
            TimeRow(step.value, count / each, count / each * price[step].waiting, count / each * price[step].computing)
            for step, count in work.items()
            if count and price[step].microseconds
        ]
        return cls(title, tuple(sorted(rows, key=lambda row: -row.microseconds)), line_overlaps)

    @property
    def microseconds(self) -> float:
        """Expected time."""
        line = sum(row.waiting for row in self.rows if self._overlaps(row))
        return max(line, sum(row.microseconds for row in self.rows) - line)

    @property
    def dominant(self) -> TimeRow:
        """What takes longest."""
        return max(self.rows, key=self.share)

    def share(self, row: TimeRow) -> float:
        """Part of the whole time that a row takes, 0 to 1; with what overlaps, they add up to more than 1."""
        return (max(row.waiting, row.computing) if self._overlaps(row) else row.microseconds) / self.microseconds

    def _overlaps(self, row: TimeRow) -> bool:
        return self.line_overlaps and row.step == Step.SERIAL_BYTE.value

    @property
    def time(self) -> str:
        """The time in its handiest unit."""
        for unit, size in (("s", 1e6), ("ms", 1e3)):
            if self.microseconds >= size:
                return f"{self.microseconds / size:.3g} {unit}"
        return f"{self.microseconds:.3g} us"

    @property
    def summary(self) -> str:
        """A sentence: how long it takes, and what dominates."""
        line = ", the line busy meanwhile" if self.line_overlaps else ""
        return f"{self.title}: {self.time}{line}, most by {self.dominant.step} ({self.share(self.dominant):.0%})"

    def table(self) -> list[tuple[str, ...]]:
        """The rows as text, under :data:`HEADS`."""
        return [
            (
                row.step,
                f"{row.times:,.4g}" if row.times < 1000 else f"{row.times:,.0f}",
                f"{row.waiting:,.1f}",
                f"{row.computing:,.1f}",
                f"{self.share(row):.0%}",
            )
            for row in self.rows
        ]

    def __str__(self) -> str:
        rows = [HEADS, *self.table()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
        lines = ["  ".join((row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:]))) for row in rows]
        return "\n".join([self.summary, *lines])


@dataclass(frozen=True)
class BoardTimes:
    """What a program takes on a physical board: a timestep, reading the whole array out, a pulse on a row, writing its cells."""

    board: str
    timestep: TimeTable
    read_out: TimeTable
    pulse: TimeTable
    programming: TimeTable

    @property
    def tables(self) -> tuple[TimeTable, ...]:
        """All of them."""
        return self.timestep, self.read_out, self.pulse, self.programming

    @property
    def assumptions(self) -> str:
        """What the times rest on, in a sentence."""
        return assumptions(self.board)

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        named = {"timestep": self.timestep, "read_out": self.read_out, "pulse": self.pulse, "programming": self.programming}
        return {"board": self.board, "assumptions": self.assumptions} | {
            name: asdict(table) | {"microseconds": table.microseconds, "dominant": table.dominant.step}
            for name, table in named.items()
        }

    def __str__(self) -> str:
        return "\n\n".join([*map(str, self.tables), self.assumptions])


def board_times(program: Program, x: ArrayLike | None = None, device: str = "ta-hfo2") -> BoardTimes:
    """Return what ``program`` is expected to take on the physical board that it was made for.

    ``x``: one typical sequence (time, features); by default random values of full scale, which move every row at every timestep.
    A timestep is the mean over the sequence, with all that the run begins and ends with; where a program has several phases, one of
    each, over random values. ``device``: preset of the cells that are written, in a simulation that counts pulses.
    Frames are counted exactly; a microsecond is as good as the clocks and counts in the board file, see docs/board.md.
    Raises :class:`ModelError` for an x that does not fit, :class:`ArrayError` for a program or cells that do not suit the board.
    """
    name = program.hardware.board
    price = prices(name)
    inputs, timesteps = _inputs(program, x)
    run, read_out, pulse, programming = (CountedFrontEnd(name) for _ in range(4))
    run_work(program, inputs, [timesteps] * len(inputs), run)
    read_out_work(read_out)
    pulse_work(pulse, PULSE_MICROSECONDS)
    programming_work(program, device, programming)
    return BoardTimes(
        name,
        TimeTable.of(f"A timestep, mean of {timesteps}", run.work, price, timesteps),
        TimeTable.of(f"Reading {read_out.rows} x {read_out.columns} cells", read_out.work, price, line_overlaps=True),
        TimeTable.of(f"A pulse of {PULSE_MICROSECONDS} us on a row", pulse.work, price),
        TimeTable.of(f"Writing the program's cells, {device}", programming.work, price),
    )


def _inputs(program: Program, x: ArrayLike | None) -> tuple[list[Codes], int]:
    """Codes for each phase, and of how many timesteps."""
    if x is None:
        random = np.random.default_rng(0)
        shapes = [(TYPICAL_TIMESTEPS, phase.input[1]) for phase in program.phases]
        return [random.integers(-32767, 32767, shape, np.int16, endpoint=True) for shape in shapes], TYPICAL_TIMESTEPS
    if len(program.phases) > 1:
        raise ModelError("a program of several phases has its times for random inputs only; leave x out")
    codes, features = program.encode(x), program.input.length
    if codes.ndim != 2 or not len(codes) or codes.shape[1] != features:
        raise ModelError(f"x of shape {np.shape(x)}: give one sequence (time, {features}) of 1 timestep or more")
    return [codes], len(codes)
