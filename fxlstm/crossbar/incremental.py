"""Incremental pulses with polarity reversals: SET until the reading is high enough, RESET when it is too high, and so to and fro.

Every pulse is followed by a reading. As long as the polarity stays, each pulse is a step stronger than the one before; a reversal
starts again with the weakest. Steps of 0 V make pulses identical. Rows are taken one after another; the cells of a row are read in
parallel, and pulsed in parallel where they need the same voltage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.array import Writable
from fxlstm.errors import ArrayError
from fxlstm.program.device import Preset
from fxlstm.program.hardware import Hardware
from fxlstm.program.mapping import LEAVE
from fxlstm.program.scheme import CELL_STATES, READ_CODE, READ_RANGE, ProgrammingReport, Progress, accepted_error, code_siemens

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Ladder:
    """Pulses of one polarity: volts of the weakest, of a step and at most; gate volts; width in seconds."""

    first: float
    step: float
    most: float
    gate: float
    seconds: float

    @classmethod
    def of(cls, preset: Preset, polarity: str) -> Ladder:
        """Read the pulses of ``polarity`` (``"set"`` or ``"reset"``) from a preset."""
        numbers = (preset[f"{polarity}.{key}"] for key in ("voltage", "step", "most", "gate", "width"))
        return cls(*numbers)

    def volts(self, rung: int) -> float:
        """Volts of the pulse after ``rung`` others of the same polarity."""
        return min(self.first + rung * self.step, self.most)


@dataclass(frozen=True)
class IncrementalPulses:
    """Parameters of incremental pulses; siemens, volts and seconds.

    ``tolerance``: accepted error of a reading. A cell is given up after ``reversals`` changes of polarity or ``most_pulses``
    pulses. ``base_units``: conductance of target 0, in the board's units. A reading averages 2 ** ``log2_reads`` conversions.
    """

    tolerance: float
    up: Ladder
    down: Ladder
    reversals: int
    most_pulses: int
    base_units: int
    log2_reads: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < 1 or self.reversals < 0 or self.most_pulses < 1 or not 0 <= self.log2_reads <= 8:
            raise ArrayError(
                f"{self}: choose a tolerance of 0 S or more, 0 reversals or more, 1 pulse or more, 1 to 256 conversions per reading"
            )

    @classmethod
    def of(cls, preset: Preset, hardware: Hardware, tolerance: float | None = None) -> IncrementalPulses:
        """Read the scheme from a preset."""
        return cls(
            tolerance=accepted_error(preset, tolerance),
            up=Ladder.of(preset, "set"),
            down=Ladder.of(preset, "reset"),
            reversals=int(preset["programming.reversals"]),
            most_pulses=int(preset["programming.pulses"]),
            base_units=round(preset["conductance.base"] / hardware.conductance_unit),
            log2_reads=int(preset["programming.log2_reads"]),
        )

    def write(self, array: Writable, targets: NDArray[np.uint16], progress: Progress | None = None) -> ProgrammingReport:
        """Bring cells to their targets, (rows, columns) units above the base; the report's cycles are pulses with their reading."""
        before = array.pulse_counts.copy()
        state, cycles = np.zeros(targets.shape, np.uint8), np.zeros(targets.shape, np.int64)
        reading, error = np.full(targets.shape, np.nan), np.full(targets.shape, np.nan)
        wanted = targets != LEAVE
        cells, dealt = int(np.count_nonzero(wanted)), 0
        for row in np.flatnonzero(wanted.any(axis=1)):
            here = wanted[row]
            result = _Row(array, int(row), targets[row].astype(np.int64), here, self)
            result.write()
            state[row, here] = np.where(result.pending, CELL_STATES["gave_up"], CELL_STATES["in_tolerance"])[here]
            cycles[row], reading[row, here] = result.pulses, result.reading[here]
            error[row, here] = (result.reading - result.target)[here]
            dealt += int(np.count_nonzero(here))
            if progress is not None:
                progress(dealt, cells)
        return ProgrammingReport(state, cycles, array.pulse_counts - before, reading, error)


class _Row:
    """One row on its way to its targets."""

    def __init__(self, array: Writable, row: int, units: Integers, wanted: Mask, scheme: IncrementalPulses) -> None:
        self.array, self.row, self.scheme = array, row, scheme
        self.target = (scheme.base_units + units) * array.hardware.conductance_unit
        self.pulses, self.rung, self.reversals = (np.zeros(units.size, np.int64) for _ in range(3))
        self.reading = self._read()
        self.rising = self.reading < self.target
        self.pending = wanted & self._off()

    def write(self) -> None:
        """Pulse and read until every cell is within tolerance or given up."""
        scheme = self.scheme
        active = self.pending
        while active.any():
            for ladder, sign, mask in ((scheme.up, 1, active & self.rising), (scheme.down, -1, active & ~self.rising)):
                for rung in np.unique(self.rung[mask]).tolist():
                    self._pulse(ladder, sign * ladder.volts(rung), mask & (self.rung == rung))
            self.pulses += active
            self.reading = np.where(active, self._read(), self.reading)
            self.pending = self.pending & self._off()
            reversed_now = active & self.pending & ((self.reading < self.target) != self.rising)
            self.rising = self.rising ^ reversed_now
            self.reversals += reversed_now
            self.rung = np.where(reversed_now, 0, self.rung + active)
            active = self.pending & (self.reversals <= scheme.reversals) & (self.pulses < scheme.most_pulses)

    def _off(self) -> Mask:
        return np.asarray(np.abs(self.reading - self.target) > self.scheme.tolerance)

    def _read(self) -> NDArray[np.float64]:
        """Siemens of the row's cells, the average of several conversions."""
        rows = np.zeros((1 << self.scheme.log2_reads, self.array.pulse_counts.shape[0]), np.int16)
        rows[:, self.row] = READ_CODE
        return np.asarray(code_siemens(self.array.convert(rows, READ_RANGE), READ_RANGE, self.array.hardware).mean(axis=0))

    def _pulse(self, ladder: Ladder, volts: float, cells: Mask) -> None:
        rows = np.zeros(self.array.pulse_counts.shape[0])
        rows[self.row] = volts
        self.array.pulse(rows, np.where(cells, ladder.gate, 0.0), ladder.seconds)
