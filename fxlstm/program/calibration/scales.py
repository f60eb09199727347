"""Real weights to level differences per column, and the integer rescale that undoes it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ModelError
from fxlstm.program.calibration.methods import RANGE, Method
from fxlstm.program.formats import CODE_BITS, UNIT_FRACTION, dac
from fxlstm.program.hardware import Hardware
from fxlstm.program.image.rules import MAX_MANTISSA
from fxlstm.program.operations import MAX_SCALE_SHIFT

MANTISSA_BITS = 31
_INT64_BITS = 63

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """Level differences (rows with bias rows, columns) and the real weight of one level, per column.

    A column's sum of row code times level difference, times ``delta`` * 2**-15, is the real result.
    """

    weights: NDArray[np.int16]
    delta: Values
    digital_bias: Values


def bias_code(hardware: Hardware) -> int:
    """Return the constant code that drives the bias rows, as the DAC gives it."""
    code = dac(math.floor(hardware.bias_value * ((1 << UNIT_FRACTION) - 1) + 0.5), hardware.dac_bits)
    if code == 0:
        raise ModelError(
            f"bias_value = {hardware.bias_value} is nothing to a DAC of dac_bits = {hardware.dac_bits}; "
            "choose a larger bias_value or bias='digital'"
        )
    return code


def to_levels(weight: Values, bias: Values, hardware: Hardware, method: Method = RANGE) -> Levels:
    """Return the level differences of ``weight`` (rows, columns), which takes row codes as fractions of 2**15.

    With an array bias the last ``bias_rows`` rows hold it, divided as evenly as whole levels allow.
    """
    in_array = hardware.bias == "array"
    bias_weight = bias * 2.0**UNIT_FRACTION / bias_code(hardware) if in_array else np.zeros_like(bias)
    bias_rows = np.tile(bias_weight / hardware.bias_rows, (hardware.bias_rows * in_array, 1))
    delta = method.limits(np.concatenate([weight, bias_rows]), hardware.levels - 1) / (hardware.levels - 1)
    per_level = np.divide(1.0, delta, out=np.zeros_like(delta), where=delta > 0)
    levels = np.floor(weight * per_level + 0.5).astype(np.int64)
    if in_array:
        total = np.floor(bias_weight * per_level + 0.5).astype(np.int64)
        shares = [(total + row) // hardware.bias_rows for row in range(hardware.bias_rows)]
        levels = np.concatenate([levels, np.stack(shares)])
    limit = hardware.levels - 1
    digital = np.zeros_like(bias) if in_array else bias
    return Levels(np.clip(levels, -limit, limit).astype(np.int16), delta, digital)


def rescale(factor: float, bias: float, worst_sum: int) -> tuple[int, int, int]:
    """Return ``(mantissa, shift, bias)`` so that ``sum * mantissa + bias >> shift`` is ``sum * factor + bias`` in codes.

    The mantissa has 31 bits, or as many as the proven bound of the sum leaves room for in 64 bits; a column of all but vanished
    weights, which no shift can scale up to a mantissa of one bit, gives its bias alone.
    Raises :class:`ModelError` when the result is too large for any.
    """
    _, exponent = math.frexp(factor)
    for shift in range(min(MANTISSA_BITS - exponent, MAX_SCALE_SHIFT), -1, -1):
        mantissa, whole_bias = round(math.ldexp(factor, shift)), _half_up(math.ldexp(bias, shift))
        fits = worst_sum * mantissa + abs(whole_bias) + ((1 << shift) >> 1) < 1 << _INT64_BITS
        if mantissa <= MAX_MANTISSA and fits:
            return mantissa, shift, whole_bias
    raise ModelError(
        f"a column with scale {factor:g} and bias {bias:g} (in codes) does not fit 64-bit arithmetic; "
        "scale the layer's weights down"
    )


def _half_up(value: float) -> int:
    """Return the nearest integer, halves up; exact also where ``value + 0.5`` would be rounded."""
    whole = math.floor(value)
    return whole + (value - whole >= 0.5)


def choose_range(accumulators: Values, hardware: Hardware, method: Method, headroom: float) -> int:
    """Return the front-end range that a method gives a tile's accumulators: by range, the finest that holds all with headroom."""
    gain, _ = hardware.gain(0)
    full_scale = (1 << (CODE_BITS - 1)) - 1
    full_scales = [full_scale * 2.0 ** hardware.unit_shift(index) for index in range(hardware.range_count)]
    steps = (1 << ((hardware.adc_bits or CODE_BITS) - 1)) - 1
    return method.choose(accumulators * gain, full_scales, steps, headroom)


def full_scale_used(accumulators: Values, hardware: Hardware, range_index: int) -> float:
    """Return the largest accumulator as a fraction of a range's full scale."""
    gain, shift = hardware.gain(range_index)
    return float(np.abs(accumulators).max()) * gain / 2.0 ** (shift + CODE_BITS - 1)
