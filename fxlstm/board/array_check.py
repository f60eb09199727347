"""The part of the self-test that measures the array: which of its lines is open, which cell open or shorted.

All rows at 0 V have to give no current, and each row alone has to change some column's. What the monitor has found of outputs and
amplifiers is not found again; of what it cannot see, the array is the only judge. The read voltage moves no cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.board.amplifier_check import QUIET, AmplifierReading, CalibrationError, judge_amplifiers, measure_amplifiers
from fxlstm.board.driver import Driver
from fxlstm.board.finding import Finding, channel_name
from fxlstm.board.output_check import OutputReading, judge_outputs, lines, measure_outputs
from fxlstm.program.formats import CODE_MAX
from fxlstm.program.hardware import load_board

LOG2_READS = 4

Channels = NDArray[np.bool_]


@dataclass(frozen=True)
class CheckReport:
    """What the self-test measured: every DAC ``outputs``, every column's ``amplifiers``; ``findings`` says what is wrong.

    The first two are empty where the monitor's ADC or the known current is missing.
    """

    outputs: list[OutputReading]
    amplifiers: list[AmplifierReading]
    findings: list[Finding]

    @property
    def summary(self) -> str:
        """How far outputs and amplifiers are from what they should be, in a line each; "" where nothing was measured."""
        told = []
        seen = [output for output in self.outputs if output.seen]
        if seen:
            worst = max(seen, key=lambda output: output.error)
            told.append(f"{len(seen)} DAC outputs, the worst {1000 * worst.error:.1f} mV off ({worst.section[:-4]} {worst.line})")
        if self.amplifiers:
            errors = np.abs(np.array([amplifier.gains for amplifier in self.amplifiers]) - 1).max(axis=1)
            told.append(f"{len(errors)} amplifiers, the worst {errors.max():.2%} off (column {errors.argmax()})")
        return "\n".join(told)


def check_array(driver: Driver) -> CheckReport:
    """Measure outputs, amplifiers and array; no findings where all is well.

    Rows, columns and cells are judged by cells that conduct: on an array without any, it says that nothing can be told of them.
    """
    (monitor,) = (chip for chip in driver.selftest() if chip.kind == "monitor_adc")
    if monitor.status:
        select = load_board(driver.hardware.board)["monitor_adc"]["first_chip_select"]
        missing = Finding("channel", f"monitor ADC at chip select {select}", f"{monitor.words}; {_ARRAY_ALONE}")
        return CheckReport([], [], [missing, *_check_lines(driver, [], [])])
    outputs = measure_outputs(driver)
    amplifiers, found = _check_amplifiers(driver, outputs)
    found = judge_outputs(driver, outputs) + found + _check_lines(driver, outputs, amplifiers)
    return CheckReport(outputs, amplifiers, found)


_ARRAY_ALONE = "outputs and amplifiers are judged by the array alone"
_NOTHING = "no cell conducts, so its lines and cells cannot be told apart; program some cells, or check that an array is there"
_DEAD_COLUMN = "no row gives it a current; check its gate's output, its amplifier, its input and the array's line"
_OPEN_COLUMN = (
    "no row gives it a current, though its gate's output and its amplifier are well: the array's line or its gate's is open"
)
_SATURATED = "it stands at full scale with all rows at 0 V; check the amplifier's supply and input, and its column for a short"
_STUCK_ROW = "setting it changes nothing and a current flows with all rows at 0 V: the output stays at a voltage; replace the chip"
_DEAD_ROW = "setting it changes no column: the output stays at 0 V or the array's line is open; check both"
_OPEN_ROW = "setting it changes no column, though its output is well: the array's line is open"


def _check_amplifiers(driver: Driver, outputs: list[OutputReading]) -> tuple[list[AmplifierReading], list[Finding]]:
    """By a current from the first row whose output is well."""
    sources = lines(outputs, "row_dac", "well")
    if not sources:
        return [], [Finding("channel", "monitor net", f"no row's output is seen at it; {_ARRAY_ALONE}")]
    try:
        amplifiers = measure_amplifiers(driver, sources[0])
    except CalibrationError as error:
        words = f"{error}; check the switch and its line 'calibrate'; amplifiers are judged by the array alone"
        return [], [Finding("channel", "calibration switch", words)]
    return amplifiers, judge_amplifiers(driver, amplifiers)


def _check_lines(driver: Driver, outputs: list[OutputReading], amplifiers: list[AmplifierReading]) -> list[Finding]:
    """Measure the array, one reading per row, and judge what ``outputs`` and ``amplifiers`` have not shown to be wrong already."""
    readings = driver.read(range(driver.info.rows), 0, LOG2_READS)
    rest = driver.multiply(np.zeros((1, driver.info.rows), np.int16), 0)[0].astype(np.int64)
    answers = np.array([readings[row] for row in sorted(readings)], np.int64)
    saturated, wrong = rest == CODE_MAX, _wrong_columns(outputs, amplifiers, rest.size)
    found = _columns(driver, saturated & ~wrong, _SATURATED)
    conducts = (np.abs(answers - rest) > QUIET) & ~saturated
    if not conducts.any():
        return [*found, Finding("note", "array", _NOTHING)]
    dead_rows, dead_columns = ~conducts.any(axis=1), ~conducts.any(axis=0) & ~saturated
    driven = bool((np.abs(rest[~saturated & ~wrong]) > QUIET).any())
    found += _dead_rows(driver, dead_rows, outputs, driven)
    found += _dead_columns(driver, dead_columns & ~wrong, lines(outputs, "gate_dac", "well") if amplifiers else [])
    return found + _cells(driver, answers, conducts, dead_rows, dead_columns | saturated)


def _wrong_columns(outputs: list[OutputReading], amplifiers: list[AmplifierReading], count: int) -> Channels:
    """Columns of which the gate's output or the amplifier has been found to be wrong."""
    wrong = np.zeros(count, np.bool_)
    wrong[lines(outputs, "gate_dac", "wrong")] = True
    wrong[[reading.column for reading in amplifiers if reading.wrong]] = True
    return wrong


def _indices(chosen: Channels) -> list[int]:
    return [int(index) for index in np.flatnonzero(chosen)]


def _dead_rows(driver: Driver, dead: Channels, outputs: list[OutputReading], driven: bool) -> list[Finding]:
    wrong, well = (lines(outputs, "row_dac", state) for state in ("wrong", "well"))
    unseen = _STUCK_ROW if driven else _DEAD_ROW
    return [
        Finding("channel", channel_name(driver, "row_dac", row), _OPEN_ROW if row in well else unseen)
        for row in _indices(dead)
        if row not in wrong
    ]


def _dead_columns(driver: Driver, dead: Channels, seen: list[int]) -> list[Finding]:
    """``seen``: columns whose gate's output and amplifier are known to be well."""
    well = np.zeros(dead.size, np.bool_)
    well[seen] = True
    return _columns(driver, dead & well, _OPEN_COLUMN) + _columns(driver, dead & ~well, _DEAD_COLUMN)


def _columns(driver: Driver, chosen: Channels, words: str) -> list[Finding]:
    return [
        Finding("channel", f"{channel_name(driver, 'column_adc', column)} ({channel_name(driver, 'gate_dac', column)})", words)
        for column in _indices(chosen)
    ]


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
