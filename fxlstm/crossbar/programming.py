"""Programming in plain Python, by any scheme: the definition that the firmware follows, pulse for pulse.

Rows are taken one after another; the cells of a row are pulsed and read in parallel. A scheme of several passes waits between them
and writes those cells again that have left their tolerance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.array import Writable
from fxlstm.crossbar.gate_scheme import write_by_gates
from fxlstm.crossbar.incremental import write_incrementally
from fxlstm.crossbar.row import Row
from fxlstm.errors import ArrayError
from fxlstm.program.mapping import LEAVE
from fxlstm.program.programming_report import ProgrammingReport, Progress
from fxlstm.program.scheme import CELL_STATES, code_siemens
from fxlstm.program.scheme_parameters import GateScheme, IncrementalScheme, Scheme


def write(array: Writable, targets: NDArray[np.uint16], scheme: Scheme, progress: Progress | None = None) -> ProgrammingReport:
    """Bring the cells of ``array`` to ``targets``: (rows, columns) units above the scheme's base, ``LEAVE`` = leave alone.

    The report counts cycles and pulses of all passes and gives the verdict of the last; ``progress`` counts cells in all passes.
    """
    pulses_before = array.pulse_counts.copy()
    state, cycles = np.zeros(targets.shape, np.uint8), np.zeros(targets.shape, np.int64)
    reading, error = np.full(targets.shape, np.nan), np.full(targets.shape, np.nan)
    wanted = targets != LEAVE
    cells, dealt = int(np.count_nonzero(wanted)) * scheme.passes, 0
    for number in range(scheme.passes):
        if number:
            array.elapse(scheme.wait_milliseconds / 1000)
        for index in np.flatnonzero(wanted.any(axis=1)).tolist():
            row, here = _written(Row(array, index, targets[index], scheme), scheme), wanted[index]
            state[index, here] = np.where(row.pending, CELL_STATES["gave_up"], CELL_STATES["in_tolerance"])[here]
            cycles[index] += row.cycles
            reading[index, here] = code_siemens(row.code[here], scheme.range, array.hardware)
            error[index, here] = code_siemens(-row.error[here], scheme.range, array.hardware)
            dealt += int(np.count_nonzero(here))
            if progress is not None:
                progress(dealt, cells)
    return ProgrammingReport(state, cycles, array.pulse_counts - pulses_before, reading, error)


def _written(row: Row, scheme: Scheme) -> Row:
    """A row after its scheme has been carried out."""
    if isinstance(scheme, GateScheme):
        write_by_gates(row, scheme)
    elif isinstance(scheme, IncrementalScheme):
        write_incrementally(row, scheme)
    else:
        raise ArrayError(f"a programming scheme of type {type(scheme).__name__}; make one by programming_scheme()")
    return row
