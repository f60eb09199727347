"""The ADC in integers: one rounding, saturation, result on the 16-bit grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.program import Codes


def adc(accumulator: NDArray[np.int64], shift: int, bits: int = 16) -> Codes:
    """Return ``accumulator >> shift`` as an ADC of ``bits`` bits gives it: rounded half up once, saturated, on the 16-bit grid."""
    shift += 16 - bits
    rounded = (accumulator + (1 << shift >> 1)) >> shift
    return to_grid(rounded, bits)


def to_grid(codes: NDArray[np.int64] | NDArray[np.float64], bits: int) -> Codes:
    """Saturate whole ``bits``-bit codes and put them on the 16-bit grid."""
    limit = 1 << (bits - 1)
    saturated = np.minimum(np.maximum(codes, -limit), limit - 1)
    return saturated.astype(np.int16) if bits == 16 else saturated.astype(np.int16) << np.int16(16 - bits)
