"""The host's loader and the device's loader hold the same rules: what one refuses, the other refuses."""

from __future__ import annotations

import struct
import zlib
from random import Random

import pytest
from random_programs import random_program

from fxlstm.core import check_image
from fxlstm.errors import ImageError
from fxlstm.program import layout
from fxlstm.program.image.reader import from_bytes

CRC_FIELD = slice(12, 16)
SIZE_OFFSET = 8
INTERESTING = (0, 1, 2, 7, 8, 255, 256, 32767, 32768, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
HOST_ONLY = ("but board", "metadata")  # the host also knows the board's size, and reads what people wrote


def without_metadata(image: bytes) -> bytearray:
    """The image cut before its last section, so that changes meet what the device reads."""
    header = dict(zip(layout.HEADER.names, layout.HEADER.format.unpack_from(image), strict=True))
    last = layout.HEADER.format.size + (header["section_count"] - 1) * layout.SECTION.format.size
    kind, start, *_ = layout.SECTION.format.unpack_from(image, last)
    assert kind == layout.SECTIONS["metadata"]
    cut = bytearray(image[:start])
    struct.pack_into("<HI", cut, 6, header["section_count"] - 1, len(cut))
    return cut


def mutate(random: Random, image: bytearray) -> None:
    """Change a bit, a byte or a 32-bit field."""
    at, field = random.randrange(len(image)), random.randrange(len(image) // 4) * 4
    value = struct.unpack_from("<I", image, field)[0]
    match random.randrange(4):
        case 0:
            image[at] ^= 1 << random.randrange(8)
        case 1:
            image[at] = random.randrange(256)
        case 2:
            struct.pack_into("<I", image, field, random.choice(INTERESTING))
        case 3:
            struct.pack_into("<I", image, field, (value + random.randint(-16, 16)) % 2**32)


def mend(image: bytearray) -> None:
    """Give the image its CRC again."""
    size = min(struct.unpack_from("<I", image, SIZE_OFFSET)[0], len(image))
    image[CRC_FIELD] = bytes(4)
    image[CRC_FIELD] = struct.pack("<I", zlib.crc32(image[:size]))


def refusal(load: object, image: bytearray) -> str:
    """What a loader says against an image; empty when it takes it."""
    try:
        load(bytes(image))
    except ImageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("first", range(0, 3000, 500))
def test_both_loaders_take_and_refuse_the_same_images(first: int) -> None:
    taken = 0
    for seed in range(first, first + 500):
        random = Random(seed)
        image = without_metadata(random_program(seed % 60).to_bytes())
        for _ in range(random.randint(1, 2)):
            mutate(random, image)
        mend(image)
        device, host = refusal(check_image, image), refusal(from_bytes, image)
        if not any(reason in host for reason in HOST_ONLY):
            assert bool(device) == bool(host), f"seed {seed}: the device says {device!r}, the host {host!r}"
        taken += not device
    assert 50 < taken < 450


RECORDS = {
    "operations": layout.OPERATION,
    "matrices": layout.MATRIX,
    "tiles": layout.TILE,
    "scales": layout.SCALE,
    "sweeps": layout.SWEEP,
}


def records(image: bytes) -> list[tuple[int, layout.Record]]:
    """Where the first and the last record of every section stand, and the header."""
    found = [(0, layout.HEADER)]
    count = dict(zip(layout.HEADER.names, layout.HEADER.format.unpack_from(image), strict=True))["section_count"]
    kinds = {kind: RECORDS.get(name) for name, kind in layout.SECTIONS.items()}
    for index in range(count):
        kind, start, size, _ = layout.SECTION.format.unpack_from(
            image, layout.HEADER.format.size + index * layout.SECTION.format.size
        )
        record = kinds[kind]
        if record is not None and size:
            found += [(start, record), (start + size - record.format.size, record)]
    return found


def places(record: layout.Record) -> list[tuple[int, int]]:
    """The offset and the size of each field of a record."""
    sizes = [struct.calcsize(f"<{code}") for code in record.format.format.lstrip("<")]
    return [(sum(sizes[:index]), size) for index, size in enumerate(sizes)]


@pytest.mark.parametrize("seed", range(24))
def test_both_loaders_hold_the_same_rules_for_every_field(seed: int) -> None:
    original = without_metadata(random_program(seed).to_bytes())
    for start, record in records(original):
        for offset, size in places(record):
            for value in INTERESTING:
                image = bytearray(original)
                image[start + offset : start + offset + size] = (value % 256**size).to_bytes(size, "little")
                mend(image)
                device, host = refusal(check_image, image), refusal(from_bytes, image)
                if not any(reason in host for reason in HOST_ONLY):
                    assert bool(device) == bool(host), (start, offset, value, device, host)
