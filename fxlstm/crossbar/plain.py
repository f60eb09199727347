"""Reading a block of cells in plain NumPy: the definition that the C code of ``fxlstm/crossbar/c`` equals bit for bit.

Every vector that an array reads has a number. Its noise depends on that, the column and the array's key alone, so that it is the
same however vectors are put together into calls, and goes on after saving once the next number is known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.formats import adc_grid
from fxlstm.program.program import Codes

Numbers = NDArray[np.float64]
Floats = NDArray[np.float32]
Words = NDArray[np.uint32]

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
ROUNDS = 13
PAIR_BITS = 11  # of a pair's index in the counter; the other 53 are the vector's number


def exact_gain(gain: Numbers) -> Numbers:
    """Return gains, (rows, columns), rounded to whole multiples of one unit, so that no sum of codes times gains is ever rounded.

    A column's sum has at most 52 bits: of the largest sum, the unit is 2**-37 per row code.
    """
    largest = np.abs(gain).sum(axis=0).max(initial=0.0)
    unit = 2.0 ** (np.frexp(largest)[1] - 37)
    return np.asarray(np.rint(gain / unit) * unit)


def threefry(key: tuple[int, int], counter: tuple[Words, Words]) -> tuple[Words, Words]:
    """Two random words for each counter: Threefry 2x32 with 13 rounds (Salmon et al., SC 2011)."""
    keys = [np.uint32(key[0]), np.uint32(key[1]), np.uint32(0x1BD11BDA ^ key[0] ^ key[1])]
    a, b = counter[0] + keys[0], counter[1] + keys[1]
    for index in range(ROUNDS):
        turn = np.uint32(ROTATIONS[index % 8])
        a = a + b
        b = (b << turn | b >> (np.uint32(32) - turn)) ^ a
        if index % 4 == 3:
            injection = index // 4 + 1
            a, b = a + keys[injection % 3], b + keys[(injection + 1) % 3] + np.uint32(injection)
    return a, b


def radius(word: Words) -> Floats:
    """Return sqrt(-2 ln u) for the uniform u = (word >> 1 | 1) / 2**31, at most 6.6: ln u = exponent ln 2 + 2 artanh(s)."""
    one = np.float32(1)
    u = (word >> np.uint32(1) | np.uint32(1)).astype(np.int32).astype(np.float32)
    bits = u.view(np.int32)
    exponent = (bits - 0x3F3504F3) >> 23  # the mantissa lies from 0.707 to 1.414
    mantissa = (bits - (exponent << 23)).view(np.float32)
    s = (mantissa - one) / (mantissa + one)
    s2, series = s * s, np.full_like(s, one / np.float32(9))
    for divisor in (7, 5, 3, 1):
        series = series * s2 + one / np.float32(divisor)
    logarithm = np.float32(2) * s * series + (exponent - 31).astype(np.float32) * np.float32(0.69314718)
    return np.sqrt(np.float32(-2) * logarithm)


def direction(word: Words) -> tuple[Floats, Floats]:
    """A point on the unit circle: an angle within 45 degrees of an axis by the upper 24 bits, the axis by the lowest two."""
    angle = ((word.view(np.int32) >> 8).astype(np.float32) + np.float32(0.5)) * np.float32(np.float32(0.78539816) / 2**23)
    a2 = angle * angle
    sine = _polynomial(a2, (362880, -5040, 120, -6, 1)) * angle
    cosine = _polynomial(a2, (40320, -720, 24, -2, 1))
    along = np.where(word & np.uint32(2), -cosine, cosine)
    turned = (word & np.uint32(1)).astype(np.bool_)
    return np.where(turned, sine, along), np.where(turned, along, sine)


def _polynomial(x: Floats, divisors: tuple[int, ...]) -> Floats:
    """Sum of powers of x over divisors, the highest power first."""
    result = np.full_like(x, np.float32(1) / np.float32(divisors[0]))
    for divisor in divisors[1:]:
        result = result * x + np.float32(1) / np.float32(divisor)
    return result


def normals(key: tuple[int, int], first: int, count: int, columns: int) -> Floats:
    """Standard normal numbers of vectors ``first`` and on, (count, columns), by Box and Muller.

    The columns of the first half take the first members of pairs, the others the second ones.
    """
    vectors = (first + np.arange(count, dtype=np.uint64))[:, np.newaxis]
    pairs = np.arange((columns + 1) // 2, dtype=np.uint64)
    high, low = vectors >> np.uint64(32), vectors & np.uint64(0xFFFFFFFF)
    counter = (pairs | high << np.uint64(PAIR_BITS)).astype(np.uint32), (low + 0 * pairs).astype(np.uint32)
    a, b = threefry(key, counter)
    x, y = direction(b)
    return np.concatenate((radius(a) * x, radius(a) * y), axis=1)[:, :columns]


def read(gain: Numbers, variance: Floats | None, bits: int, codes: Codes, key: tuple[int, int], first: int) -> tuple[Codes, int]:
    """Return ADC codes (vectors, columns) for row codes (vectors, rows), and how many clipped.

    ``gain``: as :func:`exact_gain` gives it. ``variance``: of a reading per squared row code, (rows, columns); the sum, rounded
    at every product and sum in the order of the rows, is that of the column's one Gaussian. Halves are rounded up.
    """
    currents = codes.astype(np.float64) @ gain
    if variance is not None:
        power = codes.astype(np.float32) ** 2
        total = np.zeros(currents.shape, np.float32)
        for row in range(len(variance)):
            total += power[:, row, np.newaxis] * variance[row]
        currents += np.sqrt(total) * normals(key, first, *currents.shape)
    return adc_grid(np.floor(currents + 0.5), bits)
