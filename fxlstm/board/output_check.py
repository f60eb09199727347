"""The part of the self-test that measures the DACs' outputs through their monitor outputs, whatever is behind them.

Each output is asked for two voltages, no two outputs of a chip for the same one at a time: one that is dead, one that stands still
and two that touch each other all show. The rows see no more than the read voltage, and all gates are closed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fxlstm.board.driver import Driver
from fxlstm.board.finding import Finding, channel_name, chip_name
from fxlstm.program.hardware import load_board

CLOSE = 0.03  # volts that an output may be off; assumed: 0.1 % of 10 V each for DAC and ADC, and their offsets
LOG2_READS = 0
SECTIONS = ("row_dac", "gate_dac")


@dataclass(frozen=True)
class OutputReading:
    """One output of a DAC: ``section`` "row_dac" or "gate_dac", ``chip`` and ``channel`` in it, ``line`` the row or column that it
    drives; twice the volts ``asked`` for and those ``measured``. ``seen``: something is measured of some output of its chip.
    """

    section: str
    chip: int
    channel: int
    line: int
    asked: tuple[float, float]
    measured: tuple[float, float]
    seen: bool

    @property
    def state(self) -> str:
        """One of "well", "wrong" and "unseen"."""
        if not self.seen:
            return "unseen"
        return "well" if self.error <= CLOSE else "wrong"

    @property
    def error(self) -> float:
        """Volts between what is asked for and measured, the worse of the two."""
        return max(abs(measured - asked) for measured, asked in zip(self.measured, self.asked, strict=True))

    @property
    def words(self) -> str:
        """What a wrong one does."""
        asked, measured = (" and ".join(f"{volts:.2f} V" for volts in pair) for pair in (self.asked, self.measured))
        first, second = self.measured
        stays = f": the output stays at {first if abs(first) > CLOSE else 0:.3g} V" if abs(first - second) <= CLOSE else ""
        return f"asked for {asked} it gives {measured}{stays}; replace the chip"


def measure_outputs(driver: Driver) -> list[OutputReading]:
    """Measure every output of every DAC: rows, then gates. Raises :class:`BoardError` when a chip does not answer."""
    board = load_board(driver.hardware.board)
    chips = [(section, chip) for section in SECTIONS for chip in range(board[section]["chips"])]
    return [reading for section, chip in chips for reading in _measure_chip(driver, section, chip)]


def _measure_chip(driver: Driver, section: str, chip: int) -> Iterable[OutputReading]:
    board = load_board(driver.hardware.board)
    low, high = board[section]["span_volts"]
    channels = board["array"]["rows" if section == "row_dac" else "columns"] // board[section]["chips"]
    rising = np.arange(1, channels + 1) * 65536 // (channels + 1)
    codes = np.array([rising, rising[::-1]])
    asked = low + codes * (high - low) / 65536
    select = board[section]["first_chip_select"] + chip
    measured = np.array([driver.measure_outputs(select, each, LOG2_READS) for each in codes])
    seen = bool((np.abs(measured) > CLOSE).any())
    for channel, (wanted, found) in enumerate(zip(asked.T.tolist(), measured.T.tolist(), strict=True)):
        yield OutputReading(section, chip, channel, chip * channels + channel, tuple(wanted), tuple(found), seen)


def judge_outputs(driver: Driver, readings: Iterable[OutputReading]) -> list[Finding]:
    """Return what is wrong, and the chips of which nothing is seen."""
    found = [
        Finding("channel", channel_name(driver, each.section, each.line), each.words) for each in readings if each.state == "wrong"
    ]
    unseen = sorted({(each.section, each.chip) for each in readings if not each.seen})
    return found + [Finding("channel", f"{chip_name(driver, section, chip)}, MUX pin", _UNSEEN) for section, chip in unseen]


_UNSEEN = (
    "none of its outputs is seen at the monitor net: check the pin and the chip's supply; its outputs are judged by the array alone"
)


def lines(readings: Iterable[OutputReading], section: str, state: str) -> list[int]:
    """Return the rows or columns whose outputs are in a state."""
    return [each.line for each in readings if each.section == section and each.state == state]
