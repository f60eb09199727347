"""One row of linear cells between the columns: what its ladder of cells and segments does to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def ladders(cells: Matrix, segment: float, first: float, last: float | None = None) -> tuple[Matrix, Matrix]:
    """Of rows with grounded columns: node voltages per ampere into a node (row, node, node) and per driver volt (row, node).

    ``segment``: ohms from cell to cell, ``first``: ohms between driver and first cell, ``last``: those at the other end, if there
    is a driver too.
    """
    rows, columns = cells.shape
    behind = np.empty_like(cells)  # admittance of all that lies to the right of a node
    behind[:, -1] = 0.0 if last is None else 1 / last
    for node in range(columns - 1, 0, -1):
        beyond = behind[:, node] + cells[:, node]
        behind[:, node - 1] = beyond / (1 + segment * beyond)
    load = behind + cells
    passed = 1 / (1 + segment * load)  # voltage at a node per volt at the one before
    before = np.empty_like(cells)  # impedance towards the driver
    before[:, 0] = first
    for node in range(1, columns):
        before[:, node] = segment + before[:, node - 1] / (1 + cells[:, node - 1] * before[:, node - 1])
    own = before / (1 + before * load)
    impedance = np.empty((rows, columns, columns))
    for node in range(columns):
        impedance[:, node, node] = own[:, node]
        impedance[:, node, :node] = impedance[:, node - 1, :node] * passed[:, node, np.newaxis]
        impedance[:, :node, node] = impedance[:, node, :node]
    passed[:, 0] = 1 / (1 + first * load[:, 0])
    reached = np.cumprod(passed, axis=1)
    if last is not None:
        reached += impedance[:, -1, :] / last
    return impedance, np.asarray(reached, np.float64)


def between_columns(cells: Matrix, impedance: Matrix, reached: Matrix) -> tuple[Matrix, Matrix]:
    """Return each row's admittances between the columns, (row, column, column), and currents per driver volt, (row, column)."""
    diagonal = np.arange(cells.shape[1])
    injected = cells * reached
    # What a column's cell takes goes to the driver or comes out at other columns.
    admittance = -cells[:, :, np.newaxis] * impedance * cells[:, np.newaxis, :]
    admittance[:, diagonal, diagonal] = 0
    admittance[:, diagonal, diagonal] = injected - admittance.sum(axis=2)
    return admittance, injected
