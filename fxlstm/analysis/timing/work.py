"""What the firmware does on the board, counted: the sequences of ``firmware/drivers``, with what its chips hold already."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.hardware import load_board

GATE_OPEN = 65535  # code of a gate while reading


class Step(Enum):
    """A piece of work; the value is its name in tables."""

    DRIVE = "all rows gone through"
    ROW_FRAME = "row DAC frame"
    GATE_FRAME = "gate DAC frame"
    PROOF_FRAME = "DAC frame for an echo"
    EDGE = "edge of LDAC, CONVST or a switch"
    READ_SETTLING = "settling before a conversion"
    CONVERSION = "conversion of all columns"
    SAMPLE_FRAME = "ADC sample frame"
    REGISTER_FRAME = "ADC register frame"
    GATES = "gates gone through, settling"
    PULSE_MICROSECOND = "microsecond of a pulse"
    STAGED_FRAME = "DAC frame during a pulse"
    CELLS = "cells of a row judged or chosen"
    ELEMENT = "element of a vector operation"
    REQUEST = "request taken and answered"
    SERIAL_BYTE = "byte on the serial line"


Work = Counter[Step]


class CountedFrontEnd:
    """Counts in ``work`` what ``firmware/drivers/front_end.c`` does for the same calls, from the moment its chips are up.

    An output that holds its code already is not written again, so what a call costs depends on the calls before it.
    """

    def __init__(self, board: str = "reference") -> None:
        self.work: Work = Counter()
        self._board: dict[str, Any] = load_board(board)
        self._row_codes = np.zeros(self._board["array"]["rows"], np.int64)
        self._gate_codes = np.zeros(self._board["array"]["columns"], np.int64)
        self._unproved: set[tuple[str, int]] = set()  # section and number of the chips whose last frame has no echo yet
        self._adc_volts = np.full(self._board["array"]["columns"], self._board["front_end"]["adc_range_volts"][0])
        self._gates_open = self._driven = False

    @property
    def rows(self) -> int:
        """Rows of the array."""
        return len(self._row_codes)

    @property
    def columns(self) -> int:
        """Columns of the array."""
        return len(self._gate_codes)

    def convert(self, range_index: int, row_codes: NDArray[np.integer], reads: int = 1, columns: slice | None = None) -> None:
        """Drive the rows with codes (rows,), all gates open, and convert ``reads`` times; the rows stay driven.

        ``columns``: those that are read, by default all.
        """
        chosen = np.arange(self.columns)[columns or slice(None)]
        self._set_range(range_index, chosen)
        if not self._gates_open:
            self._write_all("gate_dac", Step.GATE_FRAME)
            self._gate_codes[:] = GATE_OPEN
        self._gates_open = self._driven = True
        self.work[Step.DRIVE] += 1
        self._write("row_dac", Step.ROW_FRAME, self._row_codes, row_codes)
        self._update_outputs()
        self.work[Step.READ_SETTLING] += 1
        self.work[Step.CONVERSION] += reads
        self.work[Step.EDGE] += 2 * reads
        self.work[Step.SAMPLE_FRAME] += reads * len(np.unique(chosen // self._channels))

    def pulse(self, row: int, gate_codes: NDArray[np.integer], microseconds: int) -> None:
        """One pulse on a row, gates at codes (columns,), then everything at rest.

        The frames that stage its end are sent while it lasts; it lasts as long as they take, a few microseconds, if asked for less.
        """
        if self._driven:
            self.rest()
        self._write("gate_dac", Step.GATE_FRAME, self._gate_codes, gate_codes)
        self._update_outputs()
        self.work[Step.GATES] += 1
        self.work[Step.ROW_FRAME] += 1
        self._unproved.add(("row_dac", row))
        self._update_outputs()
        self.work[Step.STAGED_FRAME] += 2  # 0 V for the row, and the fetch of its echo
        self.work[Step.PULSE_MICROSECOND] += microseconds
        self.work[Step.EDGE] += 3  # the range switch before, LDAC after
        self.rest()

    def rest(self) -> None:
        """All rows and gates to 0 V, the range switch to reading."""
        self._write_all("row_dac", Step.ROW_FRAME)
        self._write_all("gate_dac", Step.GATE_FRAME)
        self._row_codes[:] = self._gate_codes[:] = 0
        self._gates_open = self._driven = False
        self._update_outputs()
        self.work[Step.EDGE] += 1

    def _set_range(self, range_index: int, columns: NDArray[np.intp]) -> None:
        """The gain switch is set whatever it was; a pair of columns in another range costs a register, written and read back."""
        self.work[Step.EDGE] += 1
        volts = self._board["front_end"]["adc_range_volts"][range_index]
        changed = columns[self._adc_volts[columns] != volts]
        self._adc_volts[changed] = volts
        enter, write, leave = 2, 3, 1
        self.work[Step.REGISTER_FRAME] += write * len(np.unique(changed // 2))
        self.work[Step.REGISTER_FRAME] += (enter + leave) * len(np.unique(changed // self._channels))

    @property
    def _channels(self) -> int:
        """Columns of an ADC."""
        return self.columns // int(self._board["column_adc"]["chips"])

    def _write(self, section: str, step: Step, held: NDArray[np.int64], codes: NDArray[np.integer]) -> None:
        """One frame for each output whose code is another one."""
        changed = np.flatnonzero(held != codes)
        self.work[step] += len(changed)
        channels = len(held) // self._board[section]["chips"]
        self._unproved |= {(section, chip) for chip in np.unique(changed // channels).tolist()}
        held[:] = codes

    def _write_all(self, section: str, step: Step) -> None:
        """One frame to each chip for all of its outputs."""
        chips = self._board[section]["chips"]
        self.work[step] += chips
        self._unproved |= {(section, chip) for chip in range(chips)}

    def _update_outputs(self) -> None:
        """Fetch the echoes that are missing, then one pulse of LDAC."""
        self.work[Step.PROOF_FRAME] += len(self._unproved)
        self.work[Step.EDGE] += 2
        self._unproved.clear()
