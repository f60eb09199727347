"""The link's codec as Python sees it; its bytes are held to published answers in tests/c."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from fxlstm.core import check_image, cobs_decode, cobs_encode, crc32
from fxlstm.errors import ImageError, LinkError


def test_crc_equals_the_published_check_value_and_zlib() -> None:
    assert crc32(b"123456789") == 0xCBF43926
    data = np.random.default_rng(0).bytes(5000)
    assert crc32(data[300:], crc32(data[:300])) == zlib.crc32(data)
    assert crc32(b"", 7) == 7
    for size in [*range(200), 4095, 4096, 4097]:
        assert crc32(data[3 : 3 + size], 77) == zlib.crc32(data[3 : 3 + size], 77)


@pytest.mark.parametrize("size", [0, 1, 253, 254, 255, 508, 509, 1024])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_cobs_brings_any_bytes_back_without_a_zero_between(size: int, kind: type) -> None:
    data = np.random.default_rng(size).bytes(size).replace(b"\7", b"\0")
    encoded = cobs_encode(kind(data))
    assert 0 not in encoded
    assert cobs_decode(kind(encoded)) == data


@pytest.mark.parametrize("garbage", [b"", b"\0", b"\5\1", b"\3\1\0", b"\1\0"])
def test_what_is_not_cobs_is_a_link_error(garbage: bytes) -> None:
    with pytest.raises(LinkError, match="FRAME_COBS"):
        cobs_decode(garbage)


def test_check_image_names_what_is_wrong() -> None:
    with pytest.raises(ImageError, match=r"image of 3 bytes: .*\[IMAGE_SHORT\]"):
        check_image(b"FXL")
    with pytest.raises(ImageError, match="IMAGE_MAGIC"):
        check_image(bytes(100))
