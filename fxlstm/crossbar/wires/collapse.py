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

from fxlstm.crossbar.wires.blocks import collapse_by_blocks
from fxlstm.crossbar.wires.resistances import Line, Wires, checked_conductance
from fxlstm.crossbar.wires.rows import between_columns, ladders
from fxlstm.crossbar.wires.threads import one_thread

Matrix = NDArray[np.float64]

_CHUNK = 1 << 17  # numbers in the matrices of rows prepared at once: 1 MiB, which stays in the cache
BLOCKS_FROM = 100  # rows and columns above which halving the array is quicker


def effective_conductance(conductance: Matrix, wires: Wires) -> Matrix:
    """Return the matrix G that gives the sensed currents I = V G of driver voltages V, exactly: siemens, (rows, columns).

    ``conductance``: siemens, (rows, columns), of linear cells. Computed once per state of the cells; every vector is then one
    product: 128 x 64 takes some 20 ms, 512 x 512 some 2 s.
    Raises :class:`ArrayError` for conductances that are negative or not finite, and for source lines.
    """
    conductance = checked_conductance(conductance)
    wires.check_rows_are_driven()
    if wires.ideal:
        return conductance.copy()
    with one_thread():
        return _collapse(conductance, wires.rows, wires.columns)


def _collapse(cells: Matrix, driven: Line, sensed: Line) -> Matrix:
    """Turn the array until it has no more columns than rows, drivers at the first column and amplifiers at the last row."""
    if cells.shape[0] < cells.shape[1]:  # a network of resistors is reciprocal
        return np.ascontiguousarray(_collapse(cells.T, sensed, driven).T)
    if driven.end == "last":
        return np.ascontiguousarray(_collapse(cells[:, ::-1], Line(driven.segment, driven.converter, "first"), sensed)[:, ::-1])
    if sensed.end == "first":
        return np.ascontiguousarray(_collapse(cells[::-1], driven, Line(sensed.segment, sensed.converter, "last"))[::-1])
    if min(cells.shape) > BLOCKS_FROM or sensed.end == "both":
        return collapse_by_blocks(cells, driven, sensed)
    return _descend(cells, driven, sensed)


def _descend(cells: Matrix, driven: Line, sensed: Line) -> Matrix:
    """Take in row after row and return the currents per driver volt at the amplifiers, (rows, columns)."""
    rows, columns = cells.shape
    diagonal = np.arange(columns)
    # A, then f of each driver, beside each other: one solution moves all of them across a segment.
    state = np.zeros((columns, columns + rows), order="F")
    admittance = state[:, :columns]
    for row, (seen, injected) in enumerate(_rows(cells, driven)):
        admittance += seen
        state[:, columns + row] = injected
        ohms = sensed.segment if row < rows - 1 else sensed.reach
        if ohms:
            crossing = ohms * admittance
            crossing[diagonal, diagonal] += 1
            moving = state[:, : columns + row + 1]
            _, moving[:], _ = dposv(crossing, moving, overwrite_a=1, overwrite_b=1)
    return np.ascontiguousarray(state[:, columns:].T)


def _rows(cells: Matrix, driven: Line) -> Iterator[tuple[Matrix, Matrix]]:
    """Of each row: the admittance matrix that its cells put between the columns, and the currents they inject per driver volt."""
    rows, columns = cells.shape
    chunk = max(1, _CHUNK // columns**2)
    for start in range(0, rows, chunk):
        some = cells[start : start + chunk]
        impedance, reached = ladders(some, driven.segment, driven.reach, driven.reach if driven.end == "both" else None)
        yield from zip(*between_columns(some, impedance, reached), strict=True)
