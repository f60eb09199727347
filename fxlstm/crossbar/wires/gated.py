"""1T1R arrays whose rows are gates: an input opens or closes a row's transistors, and each column reads its open cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.crossbar.wires.circuit import Circuit, gate_driven
from fxlstm.crossbar.wires.nodal import Solution, checked_volts, solve_circuit
from fxlstm.crossbar.wires.resistances import Wires, checked_conductance
from fxlstm.errors import ArrayError


def solve_gated(conductance: NDArray[np.float64], wires: Wires, gates: ArrayLike, read_volts: ArrayLike = 0.2) -> Solution:
    """Return every voltage of an array whose ``gates``, (rows,), connect the rows' cells (true) or cut them off.

    Each column is a bit line, driven at its top with ``read_volts`` through ``wires.driver``, and a source line of ``wires.source``
    ohms per segment, sensed where ``wires.sense`` says; rows carry no current. In the solution the bit lines are the driven wires.
    Columns do not act on each other, but a current is not a product of inputs and cells: how far a cell's voltage falls depends
    on which others are open. Raises :class:`ArrayError` as :func:`solve` does, and for rows with resistance.
    """
    circuit, opened = gated_circuit(conductance, wires, gates)
    return solve_circuit(circuit, opened, checked_volts(circuit, read_volts, 0.0))


def gated_circuit(conductance: NDArray[np.float64], wires: Wires, gates: ArrayLike) -> tuple[Circuit, NDArray[np.float64]]:
    """Return the circuit that :func:`solve_gated` solves, and the conductances that ``gates`` leave in it; raises as it does."""
    conductance = checked_conductance(conductance)
    if wires.row:
        raise ArrayError(f"rows of {wires.row:g} ohm: rows that are gates carry no current; set row=0")
    opened = np.asarray(gates)
    if opened.shape != conductance.shape[:1] or not np.isin(opened, (0, 1)).all():
        raise ArrayError(f"gates of shape {opened.shape}: give true or false for each of the {len(conductance)} rows")
    return gate_driven((conductance.shape[0], conductance.shape[1]), wires), conductance * opened[:, np.newaxis]
