"""A cell with its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fxlstm.errors import ModelError
from fxlstm.network.arrays import Array, as_float, as_matrix
from fxlstm.network.cells import Cell
from fxlstm.network.layers.timing import TIME_GATE_INPUT, TimeGate

__all__ = ["Array", "Layer", "as_float", "as_matrix"]


@dataclass(frozen=True, eq=False)
class Layer:
    """A cell with its weights: ``inputs`` numbers in, ``outputs`` numbers out at each timestep.

    ``parameters`` maps the names that the cell's equations use to float64 arrays. For each multiply a weight (rows: its operands
    stacked, [x, h]; columns: one block per result) and a bias (one per column); for each parameter vector its elements.
    ``units`` is the length of the cell's vectors; ``sizes`` gives those lengths that the cell names itself (see ``Cell.lengths``).
    ``period``: the layer runs at every ``period``-th timestep, first at the one of this number, and holds its states and its output
    between; before its first run its output is 0, or the initial value where the output is a state. ``time_gate`` gives the input k
    of a cell that has one.
    Raises :class:`ModelError` where a parameter or size is missing, has another shape, or holds NaN or infinity.
    """

    cell: Cell
    inputs: int
    units: int
    parameters: Mapping[str, Array]
    name: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    period: int = 1
    time_gate: TimeGate | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.cell.name)
        self._check_sizes()
        arrays = {key: as_float(value, f"layer {self.name!r}, parameter {key!r}") for key, value in self.parameters.items()}
        object.__setattr__(self, "parameters", arrays)
        if not _is_count(self.period):
            raise ModelError(f"layer {self.name!r}: period = {self.period!r}; it is a number of timesteps, at least 1")
        self._check_time_gate()
        shapes = self.cell.parameter_shapes(self._all_sizes)
        for key, shape in shapes.items():
            if key not in arrays:
                raise ModelError(f"layer {self.name!r} lacks its parameter {key!r}; give an array of shape {shape}")
            if arrays[key].shape != shape:
                raise ModelError(f"layer {self.name!r}: {key!r} has shape {arrays[key].shape}; its cell needs {shape}")
        if unknown := sorted(set(arrays) - set(shapes)):
            raise ModelError(f"layer {self.name!r} has parameters its cell {self.cell.name!r} does not use: {', '.join(unknown)}")

    @property
    def outputs(self) -> int:
        """Length of the output vector."""
        return self.length(self.cell.output)

    @property
    def remembers(self) -> bool:
        """Whether an output may depend on earlier timesteps."""
        return bool(self.cell.states) or self.period > 1

    @property
    def fixed(self) -> dict[str, Array]:
        """The vectors that never change: parameter vectors, and constants as vectors of ``units``."""
        numbers = self.cell.numbers
        constants = {name: np.full(self.length(name), numbers[name]) for name in self.cell.fixed if name in numbers}
        return {name: self.parameters[name] for name in self.cell.parameters} | constants

    def length(self, *vectors: str) -> int:
        """Return the length of a vector, or of several one after the other."""
        return self.cell.length(self._all_sizes, *vectors)

    @property
    def given(self) -> tuple[str, ...]:
        """The cell's inputs that come with the sequence: all but what the time gate gives."""
        return tuple(name for name in self.cell.inputs if self.time_gate is None or name != TIME_GATE_INPUT)

    @property
    def _all_sizes(self) -> dict[str, int]:
        return {"inputs": self.inputs, "units": self.units, **self.sizes}

    def _check_sizes(self) -> None:
        if not (_is_count(self.inputs) and _is_count(self.units)):
            raise ModelError(f"layer {self.name!r} has {self.inputs!r} inputs and {self.units!r} units; both must be at least 1")
        wanted, given = set(self.cell.lengths.values()), dict(self.sizes)
        if set(given) != wanted or not all(map(_is_count, given.values())):
            names = ", ".join(sorted(wanted)) or "none"
            raise ModelError(f"layer {self.name!r} has the sizes {given}; its cell needs ({names}), each at least 1")

    def _check_time_gate(self) -> None:
        if self.time_gate is None:
            return
        if TIME_GATE_INPUT not in self.cell.inputs:
            raise ModelError(
                f"layer {self.name!r} has a time gate, but its cell {self.cell.name!r} has no input {TIME_GATE_INPUT!r}; "
                f"choose PHASED_LSTM"
            )
        if self.time_gate.units != self.units:
            raise ModelError(f"layer {self.name!r}: its time gate has {self.time_gate.units} units, the layer {self.units}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)
