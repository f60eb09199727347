"""A crossbar of linear cells as one matrix: what its wires leave of each cell's conductance.

The network is taken in row by row, from the far ends of the columns to the amplifiers. What has been taken in acts on the columns
below as an admittance matrix between columns, ``A``, and one vector of currents per driver, ``f``. A segment of ``r`` ohms on every
column turns them into ``(I + r A)^-1 A`` and ``(I + r A)^-1 f``; the next row adds its own. There are no differences of large
numbers in this, so resistances may be as small as one likes, and 0 needs no special case.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv

from fxlstm.crossbar.wires.resistances import Line, Wires, checked_conductance

Matrix = NDArray[np.float64]

_CHUNK = 1 << 17  # numbers in the matrices of rows prepared at once: 1 MiB, which stays in the cache


def effective_conductance(conductance: Matrix, wires: Wires) -> Matrix:
    """Return the matrix G that gives the sensed currents I = V G of driver voltages V, exactly: siemens, (rows, columns).

    ``conductance``: siemens, (rows, columns), of linear cells. Computed once per state of the cells; every vector is then one
    product. The work grows as rows x columns x the smaller of both squared: 128 x 64 takes some 20 ms, 512 x 512 seconds.
    Raises :class:`ArrayError` for conductances that are negative or not finite, and for source lines.
    """
    conductance = checked_conductance(conductance)
    wires.check_rows_are_driven()
    if not wires.rows.reach and not wires.columns.reach:
        return conductance.copy()
    return _collapse(conductance, wires.rows, wires.columns)


def _collapse(cells: Matrix, driven: Line, sensed: Line) -> Matrix:
    """Turn the array until it has no more columns than rows, drivers at the first column and amplifiers at the last row."""
    if cells.shape[0] < cells.shape[1]:  # a network of resistors is reciprocal
        return np.ascontiguousarray(_collapse(cells.T, sensed, driven).T)
    if driven.end == "last":
        return np.ascontiguousarray(_collapse(cells[:, ::-1], Line(driven.segment, driven.converter, "first"), sensed)[:, ::-1])
    if sensed.end == "first":
        return np.ascontiguousarray(_collapse(cells[::-1], driven, Line(sensed.segment, sensed.converter, "last"))[::-1])
    return _descend(cells, driven, sensed)


def _descend(cells: Matrix, driven: Line, sensed: Line) -> Matrix:
    """Take in row after row and return the currents per driver volt at the amplifiers, (rows, columns)."""
    rows, columns = cells.shape
    diagonal = np.arange(columns)
    # A, then f of each driver, beside each other: one solution moves all of them across a segment.
    state = np.zeros((columns, columns + rows), order="F")
    admittance = state[:, :columns]
    top = _Top(columns, rows, sensed) if sensed.end == "both" else None
    if top is not None:
        admittance[diagonal, diagonal] = 1 / sensed.reach
    for row, (seen, injected) in enumerate(_rows(cells, driven)):
        admittance += seen
        state[:, columns + row] = injected
        ohms = sensed.segment if row < rows - 1 else sensed.reach
        if ohms:
            crossing = ohms * admittance
            crossing[diagonal, diagonal] += 1
            moving = state[:, : columns + row + 1]
            if top is not None:
                moving = np.asfortranarray(np.hstack((moving, top.weights)))
            _, moved, _ = dposv(crossing, moving, overwrite_a=1, overwrite_b=1)
            state[:, : columns + row + 1] = moved[:, : columns + row + 1]
            if top is not None:
                top.follow(moved[:, columns:], ohms)
    currents = state[:, columns:].T
    return np.ascontiguousarray(currents if top is None else currents + top.currents)


class _Top:
    """Amplifiers at the first row as well: their currents as weights of the voltages at the row reached, and of the drivers."""

    def __init__(self, columns: int, rows: int, sensed: Line) -> None:
        self.weights = np.eye(columns) / sensed.reach
        self.currents = np.zeros((rows, columns))

    def follow(self, moved: Matrix, ohms: float) -> None:
        """Cross a segment; ``moved`` holds (I + r A)^-1 times the drivers' currents, then times the weights."""
        drivers, weights = np.split(moved, [moved.shape[1] - len(moved)], axis=1)
        self.currents[: drivers.shape[1]] += ohms * drivers.T @ self.weights
        self.weights = weights


def _rows(cells: Matrix, driven: Line) -> Iterator[tuple[Matrix, Matrix]]:
    """Of each row: the admittance matrix that its cells put between the columns, and the currents they inject per driver volt."""
    rows, columns = cells.shape
    chunk = max(1, _CHUNK // columns**2)
    diagonal = np.arange(columns)
    for start in range(0, rows, chunk):
        some = cells[start : start + chunk]
        impedance, reached = _ladders(some, driven)
        injected = some * reached
        # What a column's cell takes goes to the driver or comes out at other columns.
        seen = -some[:, :, np.newaxis] * impedance * some[:, np.newaxis, :]
        seen[:, diagonal, diagonal] = 0
        seen[:, diagonal, diagonal] = injected - seen.sum(axis=2)
        yield from zip(seen, injected, strict=True)


def _ladders(cells: Matrix, driven: Line) -> tuple[Matrix, Matrix]:
    """Of rows with grounded columns: node voltages per ampere into a node (row, node, node) and per driver volt (row, node)."""
    rows, columns = cells.shape
    behind = np.empty_like(cells)  # admittance of all that lies to the right of a node
    behind[:, -1] = 1 / driven.reach if driven.end == "both" else 0.0
    for node in range(columns - 1, 0, -1):
        beyond = behind[:, node] + cells[:, node]
        behind[:, node - 1] = beyond / (1 + driven.segment * beyond)
    load = behind + cells
    passed = 1 / (1 + driven.segment * load)  # voltage at a node per volt at the one before
    before = np.empty_like(cells)  # impedance towards the driver
    before[:, 0] = driven.reach
    for node in range(1, columns):
        before[:, node] = driven.segment + before[:, node - 1] / (1 + cells[:, node - 1] * before[:, node - 1])
    own = before / (1 + before * load)
    impedance = np.empty((rows, columns, columns))
    for node in range(columns):
        impedance[:, node, node] = own[:, node]
        impedance[:, node, :node] = impedance[:, node - 1, :node] * passed[:, node, np.newaxis]
        impedance[:, :node, node] = impedance[:, node, :node]
    passed[:, 0] = 1 / (1 + driven.reach * load[:, 0])
    reached = np.cumprod(passed, axis=1)
    if driven.end == "both":
        reached += impedance[:, -1, :] / driven.reach
    return impedance, np.asarray(reached, np.float64)
