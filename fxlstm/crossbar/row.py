"""One row of cells on its way to its targets: what every way of programming needs of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.array import Writable
from fxlstm.program.mapping import LEAVE
from fxlstm.program.scheme import READ_CODE, gate_volts, row_volts, target_codes
from fxlstm.program.scheme_parameters import GATE_CODES, Scheme

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Row:
    """The cells of a row, read once on making and after every round of pulses; ``code``, ``target`` in ADC codes.

    ``pending`` cells have a target that they have not met. ``cycles`` counts the rounds of pulses that each cell has had.
    """

    def __init__(self, array: Writable, row: int, targets: NDArray[np.uint16], scheme: Scheme) -> None:
        self._array, self._row, self._scheme = array, row, scheme
        self.wanted = targets != LEAVE
        self.units = np.where(self.wanted, targets.astype(np.int64), 0)
        self.target = target_codes(self.units, scheme, array.hardware)
        self.cycles = np.zeros(targets.size, np.int64)
        self.code = self._read()
        self.pending = self.wanted & self._off()

    @property
    def error(self) -> Integers:
        """Target minus reading of every cell."""
        return self.target - self.code

    def judge(self, pulsed: Mask) -> None:
        """Read the cells that a round has pulsed; those within tolerance are pending no more."""
        self.cycles += pulsed
        self.code = np.where(pulsed, self._read(), self.code)
        self.pending = self.pending & self._off()

    def pulse(self, millivolts: int, gates: Integers, microseconds: int) -> None:
        """One pulse on the row; a gate code of 0 leaves its column alone."""
        if not gates.any():
            return
        rows = np.zeros(self._array.pulse_counts.shape[0])
        rows[self._row] = row_volts(millivolts, self._array.hardware)
        self._array.pulse(rows, gate_volts(np.minimum(gates, GATE_CODES - 1), self._array.hardware), microseconds * 1e-6)

    def _off(self) -> Mask:
        return np.asarray(np.abs(self.error) > self._scheme.tolerance)

    def _read(self) -> Integers:
        """Average of 2**log2_reads readings of the row, rounded half up."""
        rows = np.zeros((1 << self._scheme.log2_reads, self._array.pulse_counts.shape[0]), np.int16)
        rows[:, self._row] = READ_CODE
        total = self._array.convert(rows, self._scheme.range).sum(axis=0, dtype=np.int64)
        return np.asarray((total + (len(rows) >> 1)) >> self._scheme.log2_reads)
