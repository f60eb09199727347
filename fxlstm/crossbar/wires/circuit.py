"""A crossbar as a circuit: nodes and resistors, from which voltages are solved and netlists written."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.wires.resistances import Line, Wires

Nodes = NDArray[np.int64]


class Circuit(NamedTuple):
    """Nodes by number: first the drivers, then the amplifiers, then all others; ``names`` names them.

    ``driven`` and ``sensed``, (rows, columns), are the two nodes of each cell; without resistance in between, a line is one node,
    or its converter's. ``wires`` are the resistors of the lines: two nodes each, (wires, 2), and ``ohms``, none of them 0.
    """

    drivers: int
    amplifiers: int
    driven: Nodes
    sensed: Nodes
    wires: Nodes
    ohms: NDArray[np.float64]
    names: tuple[str, ...]
    along_drivers: int  # the axis along which cells share a driver: 1 for driven rows, 0 for bit lines

    @property
    def converters(self) -> int:
        """How many nodes have a given voltage."""
        return self.drivers + self.amplifiers


def row_driven(shape: tuple[int, int], wires: Wires) -> Circuit:
    """Return the circuit of an array of ``shape`` whose rows are driven and whose columns are sensed."""
    wires.check_rows_are_driven()
    rows, columns = shape
    return _circuit(shape, (wires.rows, "row", rows, False), (wires.columns, "column", columns, True))


def gate_driven(shape: tuple[int, int], wires: Wires) -> Circuit:
    """Return the circuit of a 1T1R array of ``shape`` whose columns are pairs of a driven bit line and a sensed source line."""
    columns = shape[1]
    bit = Line(wires.column, wires.driver, "first").simplest
    source = Line(wires.source, wires.amplifier, wires.columns.end).simplest
    return _circuit(shape, (bit, "bit", columns, True), (source, "source", columns, True))


Family = tuple[Line, str, int, bool]  # wires, their name, how many, whether they run along columns


def _circuit(shape: tuple[int, int], driven: Family, sensed: Family) -> Circuit:
    drivers, amplifiers = driven[2], sensed[2]
    names = [f"driver{line}" for line in range(drivers)] + [f"amplifier{line}" for line in range(amplifiers)]
    parts = [_nodes(shape, driven, 0, names), _nodes(shape, sensed, drivers, names)]
    (driven_nodes, driven_wires, driven_ohms), (sensed_nodes, sensed_wires, sensed_ohms) = parts
    wires, ohms = np.concatenate((driven_wires, sensed_wires)), np.concatenate((driven_ohms, sensed_ohms))
    return Circuit(drivers, amplifiers, driven_nodes, sensed_nodes, wires, ohms, tuple(names), 0 if driven[3] else 1)


def _nodes(
    shape: tuple[int, int], family: Family, first_converter: int, names: list[str]
) -> tuple[Nodes, Nodes, NDArray[np.float64]]:
    """Number a family's nodes, entering their names; return them as (rows, columns), and the wires' ends and ohms."""
    line, name, count, along_columns = family
    length = shape[0] if along_columns else shape[1]
    converter = np.arange(first_converter, first_converter + count)
    if line.segment:
        nodes = len(names) + np.arange(count * length).reshape(count, length)
        names += [f"{name}{index}_{node}" for index in range(count) for node in range(length)]
    elif line.converter:
        nodes = np.repeat(len(names) + np.arange(count)[:, np.newaxis], length, axis=1)
        names += [f"{name}{index}" for index in range(count)]
    else:
        nodes = np.repeat(converter[:, np.newaxis], length, axis=1)
    pairs = [np.stack((nodes[:, :-1].ravel(), nodes[:, 1:].ravel()), axis=1)] if line.segment else []
    resistances = [np.full(len(pair), line.segment) for pair in pairs]
    if line.reach:
        for end in {"first": (0,), "last": (-1,), "both": (0, -1)}[line.end]:
            pairs.append(np.stack((converter, nodes[:, end]), axis=1))
            resistances.append(np.full(count, line.reach))
    wires = np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)
    return nodes.T if along_columns else nodes, wires, np.concatenate(resistances) if resistances else np.empty(0)
