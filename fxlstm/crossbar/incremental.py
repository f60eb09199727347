"""Incremental pulses with polarity reversals: SET until the reading is high enough, RESET when it is too high, and so to and fro.

Every round of pulses is followed by a reading. As long as its polarity stays, a cell's pulse is a step stronger than the one
before; a reversal starts again with the weakest. Steps of 0 V make pulses identical. In a round, cells of a row that need the same
voltage are pulsed in parallel: first SETs, then RESETs, the weakest first.
"""

from __future__ import annotations

import numpy as np

from fxlstm.crossbar.row import Integers, Mask, Row
from fxlstm.program.scheme_parameters import IncrementalScheme, Ladder


def write_incrementally(row: Row, scheme: IncrementalScheme) -> None:
    """Pulse and read a row until every cell is within tolerance or given up."""
    rung, reversals = np.zeros((2, row.code.size), np.int64)
    rising, active = row.error > 0, row.pending
    while active.any():
        _climb(row, scheme.up, active & rising, rung)
        _climb(row, scheme.down, active & ~rising, rung)
        row.judge(active)
        turned = row.pending & active & ((row.error > 0) != rising)
        top = np.where(rising, scheme.up.top, scheme.down.top)
        rung = np.where(turned, 0, np.minimum(rung + active, top))
        rising, reversals = rising ^ turned, reversals + turned
        active = row.pending & (reversals <= scheme.reversals) & (row.cycles < scheme.most_pulses)


def _climb(row: Row, ladder: Ladder, cells: Mask, rung: Integers) -> None:
    """Give each of some cells the pulse of the rung that it stands on."""
    for number in np.unique(rung[cells]).tolist():
        row.pulse(ladder.at(number), np.where(cells & (rung == number), ladder.gate, 0), ladder.microseconds)
