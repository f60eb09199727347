"""Which fixed-point format each vector of a network gets: by what its equations guarantee, else by calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.network.cells import Activate, Cell, Equation, Multiply, Product, ProductSum
from fxlstm.program.formats import PRE_ACTIVATION_FRACTION, ROW_MAX, UNIT_FRACTION, dac
from fxlstm.program.operations import FUNCTION_BY_NAME, MAX_FRACTION

Values = NDArray[np.float64]

# How much further than the calibration data a value may go before it saturates. One state that saturates on unseen data costs
# 20 to 40 dB, one fraction bit less of it about 1 dB.
HEADROOM = 1.5


@dataclass(frozen=True)
class Format:
    """What a code means: value = code * 2**-fraction * scale."""

    fraction: int
    scale: float = 1.0


def input_format(x: Values, dac_bits: int) -> Format:
    """Return Q0.15 with the scale that puts the largest magnitude of the calibration data on the largest code the DAC drives."""
    peak = float(np.abs(x).max())
    return Format(UNIT_FRACTION, peak * 2.0**UNIT_FRACTION / dac(ROW_MAX, dac_bits) if peak > 0 else 1.0)


def covering_fraction(peak: float) -> int:
    """Return the largest number of fraction bits with which ``peak * HEADROOM`` still fits; 15 for a peak of 0."""
    if peak == 0:
        return UNIT_FRACTION
    return UNIT_FRACTION - math.ceil(math.log2(peak * HEADROOM))


def choose_formats(cell: Cell, trace: Mapping[str, Values], x: Format) -> dict[str, Format]:
    """Return the format of every vector of a cell, given its float trace and the format of its input.

    Fixed: results of activations (their function's), operands of activations (Q3.12), what the equations bound by 1 (Q0.15).
    From the trace: states and results that nothing bounds.
    """
    bounds = _bounds(cell)
    activated = {equation.operand for equation in cell.equations if isinstance(equation, Activate)}
    formats = {"x": x}
    for equation in cell.equations:
        for name in results(equation):
            peak = float(np.abs(trace[name]).max())
            if isinstance(equation, Activate):
                fraction = FUNCTION_BY_NAME[equation.function].result_fraction
            elif name in cell.memory:
                fraction = min(max(covering_fraction(peak), 0), MAX_FRACTION)
            elif name in activated:
                fraction = PRE_ACTIVATION_FRACTION
            elif bounds[name] <= 1:
                fraction = UNIT_FRACTION
            else:
                fraction = covering_fraction(peak)
            formats[name] = Format(fraction)
    return formats


def results(equation: Equation) -> tuple[str, ...]:
    """Return the vectors that an equation assigns."""
    return equation.results if isinstance(equation, Multiply) else (equation.result,)


def _bounds(cell: Cell) -> dict[str, float]:
    """Return the largest magnitude that each assigned vector can have, whatever the weights; states start unbounded."""
    bounds = dict.fromkeys(("x", *cell.states), math.inf)
    for equation in cell.equations:
        match equation:
            case Multiply():
                bounds.update(dict.fromkeys(equation.results, math.inf))
            case Activate():
                bounds[equation.result] = 2.0 ** (UNIT_FRACTION - FUNCTION_BY_NAME[equation.function].result_fraction)
            case Product():
                bounds[equation.result] = bounds[equation.a] * bounds[equation.b]
            case ProductSum():
                first, second = bounds[equation.a] * bounds[equation.b], bounds[equation.c] * bounds[equation.d]
                bounds[equation.result] = first + second
    return bounds


def operand_values(cell: Cell, trace: Mapping[str, Values], multiply: Multiply) -> list[Values]:
    """Return what a multiply's operands hold when it runs, each (batch, time, length): states not yet assigned lag by one."""
    assigned = {"x"}
    for equation in cell.equations[: cell.equations.index(multiply)]:
        assigned.update(results(equation))
    return [trace[name] if name in assigned else _delayed(trace[name]) for name in multiply.operands]


def _delayed(values: Values) -> Values:
    previous = np.zeros_like(values)
    previous[:, 1:] = values[:, :-1]
    return previous
