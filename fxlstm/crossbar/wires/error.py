"""How much the wires change what an array computes, and how much of that gains can take back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.wires.collapse import effective_conductance
from fxlstm.crossbar.wires.resistances import Wires


class WireError(NamedTuple):
    """Error of the currents relative to ideal wires, root mean square: as it is, after one gain, after one gain per column."""

    raw: float
    after_gain: float
    after_column_gains: float


def wire_error(conductance: NDArray[np.float64], wires: Wires, row_volts: NDArray[np.float64]) -> WireError:
    """Return how far wires bring the columns' currents off for vectors of driver voltages, (vectors, rows).

    The gains are those of least error. Which rows a pair of cells takes shows here: lay the inputs +x and -x on rows side by side,
    or on two halves, and compare. Raises :class:`ArrayError` as :func:`effective_conductance` does.
    """
    ideal, real = row_volts @ conductance, row_volts @ effective_conductance(conductance, wires)
    gain = (ideal * real).sum() / (real**2).sum()
    column_gains = (ideal * real).sum(axis=0) / (real**2).sum(axis=0)
    size = (ideal**2).mean()
    return WireError(
        *(float(np.sqrt(((scaled - ideal) ** 2).mean() / size)) for scaled in (real, real * gain, real * column_gains))
    )
