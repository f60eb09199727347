"""Netlists of arrays for ngspice: an independent witness of what the wires do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.crossbar.wires import Wires
from fxlstm.crossbar.wires.circuit import Circuit, row_driven
from fxlstm.crossbar.wires.gated import gated_circuit
from fxlstm.crossbar.wires.nodal import checked_volts
from fxlstm.crossbar.wires.resistances import checked_conductance


def array_netlist(conductance: NDArray[np.float64], wires: Wires, row_volts: ArrayLike) -> str:
    """Return the netlist of an array, which ``ngspice -b`` answers with ``i(va0) = ...``: the columns' currents in amperes.

    ``conductance``: siemens, (rows, columns); cells of 0 are left out. ``row_volts``: (rows,), or one for all. Nodes are called
    ``driver0``, ``row0_3`` (row 0 at column 3), ``column3_0`` (column 3 at row 0), ``amplifier3``; a wire without resistance is one
    node, or its converter's. Raises :class:`ArrayError` as :func:`fxlstm.crossbar.wires.solve` does.
    """
    conductance = checked_conductance(conductance)
    circuit = row_driven((conductance.shape[0], conductance.shape[1]), wires)
    volts = checked_volts(circuit, row_volts, 0.0)
    return "\n".join(_lines(circuit, conductance, volts)) + "\n"


def gated_netlist(conductance: NDArray[np.float64], wires: Wires, gates: ArrayLike, read_volts: ArrayLike = 0.2) -> str:
    """Return the netlist of a 1T1R array whose rows are gates, as :func:`fxlstm.crossbar.wires.solve_gated` solves it.

    Arguments and errors are its; nodes are called as in :func:`array_netlist`, but ``bit3_0`` and ``source3_0`` are those of
    column 3 at row 0. Cells of closed rows are left out.
    """
    circuit, opened = gated_circuit(conductance, wires, gates)
    return "\n".join(_lines(circuit, opened, checked_volts(circuit, read_volts, 0.0))) + "\n"


def _lines(circuit: Circuit, conductance: NDArray[np.float64], volts: NDArray[np.float64]) -> Iterator[str]:
    rows, columns = conductance.shape
    names = circuit.names
    yield f"Crossbar of {rows} x {columns} cells, written by fxlstm"
    yield "* Drivers, in volts."
    for driver in range(circuit.drivers):
        yield f"Vd{driver} {names[driver]} 0 DC {volts[driver]:.17g}"
    yield "* Column amplifiers; i(va0) is the current that column 0 delivers."
    for column in range(columns):
        yield f"Va{column} {names[circuit.drivers + column]} 0 DC 0"
    yield "* Wires, in ohms, with the converters' resistances."
    for index, ((first, second), ohms) in enumerate(zip(circuit.wires, circuit.ohms, strict=True)):
        yield f"Rw{index} {names[first]} {names[second]} {ohms:.17g}"
    yield "* Cells by row and column, in ohms."
    for row, column in np.argwhere(conductance > 0):
        first, second = circuit.driven[row, column], circuit.sensed[row, column]
        yield f"Rc{row}_{column} {names[first]} {names[second]} {1 / conductance[row, column]:.17g}"
    yield ".control"
    yield "set numdgt=15"
    yield "op"
    for column in range(columns):
        yield f"print i(va{column})"
    yield "quit 0"
    yield ".endc"
    yield ".end"
