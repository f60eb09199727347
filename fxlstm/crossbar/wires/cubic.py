"""Cells whose current grows faster than their voltage, behind wires: no matrix, every vector is solved by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.wires.nodal import solve_nonlinear
from fxlstm.crossbar.wires.resistances import Wires

Matrix = NDArray[np.float64]


def cubic_currents(conductance: Matrix, cubic: float, wires: Wires, row_volts: Matrix) -> Matrix:
    """Return the currents of the columns, amperes (..., columns), for driver voltages (..., rows): I = G V (1 + cubic V**2).

    ``conductance``: siemens, (rows, columns), at small voltages; ``cubic``: 1/V**2. Every vector takes the iterations of
    :func:`solve_nonlinear`, whose errors it raises: some 30 ms for 34 x 60 cells, 160 ms for 128 x 64.
    """

    def current(volts: Matrix) -> Matrix:
        return conductance * volts * (1 + cubic * volts**2)

    def slope(volts: Matrix) -> Matrix:
        return conductance * (1 + 3 * cubic * volts**2)

    rows, columns = conductance.shape
    vectors = row_volts.reshape(-1, rows)
    found = [solve_nonlinear(current, slope, (rows, columns), wires, volts).currents for volts in vectors]
    return np.array(found).reshape(*row_volts.shape[:-1], columns)
