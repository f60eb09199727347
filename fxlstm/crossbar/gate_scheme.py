"""Write-verify by gate voltage, and the two-pulse rule: cells of a row are pulsed in parallel, each with its own gate voltage.

One cycle: cells that read too high get a RESET, then every cell not yet within tolerance gets a SET, then the row is read.
"""

from __future__ import annotations

import numpy as np

from fxlstm.crossbar.row import Row
from fxlstm.program.scheme_parameters import GateScheme


def write_by_gates(row: Row, scheme: GateScheme) -> None:
    """Run cycles until every cell of a row is within tolerance or the cycles are used up."""
    skips = bool(scheme.verify and scheme.skip)
    if not skips:
        row.pending = row.wanted
    gate = np.clip(scheme.gate_offset + (row.units * scheme.gate_slope >> 16), scheme.gate_min, scheme.gate_max)
    for cycle in range(scheme.max_cycles if scheme.verify else 1):
        if not row.pending.any():
            break
        if cycle:
            step = row.error * scheme.gate_correction >> 16
            gate = np.where(row.pending, np.clip(gate + step, scheme.gate_min, scheme.gate_max), gate)
        high = row.pending & ((cycle == 0 and not skips) | (row.error < -scheme.tolerance))
        row.pulse(scheme.reset_millivolts, np.where(high, scheme.reset_gate, 0), scheme.reset_microseconds)
        row.pulse(scheme.set_millivolts, np.where(row.pending, gate, 0), scheme.set_microseconds)
        row.judge(row.pending)
