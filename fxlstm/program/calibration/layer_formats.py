"""Which fixed-point format each vector of a layer gets: by what its equations and weights guarantee, else by calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fxlstm.network import Layer
from fxlstm.network.cells import Activate, Cell, Clamp, Equation, Multiply, Product, ProductSum, Sum
from fxlstm.program.calibration.bounds import Interval, reachable, value_bounds
from fxlstm.program.calibration.calibrate import Format, Values, covering_fraction, parameter_format
from fxlstm.program.calibration.methods import Method
from fxlstm.program.formats import PRE_ACTIVATION_FRACTION, UNIT_FRACTION
from fxlstm.program.operations import FUNCTION_BY_NAME, MAX_FRACTION

# How much further than the calibration data a hidden state may go that is far smaller than its bound of 1.
BOUNDED_HEADROOM = 4.0
FLAT_BEYOND_8 = {"tanh"}  # functions that a pre-activation of 8 has brought to their limit: within a tenth of an LSB


@dataclass(frozen=True)
class Calibration:
    """What calibration knows of one layer.

    ``trace``: its vectors over the calibration data, (batch, time, length) each, in the order in which it runs. ``initial``: states
    before the first timestep, (length,) or (batch, length). ``given``: formats of inputs that are known; x is always.
    ``fed``: inputs that take the values of another of the layer's vectors, as a tree's node takes its children's.
    """

    trace: Mapping[str, Values]
    given: Mapping[str, Format]
    initial: Mapping[str, Values]
    fed: Mapping[str, str]
    method: Method

    def values(self, vector: str) -> Values:
        """Return all values of a vector, the initial ones of a state among them."""
        first = self.initial.get(vector, np.zeros(1))
        return np.concatenate([self.trace[vector].ravel(), first.ravel()])


def factors(layer: Layer) -> dict[str, Values]:
    """Return the vectors that never change and that equations multiply or add; the ends of a Clamp are not among them."""
    equations = [equation for equation in layer.cell.every_equation if not isinstance(equation, Clamp)]
    used = {name for equation in equations for name in equation.operands}
    return {name: values for name, values in layer.fixed.items() if name in used}


@dataclass(frozen=True)
class MatrixFormats:
    """The formats of a matrix's row blocks and column blocks. Multiplies of one weight share them."""

    rows: tuple[Format, ...]
    columns: tuple[Format, ...]


def matrix_formats(cell: Cell, formats: Mapping[str, Format]) -> dict[str, MatrixFormats]:
    """Return the formats of each weight's matrix: those that hold what every multiply of it reads and gives."""
    shared: dict[str, MatrixFormats] = {}
    for multiply in cell.multiplies:
        rows, columns = (tuple(formats[name] for name in names) for names in (multiply.operands, multiply.results))
        known = shared.get(multiply.weight, MatrixFormats(rows, columns))
        shared[multiply.weight] = MatrixFormats(_wider(known.rows, rows), _wider(known.columns, columns))
    return shared


def _wider(some: Sequence[Format], others: Sequence[Format]) -> tuple[Format, ...]:
    return tuple(max(pair, key=lambda form: form.largest) for pair in zip(some, others, strict=True))


def reads_exactly(cell: Cell) -> bool:
    """Return whether the scale of x has to be a power of two: shifts alone bring it to the format of something else."""
    weights = [multiply.weight for multiply in cell.multiplies]
    shared = any(weights.count(multiply.weight) > 1 for multiply in cell.multiplies if "x" in multiply.operands)
    elementwise = [equation for equation in cell.every_equation if not isinstance(equation, Multiply)]
    return shared or any("x" in equation.operands for equation in elementwise)


def choose_formats(layer: Layer, calibration: Calibration) -> dict[str, Format]:
    """Return the format of every vector of a layer.

    Fixed: results of activations (their function's), what the equations bound by 1 (Q0.15, or finer where it is tiny). By what
    the weights can reach: operands of activations, Q3.12 or finer, coarser where calibration goes beyond 8. From the trace: states
    and results that nothing bounds. From the weights: parameter vectors.
    """
    return _Choice(layer, calibration).formats


