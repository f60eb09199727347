"""The part of the self-test that measures the array: which channel is dead, stuck or saturated, which cell open or shorted.

The echo of a DAC and the CRC of an ADC prove what went over the wires to the chips, not what their pins do. So everything is
looked at through the array: all rows at 0 V have to give no current, each row alone has to change some column's, and a current has
to be the same through both gains of its amplifier. The read voltage moves no cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.board.driver import Driver
from fxlstm.program.formats import CODE_MAX
from fxlstm.program.hardware import load_board
from fxlstm.program.scheme import READ_CODE

QUIET = 64  # ADC codes, 1/512 of full scale, that noise and offsets stay below; assumed
GAIN_ERROR = 0.02  # of full scale, that the two gains of an amplifier may differ by; assumed: resistors and ADC of 1 % each
LOG2_READS = 4

Channels = NDArray[np.bool_]


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


def check_array(driver: Driver) -> list[Finding]:
    """Measure the array and return what is wrong, nothing where all is well; takes one reading per row and range.

    Rows and columns are judged by cells that conduct: on an array without any, it says that nothing can be told.
    """
    readings = driver.read(range(driver.info.rows), 0, LOG2_READS)
    rest = driver.multiply(np.zeros((1, driver.info.rows), np.int16), 0)[0].astype(np.int64)
    answers = np.array([readings[row] for row in sorted(readings)], np.int64)
    saturated = rest == CODE_MAX
    conducts = (np.abs(answers - rest) > QUIET) & ~saturated
    if not conducts.any():
        return [*_saturated_columns(driver, saturated), Finding("note", "array", _NOTHING)]
    dead_rows, dead_columns = ~conducts.any(axis=1), ~conducts.any(axis=0) & ~saturated
    driven = bool((np.abs(rest[~saturated]) > QUIET).any())
    found = _saturated_columns(driver, saturated)
    found += [_row(driver, row, driven) for row in _indices(dead_rows)]
    found += [_column(driver, column, _DEAD_COLUMN) for column in _indices(dead_columns)]
    found += _unequal_gains(driver, np.abs(answers).sum(axis=0) > QUIET)
    return found + _cells(driver, answers, conducts, dead_rows, dead_columns | saturated)


_NOTHING = (
    "no cell conducts, so rows, columns and amplifiers cannot be told apart; program some cells, or check that an array is there"
)
_DEAD_COLUMN = "no row gives it a current; check its gate's output, its amplifier, its input and the array's line"
_SATURATED = "it stands at full scale with all rows at 0 V; check the amplifier's supply and input, and its column for a short"
_STUCK_ROW = "setting it changes nothing and a current flows with all rows at 0 V: the output stays at a voltage; replace the chip"
_DEAD_ROW = "setting it changes no column: the output stays at 0 V or the array's line is open; check both"


def _indices(chosen: Channels) -> list[int]:
    return [int(index) for index in np.flatnonzero(chosen)]


def _row(driver: Driver, row: int, driven: bool) -> Finding:
    return Finding("channel", _channel(driver, "row_dac", "row DAC", "row", row), _STUCK_ROW if driven else _DEAD_ROW)


def _column(driver: Driver, column: int, words: str) -> Finding:
    gate = _channel(driver, "gate_dac", "gate DAC", "column", column)
    return Finding("channel", f"{_channel(driver, 'column_adc', 'column ADC', 'column', column)} ({gate})", words)


def _channel(driver: Driver, section: str, kind: str, line: str, index: int) -> str:
    """Which chip and channel a line of the array is wired to."""
    board = load_board(driver.hardware.board)
    size = board["array"][f"{line}s"] // board[section]["chips"]
    chip, channel = divmod(index, size)
    return f"{kind} {chip} at chip select {board[section]['first_chip_select'] + chip}, channel {channel}, {line} {index}"


def _saturated_columns(driver: Driver, saturated: Channels) -> list[Finding]:
    return [_column(driver, column, _SATURATED) for column in _indices(saturated)]


def _unequal_gains(driver: Driver, conducting: Channels) -> list[Finding]:
    """The same current through both gains of each amplifier: codes in proportion to the ranges' full scales."""
    front_end = load_board(driver.hardware.board)["front_end"]
    scales = np.array(front_end["adc_range_volts"]) / np.array(front_end["transimpedance_ohms"])
    coarse = int(np.argmin(front_end["transimpedance_ohms"]))  # the first range with the small resistance
    fine = coarse - 1
    rows = np.full((1, driver.info.rows), READ_CODE // 8, np.int16)
    through = {index: driver.multiply(np.repeat(rows, 8, axis=0), index).mean(axis=0) for index in (fine, coarse)}
    expected = through[coarse] * scales[coarse] / scales[fine]
    judged = conducting & (np.abs(through[fine]) < CODE_MAX)
    unequal = judged & (np.abs(expected - through[fine]) > QUIET + GAIN_ERROR * np.abs(through[fine]))
    return [
        _column(driver, column, f"its two gains measure one current as {through[fine][column]:.0f} and {expected[column]:.0f}, "
                "in codes of the finer; check the amplifier's resistors and its switch")
        for column in _indices(unequal)
    ]  # fmt: skip


def _cells(
    driver: Driver, answers: NDArray[np.int64], conducts: Channels, dead_rows: Channels, no_columns: Channels
) -> list[Finding]:
    """Opens and shorts among the cells whose row and column work."""
    working = ~dead_rows[:, None] & ~no_columns[None, :]
    coarsest = len(load_board(driver.hardware.board)["front_end"]["adc_range_volts"]) - 1
    rows = _indices((working & (answers == CODE_MAX)).any(axis=1))
    full = driver.read(rows, coarsest, 0)
    shorts = [(row, column) for row in rows for column in _indices((full[row] == CODE_MAX) & working[row])]
    opens = [(int(row), int(column)) for row, column in np.argwhere(working & ~conducts)]
    return _listed(shorts, "shorted", "full scale in the coarsest range") + _listed(opens, "open", "no current")


def _listed(cells: list[tuple[int, int]], state: str, seen: str) -> list[Finding]:
    if not cells:
        return []
    names = ", ".join(f"row {row} column {column}" for row, column in cells[:8])
    more = f" and {len(cells) - 8} more" if len(cells) > 8 else ""
    return [Finding("cells", "array", f"{len(cells)} cells are {state} ({seen}): {names}{more}; let programs avoid them")]
