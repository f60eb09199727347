"""Correctly rounded activations, defined through the standard library's arbitrary-precision decimals.

All four functions are the logistic s at another scale: ``code = amplitude * s(gain * x) - offset``. For a rational argument other
than 0, exp is irrational, so such a value never lies exactly between two codes and a few more digits always decide; at
0 the value is a whole code.
"""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from functools import cache

from fxlstm.program.formats import saturate

_HALF = decimal.Decimal("0.5")
_FIRST_DIGITS = 25


@dataclass(frozen=True)
class _Logistic:
    """A function in units of its result's last bit: ``amplitude * s(gain * x) - offset``."""

    gain: int
    amplitude: int
    offset: int


_FUNCTIONS = {
    "sigmoid": _Logistic(1, 1 << 15, 0),
    "tanh": _Logistic(2, 1 << 16, 1 << 15),
    "centred_logistic_g": _Logistic(1, 1 << 16, 1 << 15),
    "centred_logistic_h": _Logistic(1, 1 << 16, 1 << 15),
}


@cache
def activation(function: str, fraction: int, code: int) -> int:
    """Return the code nearest to ``function(code * 2**-fraction)``; ties go up, the ends saturate.

    The value is computed with ever more digits until both ends of its error interval round to the same code.
    """
    logistic = _FUNCTIONS[function]
    digits = _FIRST_DIGITS
    while True:
        low, high = _interval(logistic, fraction, code, digits)
        if low == high:
            return saturate(low)
        digits *= 2


def _interval(logistic: _Logistic, fraction: int, code: int, digits: int) -> tuple[int, int]:
    """Return the codes to which the ends of an interval that surely holds the exact value round."""
    with decimal.localcontext(decimal.Context(prec=digits)):
        argument = decimal.Decimal(logistic.gain * code) / (1 << fraction)
        if argument == 0:
            return (logistic.amplitude // 2 - logistic.offset,) * 2
        value = logistic.amplitude / (1 + (-argument).exp()) - logistic.offset
        # The argument is exact (at most 17 digits). exp, sum, quotient and difference each err by half a unit of the last digit
        # of something not above the amplitude, with the additions below six halves in all: less than 10 units.
        error = decimal.Decimal(logistic.amplitude).scaleb(2 - digits)
        return _floor(value - error + _HALF), _floor(value + error + _HALF)


def _floor(value: decimal.Decimal) -> int:
    return int(value.to_integral_value(decimal.ROUND_FLOOR))
