"""What a pulse is to a cell, and what every law must answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.device import Preset

Siemens = NDArray[np.float64]


@dataclass(frozen=True)
class Pulse:
    """One pulse on n cells of a row: magnitude in volts, gate voltage of each cell (n,), width in seconds.

    ``character``: (2, n) standard normal numbers that a cell was born with; they say how its SET and its RESET differ from the
    average cell's. ``noise``: (n,) standard normal numbers of this pulse.
    """

    volts: float
    gates: NDArray[np.float64]
    seconds: float
    character: NDArray[np.float64]
    noise: NDArray[np.float64]


class Law(Protocol):
    """What pulses do to cells; conductances (n,) in siemens, before and after. The caller keeps them inside the window."""

    @classmethod
    def of(cls, preset: Preset) -> Law:
        """Read the law's numbers from a preset."""

    def after_set(self, before: Siemens, pulse: Pulse) -> Siemens:
        """Conductances after a SET pulse."""

    def after_reset(self, before: Siemens, pulse: Pulse) -> Siemens:
        """Conductances after a RESET pulse."""
