"""All voltages of a crossbar for one vector of driver voltages, with linear cells and with cells of any I(V)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from fxlstm.crossbar.wires.circuit import Circuit, row_driven
from fxlstm.crossbar.wires.resistances import Wires, checked_conductance
from fxlstm.crossbar.wires.threads import one_thread
from fxlstm.errors import ArrayError, ConvergenceError

Matrix = NDArray[np.float64]
OfVoltage = Callable[[Matrix], Matrix]

MAX_ITERATIONS = 100
_HALVINGS = 30  # of a Newton step that makes the balance worse


@dataclass(frozen=True)
class Solution:
    """Voltages and currents of a crossbar at rest; volts and amperes.

    ``driven_volts`` and ``sensed_volts``, (rows, columns): the two nodes of each cell, on the wire of the drivers (the row) and on
    that of the amplifiers (the column). ``device_currents``, (rows, columns), flow from the one to the other. ``driver_currents``
    leave the drivers, ``currents``, (columns,), arrive at the amplifiers. ``wire_power``: watts that the wires and converters'
    resistances turn into heat.
    """

    driven_volts: Matrix
    sensed_volts: Matrix
    device_currents: Matrix
    driver_currents: Matrix
    currents: Matrix
    wire_power: float

    @property
    def device_volts(self) -> Matrix:
        """The voltage across each cell, (rows, columns)."""
        return self.driven_volts - self.sensed_volts


def solve(conductance: Matrix, wires: Wires, row_volts: ArrayLike, column_volts: ArrayLike = 0.0) -> Solution:
    """Return every voltage of an array of linear cells whose rows are driven with ``row_volts``, (rows,) or one for all.

    ``conductance``: siemens, (rows, columns). ``column_volts``: what the amplifiers hold the columns at, for example half a write
    voltage. Raises :class:`ArrayError` for values that are no usable conductances or voltages.
    """
    conductance = checked_conductance(conductance)
    circuit = row_driven(conductance.shape, wires)
    return solve_circuit(circuit, conductance, checked_volts(circuit, row_volts, column_volts))


def solve_nonlinear(
    current: OfVoltage,
    slope: OfVoltage,
    shape: tuple[int, int],
    wires: Wires,
    row_volts: ArrayLike,
    column_volts: ArrayLike = 0.0,
    tolerance: float = 1e-12,
) -> Solution:
    """Return every voltage of an array of cells of any monotone I(V), by Newton's method with step halving.

    ``current`` and ``slope`` map the cells' voltages, (rows, columns), to amperes and to dI/dV in siemens, cell by cell. The
    currents at each node add up to 0 within ``tolerance`` times the largest current of a wire, and rounding. Raises
    :class:`ConvergenceError` when they do not after :data:`MAX_ITERATIONS` iterations, or when I(V) or its slope is not finite.
    """
    circuit = row_driven(shape, wires)
    given = checked_volts(circuit, row_volts, column_volts)
    free = slice(circuit.converters, None)
    lines = _admittance(circuit, 1 / circuit.ohms)
    nodes = _start(circuit, given)
    balance, scale = _balance(circuit, lines, nodes, current)
    rounding = 16 * np.finfo(float).eps * float(np.abs(given).max()) * float(lines.diagonal().max())
    for _ in range(MAX_ITERATIONS):
        error = float(np.abs(balance[free]).max(initial=0.0))
        allowed = tolerance * scale + rounding
        if error <= allowed:
            return _solution(circuit, nodes, current(_across(circuit, nodes)))
        slopes = np.maximum(slope(_across(circuit, nodes)), 0.0)
        step = np.zeros_like(nodes)
        step[free] = _factor(circuit, _finite(slopes, "dI/dV"))(-balance[free])
        nodes, balance, scale = _damped(circuit, lines, nodes, step, current, error)
    raise ConvergenceError(
        f"the cells' voltages did not settle in {MAX_ITERATIONS} iterations: {error:.3g} A are unbalanced at a node, "
        f"{allowed:.3g} A are allowed; check that dI/dV is the slope of I(V), or raise the tolerance"
    )


def solve_circuit(circuit: Circuit, conductance: Matrix, given: Matrix) -> Solution:
    """Return every voltage of a circuit of linear cells; ``given``: the converters' voltages."""
    free = slice(circuit.converters, None)
    matrix = _admittance(circuit, 1 / circuit.ohms, conductance)
    nodes = np.concatenate((given, np.zeros(len(circuit.names) - len(given))))
    if len(nodes) > len(given):
        nodes[free] = _factor(circuit, conductance)(-(matrix @ nodes)[free])
    return _solution(circuit, nodes, conductance * _across(circuit, nodes))


