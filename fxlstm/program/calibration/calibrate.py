"""Formats by calibration: how many fraction bits values get, and what drives the rows of a multiply."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from fxlstm.network.cells import Cell, Multiply
from fxlstm.program.calibration.methods import RANGE, Method
from fxlstm.program.formats import ROW_MAX, UNIT_FRACTION, dac

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

    @property
    def largest(self) -> float:
        """The magnitude that the format reaches."""
        return self.scale * 2.0 ** (UNIT_FRACTION - self.fraction)


def input_format(x: Values, dac_bits: int, method: Method) -> Format:
    """Return Q0.15 with the scale that puts the end of the calibration data's scale on the largest code the DAC drives."""
    peak = float(method.limits(x.reshape(-1, 1), (1 << (dac_bits - 1)) - 1)[0])
    return Format(UNIT_FRACTION, peak * 2.0**UNIT_FRACTION / dac(ROW_MAX, dac_bits) if peak > 0 else 1.0)


def exact_format(values: Values, method: Method, headroom: float = 1.0) -> Format:
    """Return the format of an input whose scale is to be a power of two."""
    return Format(covering_fraction(values, method, headroom))


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


def operand_values(
    cell: Cell, trace: Mapping[str, Values], multiply: Multiply, initial: Mapping[str, Values] | None = None
) -> list[Values]:
    """Return what a multiply's operands hold when it runs, each (batch, time, length): states not yet assigned lag by one.

    ``initial``: what states hold before the first timestep, (length,) or (batch, length); zero where not given.
    """
    assigned = set(cell.inputs)
    for equation in takewhile(lambda other: other is not multiply, cell.every_equation):
        assigned.update(equation.results)
    first = initial or {}
    return [trace[name] if name in assigned else _delayed(trace[name], first.get(name, 0.0)) for name in multiply.operands]


def _delayed(values: Values, first: Values | float) -> Values:
    previous = np.empty_like(values)
    previous[:, 0] = first
    previous[:, 1:] = values[:, :-1]
    return previous
