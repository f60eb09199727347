"""Objects to the board (programs, target maps): in pieces, on from where the board has them, checked as a whole."""

from __future__ import annotations

from fxlstm.board.fields import fixed_struct
from fxlstm.board.link import Link
from fxlstm.board.protocol import MAX_PAYLOAD, MESSAGE_BY_NAME, OBJECTS
from fxlstm.core._core import crc32
from fxlstm.errors import BoardError
from fxlstm.program.programming_report import Progress

PIECE = (MAX_PAYLOAD - fixed_struct(MESSAGE_BY_NAME["object_write"].request).size) // 8 * 8
ATTEMPTS = 3  # times that a damaged or refused object is sent again
_PIECES_AT_ONCE = 16  # between two reports of progress


def send_object(link: Link, name: str, content: bytes, progress: Progress | None = None) -> int:
    """Bring an object (``protocol.OBJECTS``) onto the board and have it checked there; return its CRC-32.

    What the board holds already is not sent again. ``progress`` is told bytes. Raises what the board finds wrong with it.
    """
    kind, crc = OBJECTS[name], crc32(content)
    for attempt in range(1, ATTEMPTS + 1):
        offset = link.request("object_begin", object=kind, size=len(content), crc=crc)["offset"]
        while offset < len(content):
            ahead = range(offset, min(offset + _PIECES_AT_ONCE * PIECE, len(content)), PIECE)
            pieces = [("object_write", {"object": kind, "offset": at, "data": content[at : at + PIECE]}) for at in ahead]
            offset, before = link.requests(pieces)[-1]["offset"], offset
            if offset <= before:
                raise BoardError(
                    f"the board asks for byte {offset} of the {name} again and again; reset it and send the {name} anew"
                )
            if progress:
                progress(offset, len(content))
        try:
            return int(link.request("object_finish", object=kind)["crc"])
        except BoardError:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("every attempt returns or raises")
