"""Cyclic redundancy checks as the AD7606C computes them: most significant bit first, initial value 0, nothing inverted."""

from __future__ import annotations

from collections.abc import Iterable


def _table(polynomial: int, width: int) -> tuple[int, ...]:
    """The remainder of every byte value, shifted to the top of a ``width``-bit register."""
    top, mask = 1 << (width - 1), (1 << width) - 1
    remainders = []
    for byte in range(256):
        remainder = byte << (width - 8)
        for _ in range(8):
            remainder = (remainder << 1) ^ (polynomial if remainder & top else 0)
        remainders.append(remainder & mask)
    return tuple(remainders)


_CRC8 = _table(0x07, 8)
_CRC16 = _table(0x755B, 16)


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
