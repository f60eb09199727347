"""Write-verify and the two-pulse rule in plain Python: the definition that the firmware follows.

Rows are taken one after another; the cells of a row are pulsed and read in parallel, each with its own gate voltage. One cycle:
cells that read too high get a RESET, then every cell not yet within tolerance gets a SET, then the row is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.array import Writable
from fxlstm.program.mapping import LEAVE
from fxlstm.program.scheme import (
    CELL_STATES,
    GATE_CODES,
    READ_CODE,
    ProgrammingReport,
    Progress,
    Scheme,
    code_siemens,
    gate_volts,
    target_codes,
)

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


def write(array: Writable, targets: NDArray[np.uint16], scheme: Scheme, progress: Progress | None = None) -> ProgrammingReport:
    """Bring the cells of ``array`` to ``targets``: (rows, columns) units above the scheme's base, ``LEAVE`` = leave alone."""
    pulses_before = array.pulse_counts.copy()
    state = np.zeros(targets.shape, np.uint8)
    cycles = np.zeros(targets.shape, np.int64)
    reading = np.full(targets.shape, np.nan)
    error = np.full(targets.shape, np.nan)
    wanted = targets != LEAVE
    cells, dealt = int(np.count_nonzero(wanted)), 0
    for row in np.flatnonzero(wanted.any(axis=1)):
        result = _Row(array, int(row), targets[row].astype(np.int64), wanted[row], scheme).write()
        here = wanted[row]
        state[row, here] = np.where(result.pending, CELL_STATES["gave_up"], CELL_STATES["in_tolerance"])[here]
        cycles[row] = result.cycles
        reading[row, here] = code_siemens(result.code[here], scheme.range, array.hardware)
        error[row, here] = code_siemens((result.code - result.target)[here], scheme.range, array.hardware)
        dealt += int(np.count_nonzero(here))
        if progress is not None:
            progress(dealt, cells)
    return ProgrammingReport(state, cycles, array.pulse_counts - pulses_before, reading, error)


@dataclass
class _Row:
    """One row on its way to its targets."""

    array: Writable
    row: int
    units: Integers
    wanted: Mask
    scheme: Scheme

    def __post_init__(self) -> None:
        scheme = self.scheme
        units = np.where(self.wanted, self.units, 0)
        self.target = target_codes(units, scheme, self.array.hardware)
        self.gate = np.clip(scheme.gate_offset + (units * scheme.gate_slope >> 16), scheme.gate_min, scheme.gate_max)
        self.cycles = np.zeros(units.size, np.int64)
        self.code = self._read()
        self.pending = self.wanted & self._off() if scheme.verify and scheme.skip else self.wanted

    def write(self) -> _Row:
        """Run cycles until every cell is within tolerance or the cycles are used up."""
        scheme = self.scheme
        for cycle in range(scheme.max_cycles if scheme.verify else 1):
            if not self.pending.any():
                break
            if cycle:
                step = (self.target - self.code) * scheme.gate_correction >> 16
                self.gate = np.where(self.pending, np.clip(self.gate + step, scheme.gate_min, scheme.gate_max), self.gate)
            first_of_all = cycle == 0 and not (scheme.verify and scheme.skip)
            high = self.pending & (first_of_all | (self.code > self.target + scheme.tolerance))
            self._pulse(scheme.reset_millivolts, np.where(high, scheme.reset_gate, 0), scheme.reset_microseconds)
            self._pulse(scheme.set_millivolts, np.where(self.pending, self.gate, 0), scheme.set_microseconds)
            self.cycles += self.pending
            self.code = np.where(self.pending, self._read(), self.code)
            self.pending = self.pending & self._off()
        return self

    def _off(self) -> Mask:
        return np.asarray(np.abs(self.code - self.target) > self.scheme.tolerance)

    def _read(self) -> Integers:
        """Average of 2**log2_reads readings of the row, rounded half up."""
        rows = np.zeros((1 << self.scheme.log2_reads, self.array.pulse_counts.shape[0]), np.int16)
        rows[:, self.row] = READ_CODE
        total = self.array.convert(rows, self.scheme.range).sum(axis=0, dtype=np.int64)
        return np.asarray((total + (len(rows) >> 1)) >> self.scheme.log2_reads)

    def _pulse(self, millivolts: int, gates: Integers, microseconds: int) -> None:
        """One pulse on this row; a gate code of 0 leaves its column alone."""
        if not gates.any():
            return
        rows = np.zeros(self.array.pulse_counts.shape[0])
        rows[self.row] = millivolts / 1000
        self.array.pulse(rows, gate_volts(np.minimum(gates, GATE_CODES - 1), self.array.hardware), microseconds * 1e-6)
