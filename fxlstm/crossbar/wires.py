"""The wires between cells and converters: what the ends of the rows and columns see of the cells' conductances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def effective_conductance(conductance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix G that gives the column currents I = V G of driven rows, in siemens; wires have no resistance here."""
    return conductance
