"""Cyclic redundancy checks as the AD7606C computes them: most significant bit first, initial value 0, nothing inverted."""

from __future__ import annotations

from collections.abc import Iterable

CRC8 = (0x07, 8)  # polynomial and width: of register frames
CRC16 = (0x755B, 16)  # of frames of samples


def remainders(polynomial: int, width: int, bits: int) -> tuple[int, ...]:
    """Return the remainder of every value of the highest ``bits`` of a ``width``-bit register."""
    top, mask = 1 << (width - 1), (1 << width) - 1
    found = []
    for value in range(1 << bits):
        remainder = value << (width - bits)
        for _ in range(bits):
            remainder = (remainder << 1) ^ (polynomial if remainder & top else 0)
        found.append(remainder & mask)
    return tuple(found)


_CRC8 = remainders(*CRC8, bits=8)
_CRC16 = remainders(*CRC16, bits=8)


def crc8(data: Iterable[int]) -> int:
    """CRC-8 of a register frame (polynomial 0x07)."""
    remainder = 0
    for byte in data:
        remainder = _CRC8[remainder ^ byte]
    return remainder


def crc16(data: Iterable[int]) -> int:
    """CRC-16 of a frame of samples (polynomial 0x755B)."""
    remainder = 0
    for byte in data:
        remainder = (remainder << 8 & 0xFFFF) ^ _CRC16[remainder >> 8 ^ byte]
    return remainder
