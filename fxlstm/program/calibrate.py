"""Which fixed-point format each vector of a network gets: by what its equations guarantee, else by calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.network import Layer
from fxlstm.network.cells import Activate, Cell, Multiply, ProductSum, Sum
from fxlstm.program.bounds import value_bounds
from fxlstm.program.formats import PRE_ACTIVATION_FRACTION, ROW_MAX, UNIT_FRACTION, dac
from fxlstm.program.methods import RANGE, Method
from fxlstm.program.operations import FUNCTION_BY_NAME, MAX_FRACTION

Values = NDArray[np.float64]

# How much further than the calibration data a value may go before it saturates. One state that saturates on unseen data costs
# 20 to 40 dB, one fraction bit less of it about 1 dB.
HEADROOM = 1.5
FINER_FORMATS = 8  # how many times the scale of a vector may be halved below its largest magnitude
MAX_PARAMETER_FRACTION = 24  # keeps every sum of products inside the shifts that operations have


@dataclass(frozen=True)
class Format:
    """What a code means: value = code * 2**-fraction * scale."""

    fraction: int
    scale: float = 1.0


def input_format(x: Values, dac_bits: int, method: Method) -> Format:
    """Return Q0.15 with the scale that puts the end of the calibration data's scale on the largest code the DAC drives."""
    peak = float(method.limits(x.reshape(-1, 1), (1 << (dac_bits - 1)) - 1)[0])
    return Format(UNIT_FRACTION, peak * 2.0**UNIT_FRACTION / dac(ROW_MAX, dac_bits) if peak > 0 else 1.0)


def covering_fraction(values: Values, method: Method, headroom: float = HEADROOM) -> int:
    """Return how many fraction bits a method gives ``values``, which may be larger by ``headroom``; 15 where all are 0.

    The fewest are those with which the largest magnitude still fits.
    """
    peak = float(np.abs(values).max())
    if peak == 0:
        return UNIT_FRACTION
    widest = math.ceil(math.log2(peak * headroom))
    exponents = range(widest - FINER_FORMATS, widest + 1)
    return UNIT_FRACTION - exponents[method.choose(values, [2.0**exponent for exponent in exponents], ROW_MAX, headroom)]


def parameter_format(values: Values) -> Format:
    """Return the finest format that holds every element of a parameter vector or constant: 1 is 16384 in Q1.14."""
    fraction = covering_fraction(values, RANGE, 2.0**UNIT_FRACTION / ROW_MAX)
    return Format(min(fraction, MAX_PARAMETER_FRACTION))


def choose_formats(layer: Layer, trace: Mapping[str, Values], x: Format, method: Method) -> dict[str, Format]:
    """Return the format of every vector of a layer, given its float trace and the format of its input.

    Fixed: results of activations (their function's), operands of activations (Q3.12), what the equations bound by 1 (Q0.15).
    From the trace: states and results that nothing bounds. From the weights: parameter vectors.
    """
    cell = layer.cell
    bounds = value_bounds(cell)
    activated, parts = _pre_activations(cell)
    formats = {"x": x, **{name: parameter_format(values) for name, values in layer.fixed.items()}}
    for equation in cell.equations:
        for name in equation.results:
            low, high = bounds[name]
            if isinstance(equation, Activate):
                fraction = FUNCTION_BY_NAME[equation.function].result_fraction
            elif low >= -1 and high <= 1:
                fraction = UNIT_FRACTION
            elif name in cell.memory:
                fraction = min(max(covering_fraction(trace[name], method), 0), MAX_FRACTION)
            elif name in activated:
                fraction = PRE_ACTIVATION_FRACTION
            else:
                fraction = covering_fraction(trace[name], method)
                fraction = min(fraction, PRE_ACTIVATION_FRACTION) if name in parts else fraction
            formats[name] = Format(fraction)
    return formats


def _pre_activations(cell: Cell) -> tuple[set[str], set[str]]:
    """Return the operands of activations, and the vectors that add up to them: these too have room for 8, whatever the data."""
    activated = {equation.operand for equation in cell.equations if isinstance(equation, Activate)} - set(cell.memory)
    sums = [equation for equation in cell.equations if isinstance(equation, Sum | ProductSum) and equation.result in activated]
    return activated, {name for equation in sums for name in equation.operands}


def operand_values(cell: Cell, trace: Mapping[str, Values], multiply: Multiply) -> list[Values]:
    """Return what a multiply's operands hold when it runs, each (batch, time, length): states not yet assigned lag by one."""
    assigned = {"x"}
    for equation in cell.equations[: cell.equations.index(multiply)]:
        assigned.update(equation.results)
    return [trace[name] if name in assigned else _delayed(trace[name]) for name in multiply.operands]


def _delayed(values: Values) -> Values:
    previous = np.zeros_like(values)
    previous[:, 1:] = values[:, :-1]
    return previous
