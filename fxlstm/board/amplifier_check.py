"""The part of the self-test that gives the amplifiers a known current, from one DAC output through a resistor for each column.

All gates are closed, so no cell has a part in it. The current is known from the voltage measured at the resistors, and given in
both directions: what turns with it is gain, what does not is offset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.board.driver import Driver
from fxlstm.board.finding import Finding, channel_name
from fxlstm.program.formats import CODE_MAX
from fxlstm.program.hardware import load_board

GAIN_ERROR = 0.02  # that an amplifier with its ADC may be off; assumed: resistors and ADC of 1 % each
QUIET = 64  # ADC codes, 1/512 of full scale, that noise and offsets stay below; assumed
ZERO_ERROR = 5e-3  # volts at the resistors that the monitor's ADC may be off; assumed
FULL = 0.8  # of the full scale that a current is to reach
MOST = 0.95  # of the span of the DAC that it comes from
LOG2_READS = 4

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class AmplifierReading:
    """An amplifier with its ADC channel: ``gains`` with its large and its small resistor, 1 where right; ``offsets`` in amperes.

    ``saturated``: it stands at an end of the scale whatever its current; its gains mean nothing.
    """

    column: int
    gains: tuple[float, float]
    offsets: tuple[float, float]
    saturated: bool
    allowed: tuple[float, float]  # offsets that are none

    @property
    def wrong(self) -> str:
        """What is wrong with it, "" when it is well."""
        if self.saturated:
            return (
                "it stands at full scale whatever its current; check the amplifier's supply and input, and its column for a short"
            )
        if not np.allclose(self.gains, 1, rtol=0, atol=GAIN_ERROR):
            fine, coarse = self.gains
            return (
                f"of a known current it gives {fine:.3f} with its large resistor and {coarse:.3f} with its small one; "
                "each should be 1: check the amplifier, its resistors and its switch"
            )
        if (np.abs(self.offsets) > self.allowed).any():
            fine, coarse = (1e6 * offset for offset in self.offsets)
            return f"it is {fine:.2f} uA off with its large resistor and {coarse:.2f} uA with its small one; look for leakage"
        return ""


class CalibrationError(Exception):
    """The known current does not flow: ``net`` and ``bus`` in volts."""

    def __init__(self, net: float, bus: float) -> None:
        super().__init__(f"the monitor net is at {net:.2f} V and the calibration bus behind its switch at {bus:.2f} V")


def measure_amplifiers(driver: Driver, row: int) -> list[AmplifierReading]:
    """Measure all amplifiers with a current from the DAC output of ``row``. Raises :class:`CalibrationError` when none flows."""
    resistances = load_board(driver.hardware.board)["front_end"]["transimpedance_ohms"]
    ranges = [resistances.index(ohms) for ohms in (max(resistances), min(resistances))]
    gains, offsets, ends = zip(*(_measure_range(driver, row, index) for index in ranges), strict=True)
    allowed = tuple(_allowed(driver, index) for index in ranges)
    return [
        AmplifierReading(
            column,
            (float(gains[0][column]), float(gains[1][column])),
            (float(offsets[0][column]), float(offsets[1][column])),
            bool(ends[0][column] and ends[1][column]),
            (allowed[0], allowed[1]),
        )
        for column in range(driver.info.columns)
    ]


def _measure_range(driver: Driver, row: int, range_index: int) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
    """Gains, offsets in amperes, and which amplifiers do not follow."""
    board, full_scale = load_board(driver.hardware.board), driver.hardware.full_scale_current(range_index)
    ohms, highest = board["monitor"]["column_ohms"], board["row_dac"]["span_volts"][1]
    code = int(32768 * min(FULL * full_scale * ohms / highest, MOST))
    amperes, codes = [], []
    for each in (code, -code):
        net, bus, columns = driver.measure_amplifiers(row, each, range_index, LOG2_READS)
        if abs(bus) < abs(net) / 2:
            raise CalibrationError(net, bus)
        amperes.append(bus / ohms)
        codes.append(columns.astype(np.float64))
    measured = [full_scale / 32768 * each for each in codes]
    gains = (measured[0] - measured[1]) / (amperes[0] - amperes[1])
    offsets = (measured[0] + measured[1] - gains * (amperes[0] + amperes[1])) / 2
    return gains, offsets, (codes[0] == codes[1]) & (np.abs(codes[0]) >= CODE_MAX)


def _allowed(driver: Driver, range_index: int) -> float:
    """Amperes of offset that noise and the monitor's own error may make."""
    quiet: float = QUIET / 32768 * driver.hardware.full_scale_current(range_index)
    return quiet + ZERO_ERROR / float(load_board(driver.hardware.board)["monitor"]["column_ohms"])


def judge_amplifiers(driver: Driver, readings: list[AmplifierReading]) -> list[Finding]:
    """Return what is wrong."""
    return [
        Finding("channel", channel_name(driver, "column_adc", reading.column), reading.wrong)
        for reading in readings
        if reading.wrong
    ]