def checked_volts(circuit: Circuit, drivers: ArrayLike, amplifiers: ArrayLike) -> Matrix:
    """Return the converters' voltages in the order of the circuit's nodes, or raise :class:`ArrayError`."""
    parts = []
    for name, volts, count in (("driver", drivers, circuit.drivers), ("column", amplifiers, circuit.amplifiers)):
        volts = np.asarray(volts, np.float64)
        if volts.shape not in ((), (count,)) or not np.isfinite(volts).all():
            raise ArrayError(f"{name} voltages of shape {volts.shape}: give {count} finite voltages, or one for all")
        parts.append(np.broadcast_to(volts, (count,)))
    return np.concatenate(parts)


def _across(circuit: Circuit, nodes: Matrix) -> Matrix:
    return nodes[circuit.driven] - nodes[circuit.sensed]


def _admittance(circuit: Circuit, wires: Matrix, cells: Matrix | None = None) -> csc_array:
    """The matrix that gives the currents leaving all nodes for their voltages; without cells, only those of the wires."""
    first, second, values = circuit.wires[:, 0], circuit.wires[:, 1], wires
    if cells is not None:
        first = np.concatenate((first, circuit.driven.ravel()))
        second = np.concatenate((second, circuit.sensed.ravel()))
        values = np.concatenate((wires, cells.ravel()))
    places = np.concatenate((first, second, first, second)), np.concatenate((first, second, second, first))
    size = len(circuit.names)
    return csc_array((np.concatenate((values, values, -values, -values)), places), shape=(size, size))


def _factor(circuit: Circuit, cells: Matrix) -> Callable[[Matrix], Matrix]:
    """Factorise the matrix of the free nodes and return what solves it."""
    free = slice(circuit.converters, None)
    matrix = _admittance(circuit, 1 / circuit.ohms, cells)[free, free]
    with one_thread():
        factors = splu(csc_array(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    solver: Callable[[Matrix], Matrix] = factors.solve
    return solver


def _solution(circuit: Circuit, nodes: Matrix, device_currents: Matrix) -> Solution:
    drops = nodes[circuit.wires[:, 0]] - nodes[circuit.wires[:, 1]]
    return Solution(
        driven_volts=nodes[circuit.driven],
        sensed_volts=nodes[circuit.sensed],
        device_currents=device_currents,
        driver_currents=device_currents.sum(axis=circuit.along_drivers),
        currents=device_currents.sum(axis=0),
        wire_power=float((drops**2 / circuit.ohms).sum()),
    )


def _start(circuit: Circuit, given: Matrix) -> Matrix:
    """Every node at the voltage of its own converter: exact where wires are ideal."""
    nodes = np.concatenate((given, np.zeros(len(circuit.names) - len(given))))
    nodes[circuit.driven] = np.expand_dims(given[: circuit.drivers], circuit.along_drivers)
    nodes[circuit.sensed] = given[circuit.drivers :]
    return nodes


def _balance(circuit: Circuit, lines: csc_array, nodes: Matrix, current: OfVoltage) -> tuple[Matrix, float]:
    """The current that leaves each node, which is 0 at free nodes once they have settled, and the largest current of a part."""
    cells = _finite(current(_across(circuit, nodes)), "I(V)")
    size = len(nodes)
    leaving = lines @ nodes
    leaving += np.bincount(circuit.driven.ravel(), cells.ravel(), size) - np.bincount(circuit.sensed.ravel(), cells.ravel(), size)
    drops = nodes[circuit.wires[:, 0]] - nodes[circuit.wires[:, 1]]
    return leaving, max(float(np.abs(cells).max()), float(np.abs(drops / circuit.ohms).max(initial=0.0)))


def _damped(
    circuit: Circuit, lines: csc_array, nodes: Matrix, step: Matrix, current: OfVoltage, error: float
) -> tuple[Matrix, Matrix, float]:
    """Take the step, or the largest half, quarter, ... of it that brings the currents closer to balance."""
    for halving in range(_HALVINGS):
        tried = nodes + step / 2**halving
        balance, scale = _balance(circuit, lines, tried, current)
        if np.abs(balance[circuit.converters :]).max() < error:
            break
    return tried, balance, scale


def _finite(values: Matrix, name: str) -> Matrix:
    if not np.isfinite(values).all():
        raise ConvergenceError(f"{name} of a cell is not finite; give a function that is finite at every voltage the cells may see")
    return values
