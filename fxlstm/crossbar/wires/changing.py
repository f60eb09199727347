"""The effective matrix of cells that change row by row, as programming changes them: worked out anew at the price of one row.

The cells of one row see the rest of the array as two networks at the nodes where they join the columns: all rows above, and all
rows below with the amplifiers. Both are kept, row by row, as long as no cell in them changes. With ``g`` the row's conductances and
``Z`` the impedance between its cells as the wires of the row and these two networks make it, the currents ``c`` through the cells
for the voltages ``p`` that stand across them when none is there are

    c = g (p - Z c)

and add to the currents of the array without that row. Each state of the row is one small system of equations. Resistances of 0 need
no special case, as in ``collapse.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.wires.collapse import effective_conductance
from fxlstm.crossbar.wires.resistances import Line, Wires, checked_conductance
from fxlstm.crossbar.wires.threads import one_thread

Matrix = NDArray[np.float64]

SPACING = 12  # of the rows whose networks are kept for good; those between are worked out again when they are needed
FAR = 2 * SPACING  # rows from those that are known, beyond which the whole array is as quick


class ChangingConductance:
    """:func:`effective_conductance` of one array again and again: quick where one row, and then its neighbours, change.

    Rows are looked at alone from the second time on that a row is the only one that has changed; a change elsewhere ends it.
    """

    def __init__(self, wires: Wires) -> None:
        self._wires = wires
        self._cells: Matrix = np.empty((0, 0))
        self._effective = self._cells
        self._rows: _Rows | None = None
        self._last = -1  # the row that changed

    def __call__(self, conductance: Matrix) -> Matrix:
        """Return the effective conductances, siemens (rows, columns); not to be written into."""
        if self._wires.ideal:
            return checked_conductance(conductance)
        same = self._cells.shape == conductance.shape
        changed = np.flatnonzero((self._cells != conductance).any(axis=1)).tolist() if same else list(range(len(conductance)))
        if changed:
            self._cells = checked_conductance(conductance).copy()
            self._effective = self._worked_out(changed[0] if same and len(changed) == 1 else -1)
        return self._effective

    def _worked_out(self, row: int) -> Matrix:
        """Work it out as seen from the only row that has changed, if it is one (not -1) and that is quicker."""
        again, self._last = row == self._last, row
        turned = self._wires.columns.end == "first"  # so that an amplifier is at the last row
        cells, place = (self._cells[::-1], len(self._cells) - 1 - row) if turned else (self._cells, row)
        if row < 0 or not (again or (self._rows is not None and self._rows.steps(place) <= FAR)):
            self._rows = None
            return effective_conductance(self._cells, self._wires)
        with one_thread():
            self._rows = self._rows or _Rows(cells, self._wires)
            found = self._rows.changed(cells, place)
        return found[::-1] if turned else found


@dataclass(frozen=True, eq=False)
class _Above:
    """Rows above a node of every column, seen from there; the drivers are theirs, from the first on.

    ``admittance``: (columns, columns) between the nodes; ``injected``: current into them per driver volt, (columns, drivers), with
    the nodes grounded. ``passed`` and ``currents``: current at the amplifiers of the upper ends, if there are any, per node volt
    (columns, columns) and per driver volt (columns, drivers).
    """

    admittance: Matrix
    injected: Matrix
    passed: Matrix
    currents: Matrix

    @classmethod
    def end(cls, columns: int, sensed: Line) -> _Above:
        """What is above the first row: nothing, or amplifiers."""
        amplifiers = np.eye(columns) / sensed.reach if sensed.end == "both" else np.zeros((columns, columns))
        return cls(amplifiers, np.zeros((columns, 0)), amplifiers, np.zeros((columns, 0)))

    def with_row(self, admittance: Matrix, injected: Matrix, ohms: float) -> _Above:
        """Take in a row at the nodes, and go down a segment of ``ohms``."""
        admittance = self.admittance + admittance
        injected = np.hstack((self.injected, injected))
        currents = np.hstack((self.currents, np.zeros_like(injected[:, :1])))
        count = len(admittance)
        crossing = np.eye(count) + ohms * admittance
        solved = np.linalg.solve(crossing, np.hstack((admittance, injected, self.passed.T)))
        admittance, behind, passed = np.split(solved, (count, count + injected.shape[1]), axis=1)
        return _Above(admittance, behind, passed.T, currents + ohms * self.passed @ behind)


@dataclass(frozen=True, eq=False)
class _Below:
    """Rows below a node of every column and the amplifiers at the last, seen from there; the drivers are theirs, from the first on.

    Voltages at the nodes, ``impedance`` per ampere into them (columns, columns) and ``volts`` per driver volt (columns, drivers);
    currents at the amplifiers, ``passed.T`` per ampere into the nodes and ``currents`` per driver volt, in the same shapes.
    """

    impedance: Matrix
    volts: Matrix
    passed: Matrix
    currents: Matrix

    @classmethod
    def end(cls, columns: int, sensed: Line) -> _Below:
        """What is below the last row: an amplifier at every column."""
        return cls(sensed.reach * np.eye(columns), np.zeros((columns, 0)), np.eye(columns), np.zeros((columns, 0)))

    def with_shunt(self, admittance: Matrix, injected: Matrix) -> _Below:
        """Take in a network at the nodes, whose drivers come before those below."""
        count = len(admittance)
        loaded = np.eye(count) + self.impedance @ admittance
        solved = np.linalg.solve(loaded, np.hstack((self.impedance, self.passed, self.impedance @ injected, self.volts)))
        impedance, passed, volts = np.split(solved, (count, 2 * count), axis=1)
        currents = self.currents - passed.T @ (admittance @ self.volts)
        return _Below(impedance, volts, passed, np.hstack((passed.T @ injected, currents)))

    def with_segment(self, ohms: float) -> _Below:
        """Go up a segment of ``ohms``."""
        return _Below(self.impedance + ohms * np.eye(len(self.impedance)), self.volts, self.passed, self.currents)


class _Rows:
    """An array whose amplifiers are at the last row, or both, with what stands above and below each row as far as it is known."""

    def __init__(self, cells: Matrix, wires: Wires) -> None:
        rows, columns = cells.shape
        self._sensed = wires.columns
        self._own = _between_nodes(columns, wires.rows)
        self._cells = cells
        self._above = {0: _Above.end(columns, self._sensed)}  # by row, of the rows before it
        self._below = {rows - 1: _Below.end(columns, self._sensed)}  # by row, of the rows after it
        self._row = -1
        self._seen: tuple[Matrix, ...] = ()  # from the cells of that row

    def steps(self, row: int) -> int:
        """How many rows would have to be taken in to look at the array from a row that has changed."""
        above, below = max(at for at in self._above if at <= row), min(at for at in self._below if at >= row)
        return int(below - above)

    def changed(self, cells: Matrix, row: int) -> Matrix:
        """Return the effective conductances now that the cells of one row have changed."""
        self._cells = cells
        self._above = {at: found for at, found in self._above.items() if at <= row}
        self._below = {at: found for at, found in self._below.items() if at >= row}
        if row != self._row:
            self._row, self._seen = row, self._seen_from(row)
        without, across, impedance, passed = self._seen
        drawn = np.linalg.solve(np.eye(len(impedance)) + impedance * cells[row], passed)
        return without + (cells[row, :, np.newaxis] * across).T @ drawn

    def _seen_from(self, row: int) -> tuple[Matrix, ...]:
        """The array without the cells of a row, as they see it.

        Currents at the amplifiers (rows, columns) and volts across the cells (columns, rows) per driver volt; volts across the
        cells per ampere through them (columns, columns), and their currents at the amplifiers (columns, columns).
        """
        above = self._from_above(row)
        around = self._from_below(row).with_shunt(above.admittance, above.injected)
        passed = around.passed + around.impedance @ above.passed.T
        currents = around.currents + above.passed @ around.volts
        currents[:, :row] += above.currents
        currents, volts = (np.insert(part, row, 0.0, axis=1) for part in (currents, around.volts))
        across = -volts
        across[:, row] = 1.0
        return currents.T, across, self._own + around.impedance, passed

    def _from_above(self, row: int) -> _Above:
        for at in range(max(self._above), row):
            self._above[at + 1] = self._above[at].with_row(*self._loads(at), self._sensed.segment)
            self._thin(self._above, at + 1, row)
        return self._above[row]

    def _from_below(self, row: int) -> _Below:
        for at in range(min(self._below), row, -1):
            self._below[at - 1] = self._below[at].with_shunt(*self._loads(at)).with_segment(self._sensed.segment)
            self._thin(self._below, at - 1, row)
        return self._below[row]

    def _thin(self, known: dict[int, Any], newest: int, row: int) -> None:
        """Forget what is known at rows that are neither near the one wanted, nor the newest, nor kept for good."""
        lasting = {newest, len(self._cells) - 1}
        for at in [at for at in known if at % SPACING and at not in lasting and abs(at - row) >= SPACING]:
            del known[at]

    def _loads(self, row: int) -> tuple[Matrix, Matrix]:
        """What a row's cells and wire do to the columns: admittance (columns, columns), current per driver volt (columns, 1)."""
        cells = self._cells[row][:, np.newaxis]
        loaded = np.eye(len(cells)) + cells * self._own
        solved = np.linalg.solve(loaded, np.hstack((np.diag(cells[:, 0]), cells)))
        return solved[:, :-1], solved[:, -1:]


def _between_nodes(columns: int, driven: Line) -> Matrix:
    """Impedance between the nodes of a row that joins no cell, (columns, columns)."""
    place = np.arange(columns)
    first, last = driven.reach + driven.segment * place, driven.reach + driven.segment * place[::-1]
    if driven.end != "both":
        ohms = first if driven.end == "first" else last
        return np.asarray(np.minimum.outer(ohms, ohms))
    nearer, further = np.minimum.outer(first, first), np.minimum.outer(last, last)
    return np.asarray(nearer * further / (first[0] + last[0]))
