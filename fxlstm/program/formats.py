"""The arithmetic of codes: rounding, saturation and the converters, in plain Python integers and on NumPy arrays.

A code is an int16; with ``fraction`` bits and a ``scale`` it stands for ``code * 2**-fraction * scale``. Every other module
rounds and saturates through these functions, and docs/numerics.md says why they are as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.network.layers.layer import as_float

CODE_MIN = -32768
CODE_MAX = 32767
ROW_MAX = 32767  # what drives rows is symmetric: a row pair needs both signs
CODE_BITS = 16
UNIT_FRACTION = 15  # Q0.15: inputs, hidden states, gate outputs
PRE_ACTIVATION_FRACTION = 12  # Q3.12


def round_shift(value: int, shift: int) -> int:
    """Return ``value / 2**shift`` rounded to the nearest integer, halves towards plus infinity."""
    return (value + (1 << (shift - 1))) >> shift if shift else value


def saturate(value: int, low: int = CODE_MIN, high: int = CODE_MAX) -> int:
    """Return ``value``, or the end of ``low..high`` that it lies beyond."""
    return min(max(value, low), high)


def dac(code: int, bits: int) -> int:
    """Return what a ``bits``-wide DAC drives for ``code``: rounded, limited symmetrically, back on the 16-bit grid."""
    limit = (1 << (bits - 1)) - 1
    return saturate(round_shift(code, CODE_BITS - bits), -limit, limit) << (CODE_BITS - bits)


def adc(value: int, shift: int, bits: int) -> tuple[int, bool]:
    """Return the code a ``bits``-wide ADC gives for ``value / 2**shift``, on the 16-bit grid, and whether it clipped."""
    exact = round_shift(value, shift + CODE_BITS - bits)
    code = saturate(exact, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    return code << (CODE_BITS - bits), code != exact


def code_factor(fraction: int, scale: float) -> float:
    """Return by what values are multiplied to be codes."""
    return 2.0**fraction / scale


def code_unit(fraction: int, scale: float) -> float:
    """Return the value of code 1."""
    return scale * 2.0**-fraction


def encode(values: Any, fraction: int = UNIT_FRACTION, scale: float = 1.0) -> NDArray[np.int16]:
    """Return the codes nearest to ``values`` (halves up), limited to -32767..32767.

    Raises :class:`ModelError` when a value is no number, NaN or infinite.
    """
    array = as_float(values, "the input")  # a copy, which every operation below overwrites
    with np.errstate(over="ignore"):  # what overflows to infinity saturates like every other large value
        array *= code_factor(fraction, scale)
    np.floor(np.add(array, 0.5, out=array), out=array)
    return np.clip(array, -ROW_MAX, ROW_MAX, out=array).astype(np.int16)


def decode(codes: NDArray[np.int16], fraction: int = UNIT_FRACTION, scale: float = 1.0) -> NDArray[np.float64]:
    """Return the values that ``codes`` stand for."""
    values = np.array(codes, dtype=np.float64)
    values *= code_unit(fraction, scale)
    return values


def dac_codes(codes: NDArray[np.int16], bits: int) -> NDArray[np.int64]:
    """Return :func:`dac` of every code of an array."""
    limit = (1 << (bits - 1)) - 1
    drop = CODE_BITS - bits
    rounded = (codes.astype(np.int64) + ((1 << drop) >> 1)) >> drop
    driven: NDArray[np.int64] = np.clip(rounded, -limit, limit) << drop
    return driven


def adc_codes(values: NDArray[np.int64], shift: int, bits: int) -> tuple[NDArray[np.int16], int]:
    """Return :func:`adc` of every value of an array, and how many clipped."""
    drop = shift + CODE_BITS - bits
    return adc_grid((values + (1 << drop >> 1)) >> drop, bits)


def adc_grid(codes: NDArray[np.int64] | NDArray[np.float64], bits: int) -> tuple[NDArray[np.int16], int]:
    """Return whole codes of a ``bits``-wide ADC saturated and on the 16-bit grid, and how many saturation changed."""
    limit = 1 << (bits - 1)
    held = np.minimum(np.maximum(codes, -limit), limit - 1)
    return held.astype(np.int16) << np.int16(CODE_BITS - bits), int(np.count_nonzero(held != codes))
