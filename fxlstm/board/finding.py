"""What a self-test says of a part of the board, and how it names one."""

from __future__ import annotations

from dataclasses import dataclass

from fxlstm.board.driver import Driver
from fxlstm.program.hardware import load_board

_LINES = {"row_dac": ("row DAC", "row"), "gate_dac": ("gate DAC", "column"), "column_adc": ("column ADC", "column")}


@dataclass(frozen=True)
class Finding:
    """What was found of one part of the board: ``part`` names chip, channel and line, ``words`` say what was seen and what to do.

    ``kind``: "channel", which has to be repaired; "cells", which programs can avoid; "note", that nothing could be told.
    """

    kind: str
    part: str
    words: str

    def __str__(self) -> str:
        return f"{self.part}: {self.words}"


def chip_name(driver: Driver, section: str, chip: int) -> str:
    """Name a chip: its number among its kind, and its chip select."""
    select = load_board(driver.hardware.board)[section]["first_chip_select"] + chip
    return f"{_LINES[section][0]} {chip} at chip select {select}"


def channel_name(driver: Driver, section: str, index: int) -> str:
    """Name the chip and the channel that a line of the array is wired to."""
    board, line = load_board(driver.hardware.board), _LINES[section][1]
    chip, channel = divmod(index, board["array"][f"{line}s"] // board[section]["chips"])
    return f"{chip_name(driver, section, chip)}, channel {channel}, {line} {index}"
