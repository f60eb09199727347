"""Messages and frames as bytes: pack and unpack by the protocol table, cut a stream of bytes into frames."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fxlstm.board.fields import Field, fixed_struct, is_tail, tail_size
from fxlstm.board.protocol import MAX_PAYLOAD, RECORDS
from fxlstm.core._core import cobs_decode, cobs_encode, crc32
from fxlstm.errors import FxlstmError, LinkError

_HEADER = fixed_struct(RECORDS["header"])
_CRC = struct.Struct("<I")
_SMALLEST_BODY = _HEADER.size + _CRC.size
_LARGEST_ENCODED = (_SMALLEST_BODY + MAX_PAYLOAD) * 255 // 254 + 1
_DELIMITER = b"\0"
_NUMPY_TYPES = {"u8": "u1", "u16": "<u2", "u32": "<u4", "i16": "<i2", "i32": "<i4"}


class Frame(NamedTuple):
    """One frame: the header's fields (see ``protocol.RECORDS["header"]``) and the payload."""

    kind: int
    message: int
    request: int
    session: int
    payload: bytes


def encode_frame(frame: Frame) -> bytes:
    """Return the bytes of a frame on the wire, delimiter included."""
    body = _HEADER.pack(*frame[:4]) + frame.payload
    return cobs_encode(body + _CRC.pack(crc32(body))) + _DELIMITER


def decode_frame(encoded: bytes) -> Frame:
    """Return the frame of its bytes without delimiter; :class:`LinkError` when they are damaged."""
    body = cobs_decode(encoded)
    if not _SMALLEST_BODY <= len(body) <= _SMALLEST_BODY + MAX_PAYLOAD:
        raise LinkError(
            f"a frame of {len(body)} bytes: its length must be {_SMALLEST_BODY} to {_SMALLEST_BODY + MAX_PAYLOAD}; check the cable"
        )
    if crc32(body[: -_CRC.size]) != _CRC.unpack(body[-_CRC.size :])[0]:
        raise LinkError(f"a frame of {len(body)} bytes failed its CRC-32; check the cable and the baud rate")
    kind, message, request, session = _HEADER.unpack_from(body)
    return Frame(kind, message, request, session, body[_HEADER.size : -_CRC.size])


class FrameDecoder:
    """Cuts a stream into frames. Damaged pieces are dropped and counted in ``damaged``; the next delimiter starts afresh."""

    def __init__(self) -> None:
        self.damaged = 0
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Return the whole frames that end in ``data``."""
        *pieces, self._rest = (self._rest + data).split(_DELIMITER)
        # Without a delimiter for so long, what came is noise; one byte too many is kept, so that its piece fails as too long.
        self._rest = self._rest[: _LARGEST_ENCODED + 1]
        frames = []
        for piece in pieces:
            try:
                if piece:
                    frames.append(decode_frame(piece))
            except FxlstmError:
                self.damaged += 1
        return frames


def pack(what: str, fields: tuple[Field, ...], values: dict[str, Any]) -> bytes:
    """Return the payload of a record; ``what`` names it in errors. A tail takes bytes, or an array of int16."""
    names = [field.name for field in fields]
    if sorted(names) != sorted(values):
        raise LinkError(f"{what} takes the fields {names}, not {sorted(values)}; see docs/protocol.md")
    fixed = [field.name for field in fields if not is_tail(field)]
    try:
        payload = fixed_struct(fields).pack(*(values[name] for name in fixed))
    except struct.error as error:
        raise LinkError(
            f"{what}: { ({name: values[name] for name in fixed}) } does not fit its fields: {error}; see docs/protocol.md"
        ) from error
    if tail_size(fields):
        tail = values[names[-1]]
        payload += tail if isinstance(tail, bytes) else np.ascontiguousarray(tail, dtype="<i2").tobytes()
    if len(payload) > MAX_PAYLOAD:
        raise LinkError(f"{what}: {len(payload)} bytes exceed the {MAX_PAYLOAD} of a frame; send less at a time")
    return payload


def unpack(what: str, fields: tuple[Field, ...], payload: bytes) -> dict[str, Any]:
    """Return the fields of a payload; a tail becomes ``bytes`` or an int16 array. Errors as :class:`LinkError`."""
    fixed, step = fixed_struct(fields), tail_size(fields)
    rest = len(payload) - fixed.size
    if rest < 0 or (rest % step if step else rest):
        raise LinkError(f"{what} came with {len(payload)} bytes, which is not its length; flash the firmware of this release")
    values: dict[str, Any] = dict(zip((field.name for field in fields), fixed.unpack_from(payload), strict=False))
    if step:
        tail = payload[fixed.size :]
        values[fields[-1].name] = tail if step == 1 else np.frombuffer(tail, dtype="<i2").astype(np.int16)
    return values


def records(name: str, data: bytes) -> NDArray[np.void]:
    """Return the records ``protocol.RECORDS[name]`` that stand in a tail, as a structured array."""
    layout = np.dtype([(field.name, _NUMPY_TYPES[field.type]) for field in RECORDS[name]])
    if len(data) % layout.itemsize:
        raise LinkError(f"{len(data)} bytes are no whole number of {name} records; flash the firmware of this release")
    return np.frombuffer(data, dtype=layout)
