"""The transimpedance amplifiers of an emulated board: what they add to the codes of the array's own currents."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.emulator.faults import ChipFaults
from fxlstm.emulator.monitor import Monitor

OFFSET = 300  # ADC codes, of an amplifier with that fault
WEAK = 0.9  # gain of one that has lost some of its small resistor's


class Amplifiers:
    """One for each column, behind the cells and the calibration resistors; ``board`` is the board file."""

    def __init__(self, board: dict[str, Any], monitor: Monitor, faults: ChipFaults) -> None:
        resistances = board["front_end"]["transimpedance_ohms"]
        self._ohms = {False: max(resistances), True: min(resistances)}  # by the level of the gain switch
        self._monitor = monitor
        self._faults = faults
        self._well = max(faults.saturated_column, faults.weak_column, faults.offset_column) < 0

    def codes(self, array: NDArray[np.int16], gain_switch: bool, range_volts: NDArray[np.float64]) -> NDArray[np.int16]:
        """Codes of all columns from those of the array's currents, by ADCs in these ranges: the known current adds to them."""
        if self._well and not self._monitor.calibrating:
            return array
        result = array + self._monitor.column_codes(self._ohms[gain_switch], range_volts)
        if self._faults.weak_column >= 0 and gain_switch:
            result[self._faults.weak_column] *= WEAK
        if self._faults.offset_column >= 0:
            result[self._faults.offset_column] += OFFSET
        if self._faults.saturated_column >= 0:
            result[self._faults.saturated_column] = np.inf
        return np.rint(result).clip(-32768, 32767).astype(np.int16)
