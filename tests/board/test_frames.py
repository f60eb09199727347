"""Frames on the wire: byte for byte as docs/protocol.md has them, and damage always noticed."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest

from fxlstm.board.messages import Frame, FrameDecoder, decode_frame, encode_frame, pack, records, unpack
from fxlstm.board.protocol import MAX_PAYLOAD, MESSAGE_BY_NAME, RECORDS
from fxlstm.core._core import crc32
from fxlstm.errors import FxlstmError, LinkError

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
EXAMPLES = {
    "request": Frame(1, 3, 1, 0x11223344, b""),
    "answer": Frame(2, 3, 1, 0x11223344, pack("keep_alive", MESSAGE_BY_NAME["keep_alive"].answer, {"uptime_ms": 5000})),
    "error": Frame(3, 3, 3, 0x11223344, pack("error", RECORDS["error"], {"status": 69, "detail": 2})),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_worked_example_of_the_page_is_what_goes_over_the_wire(name: str) -> None:
    row = re.search(rf"^\| {name} \| `(.*)` \| `(.*)` \| `(.*)` \|$", PAGE, re.MULTILINE)
    assert row is not None
    body, crc, wire = (bytes.fromhex(cell) for cell in row.groups())
    assert crc32(body) == int.from_bytes(crc, "little")
    assert encode_frame(EXAMPLES[name]) == wire
    assert decode_frame(wire[:-1]) == EXAMPLES[name]


def test_frames_are_found_however_the_stream_is_cut() -> None:
    frames = [Frame(2, number, number, 1, bytes(range(256)) * (number % 5)) for number in range(20)]
    stream = b"".join(map(encode_frame, frames))
    for seed in range(20):
        cuts = sorted(random.Random(seed).choices(range(len(stream)), k=40))
        decoder = FrameDecoder()
        pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
        assert [frame for piece in pieces for frame in decoder.feed(piece)] == frames
        assert decoder.damaged == 0


def test_a_damaged_frame_is_dropped_and_the_next_one_found() -> None:
    good = Frame(2, 4, 9, 77, b"payload" * 20)
    wire = encode_frame(good)
    for place in range(len(wire) - 1):
        decoder = FrameDecoder()
        damaged = wire[:place] + bytes([wire[place] ^ 0x10]) + wire[place + 1 :]
        assert decoder.feed(damaged + b"\0" + wire) == [good]
        assert decoder.damaged >= 1


def test_random_bytes_are_never_taken_for_a_frame() -> None:
    generator = random.Random(5)
    for _ in range(2000):
        with pytest.raises(FxlstmError):
            decode_frame(generator.randbytes(generator.randrange(1, 60)).replace(b"\0", b"\1"))


def test_noise_without_an_end_is_not_kept() -> None:
    decoder = FrameDecoder()
    for _ in range(1000):
        decoder.feed(b"\x55" * 4096)
    assert len(decoder._rest) < 2 * MAX_PAYLOAD
    assert decoder.feed(b"\0" + encode_frame(EXAMPLES["answer"])) == [EXAMPLES["answer"]]
    assert decoder.damaged == 1


def test_fields_and_tail_come_back_as_they_were_packed() -> None:
    fields = MESSAGE_BY_NAME["run"].request
    codes = np.array([-32768, 0, 32767], np.int16)
    values = unpack("run", fields, pack("run", fields, {"flags": 5, "phase": 0, "further": 0, "codes": codes}))
    assert values["flags"] == 5
    np.testing.assert_array_equal(values["codes"], codes)


@pytest.mark.parametrize(("name", "payload"), [("keep_alive", b"123"), ("keep_alive", b"12345"), ("multiply", b"123")])
def test_an_answer_of_another_length_is_refused(name: str, payload: bytes) -> None:
    with pytest.raises(LinkError, match=r"is not its length; flash the firmware"):
        unpack(name, MESSAGE_BY_NAME[name].answer, payload)


def test_a_payload_longer_than_a_frame_is_refused_before_it_is_sent() -> None:
    with pytest.raises(LinkError, match=r"exceed the 1024 of a frame; send less"):
        pack("run", MESSAGE_BY_NAME["run"].request, {"flags": 0, "phase": 0, "further": 0, "codes": np.zeros(600, np.int16)})


def test_records_of_a_tail_keep_their_fields() -> None:
    cells = records("cell_state", bytes.fromhex("02 0300 0400 ffff") * 2)
    assert cells.shape == (2,)
    assert cells[1].tolist() == (2, 3, 4, -1)
    with pytest.raises(LinkError, match="no whole number of cell_state records"):
        records("cell_state", b"123")
