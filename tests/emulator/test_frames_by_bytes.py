"""A frame shifted byte by byte, as a microcontroller does, is the frame transferred at once."""

from __future__ import annotations

import random

import pytest

from fxlstm.emulator.chips import AD7606C, LTC2668
from fxlstm.emulator.chips.crc import crc8


def by_bytes(chip: LTC2668 | AD7606C, frame: bytes, now: int) -> bytes:
    chip.select(now)
    answer = bytes(chip.shift(byte) for byte in frame)
    chip.deselect(now)
    return answer


def frames(seed: int) -> list[bytes]:
    """Frames of all sizes, among them many that mean something to an AD7606C."""
    choose = random.Random(seed)
    made = []
    for _ in range(300):
        head = bytes((choose.choice((0x00, 0x03, 0x21, 0x43, 0x61, 0x6F, choose.randrange(256))), choose.choice((0, 4, 0x11))))
        made.append(choose.choice((head, head + bytes((crc8(head),)), bytes(18), choose.randbytes(choose.choice((1, 3, 4, 5))))))
    return made


@pytest.mark.parametrize("kind", [LTC2668, AD7606C])
@pytest.mark.parametrize("seed", range(3))
def test_byte_by_byte_is_at_once(kind: type[LTC2668] | type[AD7606C], seed: int) -> None:
    said: tuple[list[str], list[str]] = ([], [])
    one, other = (kind(reports.append) for reports in said)
    for now, frame in enumerate(frames(seed)):
        if isinstance(one, AD7606C) and isinstance(other, AD7606C) and now % 7 == 0:
            one.convert(bytes(range(16)), 10_000 * now)
            other.convert(bytes(range(16)), 10_000 * now)
        assert by_bytes(one, frame, 10_000 * now + 5_000) == other.transfer(frame, 10_000 * now + 5_000)
    assert said[0] == said[1]
