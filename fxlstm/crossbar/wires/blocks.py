"""A large crossbar of linear cells as one matrix: blocks that are halved until they are small, then joined.

A block is a matrix between its ports, one per wire and side. What goes in is a voltage at the left and at the bottom, a current at
the right and at the top; what comes out is the current drawn at the left, the voltage at the right and at the top, and the current
delivered at the bottom. In this form every entry is finite also where wires have no resistance, and joining needs no differences
of large numbers. The work grows with the cube of a side, that of ``collapse.py`` with the fourth power, but from a smaller start.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv

from fxlstm.crossbar.wires.resistances import Line
from fxlstm.crossbar.wires.rows import between_columns, ladders

Matrix = NDArray[np.float64]
Ports = NDArray[np.int64]

LEAF = 32  # rows and columns of a block that is not halved


def collapse_by_blocks(cells: Matrix, driven: Line, sensed: Line) -> Matrix:
    """Return the effective conductances of an array driven at the first column or both ends, sensed at the last row or both."""
    rows, columns = cells.shape
    left, right, top, bottom = _sides(rows, columns)
    block = _block(cells, driven.segment, sensed.segment)
    used = np.concatenate((left, right if driven.end == "both" else right[:0], top if sensed.end == "both" else top[:0], bottom))
    # At each port, input * own + output * other = driver volts, or 0 where an amplifier is.
    own, other, volts = np.ones(len(block)), np.ones(len(block)), np.zeros((len(block), rows))
    other[left], own[right] = driven.reach, driven.reach
    own[top], other[bottom] = sensed.reach, -sensed.reach
    volts[left], volts[right] = np.eye(rows), np.eye(rows)
    inputs = np.zeros((len(block), rows))
    inputs[used] = np.linalg.solve(np.diag(own[used]) + other[used, np.newaxis] * block[np.ix_(used, used)], volts[used])
    return np.ascontiguousarray((block[bottom] @ inputs - inputs[top]).T)


def _sides(rows: int, columns: int) -> tuple[Ports, Ports, Ports, Ports]:
    """The ports of a block in their order: left, right, top, bottom."""
    ends = np.cumsum((rows, rows, columns, columns))
    left, right, top, bottom = np.split(np.arange(ends[-1]), ends[:-1])
    return left, right, top, bottom


def _block(cells: Matrix, row_ohms: float, column_ohms: float) -> Matrix:
    """Solve a block by halving its longer side."""
    rows, columns = cells.shape
    if max(rows, columns) <= LEAF:
        return _leaf(cells, row_ohms, column_ohms)
    half = max(rows, columns) // 2
    if columns >= rows:
        first, second = cells[:, :half], cells[:, half:]
        return _beside(
            _block(first, row_ohms, column_ohms), _block(second, row_ohms, column_ohms), first.shape, second.shape, row_ohms
        )
    first, second = cells[:half], cells[half:]
    return _above(
        _block(first, row_ohms, column_ohms), _block(second, row_ohms, column_ohms), first.shape, second.shape, column_ohms
    )


def _beside(first: Matrix, second: Matrix, shape: tuple[int, ...], next_shape: tuple[int, ...], ohms: float) -> Matrix:
    """Join two blocks side by side."""
    left, right, top, bottom = _sides(*shape)
    next_left, next_right, next_top, next_bottom = _sides(*next_shape)
    joined, place = _join(first, right, -1.0, second, next_left, ohms)
    order = place[0][left], place[1][next_right], place[0][top], place[1][next_top], place[0][bottom], place[1][next_bottom]
    return joined[np.ix_(np.concatenate(order), np.concatenate(order))]


def _above(first: Matrix, second: Matrix, shape: tuple[int, ...], next_shape: tuple[int, ...], ohms: float) -> Matrix:
    """Join two blocks, the first above the second."""
    left, right, top, bottom = _sides(*shape)
    next_left, next_right, next_top, next_bottom = _sides(*next_shape)
    joined, place = _join(second, next_top, 1.0, first, bottom, ohms)
    order = place[1][left], place[0][next_left], place[1][right], place[0][next_right], place[1][top], place[0][next_bottom]
    return joined[np.ix_(np.concatenate(order), np.concatenate(order))]


def _join(source: Matrix, out: Ports, sign: float, sink: Matrix, into: Ports, ohms: float) -> tuple[Matrix, tuple[Ports, Ports]]:
    """Join the ports ``out`` of a block, which give voltages for currents, to the ports ``into`` of one that gives currents.

    ``sign`` turns a current out of the sink's ports into one into the source's. Returns the joined block, whose ports are what is
    left of the source's, then of the sink's, and where each port of either went.
    """
    rest, others = np.delete(np.arange(len(source)), out), np.delete(np.arange(len(sink)), into)
    count, size = len(rest), len(out)
    impedance = source[np.ix_(out, out)] + ohms * np.eye(size)
    admittance = -sign * sink[np.ix_(into, into)]
    given = sign * sink[np.ix_(into, others)]  # currents into the source with the joint grounded, per input of the sink
    open_volts = np.hstack((source[np.ix_(out, rest)], impedance @ given))
    volts = np.linalg.solve(np.eye(size) + impedance @ admittance, open_volts)
    currents = -admittance @ volts
    currents[:, count:] += given
    joined = np.vstack((source[np.ix_(rest, out)] @ currents, sink[np.ix_(others, into)] @ volts))
    joined[:count, :count] += source[np.ix_(rest, rest)]
    joined[count:, count:] += sink[np.ix_(others, others)]
    return joined, (_places(rest, len(source), 0), _places(others, len(sink), count))


def _places(kept: Ports, size: int, first: int) -> Ports:
    """Where each of ``size`` ports stands when those ``kept`` are lined up from ``first`` on; -1 for the others."""
    places = np.full(size, -1)
    places[kept] = first + np.arange(len(kept))
    return places


def _leaf(cells: Matrix, row_ohms: float, column_ohms: float) -> Matrix:
    """Solve a small block by taking in row after row, from the top."""
    rows, columns = cells.shape
    diagonal = np.arange(columns)
    impedance, reached = ladders(cells, row_ohms, 0.0)
    seen, injected = between_columns(cells, impedance, reached)
    # Ports as they come in: the top, then left and right of each row, so that a row deals with those known so far alone.
    left, right = columns + 2 * np.arange(rows), columns + 2 * np.arange(rows) + 1
    # With the columns held at the row reached: their admittance and, for each port, the currents into them, beside each other.
    state = np.zeros((columns, 2 * columns + 2 * rows), order="F")
    admittance, currents = state[:, :columns], state[:, columns:]
    currents[diagonal, diagonal] = 1
    inner = np.zeros((columns + 2 * rows, columns + 2 * rows))
    inner[left, left], inner[right, right] = injected.sum(axis=1), impedance[:, -1, -1]
    inner[right, left], inner[left, right] = reached[:, -1], -reached[:, -1]
    # A network of resistors is reciprocal: what a port does to the columns they do to it, against the sign where volts go in.
    sign = np.ones((columns + 2 * rows, 1))
    sign[left] = -1
    for row in range(rows):
        admittance += seen[row]
        currents[:, left[row]] = injected[row]
        currents[:, right[row]] = cells[row] * impedance[row, -1]
        if column_ohms and row < rows - 1:
            known = right[row] + 1
            before = currents[:, :known].copy()
            crossing = column_ohms * admittance
            crossing[diagonal, diagonal] += 1
            moving = state[:, : columns + known]
            _, moving[:], _ = dposv(crossing, moving, overwrite_a=1, overwrite_b=1)
            inner[:known, :known] += column_ohms * sign[:known] * (before.T @ currents[:, :known])
    order = np.concatenate((left, right, diagonal))
    inner, currents, sign = inner[np.ix_(order, order)], currents[:, order], sign[order]
    return np.block([[inner, sign * currents.T], [currents, -admittance]])