class _Choice:
    def __init__(self, layer: Layer, calibration: Calibration) -> None:
        cell = layer.cell
        self.cell, self.calibration = cell, calibration
        self.assigned = {name: equation for equation in cell.every_equation for name in equation.results}
        self.bounds = value_bounds(cell, calibration.fed, {name: _interval(values) for name, values in calibration.initial.items()})
        self.activated = {equation.operand for equation in cell.every_equation if isinstance(equation, Activate)}
        self.given_on = {*cell.states, cell.output, *cell.passes}
        self.ahead = _ahead_of_limits(cell, self.given_on)
        self.formats = {name: parameter_format(values) for name, values in factors(layer).items()} | dict(calibration.given)
        self.formats |= {name: self._unfed(name) for name in cell.inputs if name not in {*self.formats, *calibration.fed}}
        self.formats |= {name: Format(self._kept(name)) for name in cell.states}
        self.formats |= {name: Format(self._kept(source)) for name, source in calibration.fed.items()}
        reach = reachable(layer, {name: self._within(name) for name in (*cell.inputs, *cell.states)})
        for name in self.assigned:
            if name not in cell.states:
                self.formats[name] = Format(self._fraction(name, reach[name]))
        self._saturate_ahead_of_clamps()
        self._keep_to_products()

    def _within(self, name: str) -> Interval:
        """Return the bounds of an input or a state that its format cannot leave."""
        (low, high), largest = self.bounds[name], self.formats[name].largest
        return max(low, -largest), min(high, largest)

    def _unfed(self, name: str) -> Format:
        """Return the format of an input beside x."""
        return Format(UNIT_FRACTION if _is_unit(self.bounds[name]) else self._covering(name))

    def _covering(self, name: str) -> int:
        return covering_fraction(self.calibration.values(name), self.calibration.method)

    def _kept(self, name: str) -> int:
        """Return the fraction bits of a vector that lasts: a state, an output, or one that more than an activation reads."""
        if (fraction := self._fixed(name)) is not None:
            return fraction
        fraction = self._covering(name)
        return min(max(fraction, 0), MAX_FRACTION) if name in self.activated else fraction

    def _fixed(self, name: str) -> int | None:
        """Return the fraction bits that a vector's equation settles; ``None`` where it does not."""
        equation = self.assigned.get(name)
        if isinstance(equation, Activate):
            return FUNCTION_BY_NAME[equation.function].result_fraction
        if not _is_unit(self.bounds[name]):
            return None
        if not isinstance(equation, Product) or name not in self.cell.hidden:
            return UNIT_FRACTION
        finer = covering_fraction(self.calibration.values(name), self.calibration.method, BOUNDED_HEADROOM)
        return max(finer, UNIT_FRACTION)

    def _fraction(self, name: str, reach: Interval) -> int:
        if (fraction := self._fixed(name)) is not None:
            return fraction
        readers = [equation for equation in self.cell.every_equation if name in equation.operands]
        if name not in self.given_on and readers and all(isinstance(reader, Activate) for reader in readers):
            return self._pre_activation(name, {reader.function for reader in readers if isinstance(reader, Activate)}, reach)
        fraction = self._kept(name)
        return min(fraction, _with_room(reach)) if name in self.ahead else fraction

    def _pre_activation(self, name: str, functions: set[str], reach: Interval) -> int:
        peak = float(np.abs(self.calibration.values(name)).max())
        if peak <= 2.0 ** (UNIT_FRACTION - PRE_ACTIVATION_FRACTION) or functions <= FLAT_BEYOND_8:
            return _with_room(reach)
        return max(UNIT_FRACTION - math.ceil(math.log2(peak)), 0)

    def _saturate_ahead_of_clamps(self) -> None:
        """Give what only Clamps read the format of their results: what does not fit is limited anyway."""
        for name in self.assigned:
            readers = [equation for equation in self.cell.every_equation if name in equation.operands]
            clamped = all(isinstance(reader, Clamp) for reader in readers) and bool(readers)
            if clamped and name not in self.given_on:
                self.formats[name] = Format(min(self.formats[reader.results[0]].fraction for reader in readers))

    def _keep_to_products(self) -> None:
        """Give no product more fraction bits than its factors have together."""
        for equation in self.cell.every_equation:
            if isinstance(equation, Product):
                most = sum(self.formats[name].fraction for name in equation.operands)
                self.formats[equation.result] = Format(min(self.formats[equation.result].fraction, most))


def _interval(values: Values) -> Interval:
    return float(values.min()), float(values.max())


def _is_unit(bounds: Interval) -> bool:
    return bounds[0] >= -1 and bounds[1] <= 1


def _with_room(reach: Interval) -> int:
    """Return the most fraction bits, 12 to 15, with which nothing reachable saturates; 12 where nothing helps."""
    largest = max(-reach[0], reach[1])
    if not 0 < largest < math.inf:
        return PRE_ACTIVATION_FRACTION if largest else MAX_FRACTION
    return min(max(UNIT_FRACTION - math.ceil(math.log2(largest)), PRE_ACTIVATION_FRACTION), MAX_FRACTION)


def _ahead_of_limits(cell: Cell, kept: set[str]) -> set[str]:
    """Return the vectors that add up to what an activation or a Clamp to an interval limits: unseen data may drive them far."""
    limited = {equation.operands[0] for equation in cell.every_equation if _limits(cell, equation)}
    changing = {name for equation in cell.every_equation for name in equation.results} - kept
    ahead, found = limited & changing, set(limited & changing)
    while found:
        sums = [equation for equation in cell.every_equation if isinstance(equation, Sum | ProductSum | Product | Clamp)]
        found = {name for equation in sums if equation.result in ahead for name in equation.operands} & changing - ahead
        ahead |= found
    return ahead


def _limits(cell: Cell, equation: Equation) -> bool:
    if isinstance(equation, Clamp):
        return math.isfinite(cell.numbers[equation.low]) and math.isfinite(cell.numbers[equation.high])
    return isinstance(equation, Activate)
