"""What came of programming, for every cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.scheme import CELL_STATES

Progress = Callable[[int, int], None]  # called with how much is done, of how much


@dataclass(frozen=True, eq=False)
class ProgrammingReport:
    """What became of every cell; arrays are (rows, columns) and cells without a target have state ``untouched``.

    ``state``: CELL_STATES. ``cycles``: RESET-SET-read cycles used. ``pulses``: pulses given. ``reading``: the conductance
    that the last verdict on the cell rests on, and ``error``: reading minus target; siemens, NaN where nothing was measured.
    ``seconds``: time it took; on a simulated array that of its pulses and readings, row after row, cells of a row side by
    side, and the waits between passes.
    """

    state: NDArray[np.uint8]
    cycles: NDArray[np.int64]
    pulses: NDArray[np.int64]
    reading: NDArray[np.float64]
    error: NDArray[np.float64]
    seconds: float = 0.0

    @property
    def targeted(self) -> NDArray[np.bool_]:
        """Cells that had a target."""
        return np.asarray(self.state != CELL_STATES["untouched"])

    @property
    def success_rate(self) -> float:
        """Part of the targeted cells that ended within tolerance; 1 when there were none."""
        cells = int(np.count_nonzero(self.targeted))
        return int(np.count_nonzero(self.state == CELL_STATES["in_tolerance"])) / cells if cells else 1.0

    @property
    def failed(self) -> list[tuple[int, int]]:
        """(row, column) of every targeted cell that is not within tolerance."""
        missed = self.targeted & (self.state != CELL_STATES["in_tolerance"])
        return [(int(row), int(column)) for row, column in np.argwhere(missed)]

    def __str__(self) -> str:
        cells = int(np.count_nonzero(self.targeted))
        if not cells:
            return "no cell had a target"
        cycles = float(self.cycles[self.targeted].mean())
        spread = float(np.nanstd(self.error[self.state == CELL_STATES["in_tolerance"]])) if self.success_rate else float("nan")
        return (
            f"{cells - len(self.failed)} of {cells} cells in tolerance ({100 * self.success_rate:.2f} %), "
            f"{cycles:.2f} cycles per cell, {int(self.pulses.sum())} pulses in {self.seconds:.3g} s, "
            f"spread of the accepted readings {spread * 1e6:.2f} uS"
        )
