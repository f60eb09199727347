"""A board in few lines, straight from docs/protocol.md, for tests of the link: order, replay, sessions, and every kind of loss."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from fxlstm.board.messages import Frame, FrameDecoder, encode_frame, pack, unpack
from fxlstm.board.protocol import KIND_ANSWER, KIND_ERROR, KIND_REQUEST, MESSAGES, PROTOCOL_HASH, RECORDS, WINDOW

OUT_OF_ORDER, STALE_SESSION = 69, 68
IDENTITY: dict[str, Any] = {field.name: 0 for field in MESSAGES[0].answer} | {
    "protocol_hash": PROTOCOL_HASH,
    "firmware_minor": 1,
    "rows": 128,
    "columns": 64,
    "window": WINDOW,
    "name": b"fxlstm-reference",
}


class ModelBoard:
    """A board and its port in one object. ``executed`` lists what it did; ``lose`` says which frames get lost."""

    def __init__(self, lose: Callable[[], bool] = lambda: False, identity: dict[str, Any] | None = None) -> None:
        self.lose = lose
        self.identity = IDENTITY | (identity or {})
        self.executed: list[tuple[str, dict[str, Any]]] = []
        self.opened = 0
        self.replays = 0
        self.unplug_after: int | None = None
        self.is_open = False
        self._session = 0
        self._expected = 1
        self._answers: dict[int, bytes] = {}
        self._decoder = FrameDecoder()
        self._outgoing = b""

    # the port, as pyserial has it
    def open(self) -> None:
        self.is_open, self.opened = True, self.opened + 1

    def close(self) -> None:
        self.is_open, self._outgoing = False, b""

    @property
    def in_waiting(self) -> int:
        self._check_plug()
        return len(self._outgoing)

    def read(self, size: int) -> bytes:
        self._check_plug()
        taken, self._outgoing = self._outgoing[:size], self._outgoing[size:]
        return taken

    def write(self, data: bytes) -> None:
        self._check_plug()
        for frame in self._decoder.feed(data):
            if not self.lose():
                self._take(frame)

    def _check_plug(self) -> None:
        if self.unplug_after is not None:
            self.unplug_after -= 1
            if self.unplug_after < 0:
                self.unplug_after, self.is_open = None, False
        if not self.is_open:
            raise OSError(5, "Input/output error")

    # the board
    def reset(self) -> None:
        self._session, self._expected, self._answers = 0, 1, {}

    def _take(self, frame: Frame) -> None:
        assert frame.kind == KIND_REQUEST
        message = next(m for m in MESSAGES if m.code == frame.message)
        fields = unpack(message.name, message.request, frame.payload)
        if message.sessionless:
            self._reply(frame, KIND_ANSWER, pack(message.name, message.answer, self._sessionless(message.name, fields)))
        elif frame.session != self._session:
            self._refuse(frame, STALE_SESSION, 0)
        elif frame.request in self._answers:
            self.replays += 1
            self._say(self._answers[frame.request])
        elif frame.request != self._expected:
            self._refuse(frame, OUT_OF_ORDER, self._expected)
        else:
            self._execute(frame, message.name, fields)

    def _execute(self, frame: Frame, name: str, fields: dict[str, Any]) -> None:
        self._expected = frame.request % 65535 + 1
        self.executed.append((name, fields))
        message = next(m for m in MESSAGES if m.name == name)
        answer = {field.name: len(self.executed) for field in message.answer}
        encoded = encode_frame(frame._replace(kind=KIND_ANSWER, payload=pack(name, message.answer, answer)))
        self._answers = dict(list(self._answers.items())[1 - WINDOW :]) | {frame.request: encoded}
        self._say(encoded)

    def _sessionless(self, name: str, fields: dict[str, Any]) -> dict[str, Any]:
        if name == "identify":
            return self.identity | {"boot_session": self._session}
        if fields["session"] != self._session:
            assert fields["replaces"] == self._session
            self._session, self._expected, self._answers = fields["session"], 1, {}
        return {"next_request": self._expected}

    def _refuse(self, frame: Frame, status: int, detail: int) -> None:
        self._reply(frame, KIND_ERROR, pack("error", RECORDS["error"], {"status": status, "detail": detail}))

    def _reply(self, frame: Frame, kind: int, payload: bytes) -> None:
        self._say(encode_frame(frame._replace(kind=kind, payload=payload)))

    def _say(self, encoded: bytes) -> None:
        if not self.lose():
            self._outgoing += encoded


def losing(probability: float, seed: int) -> Callable[[], bool]:
    """Return a function that says "lose this frame" with a probability, the same sequence for the same seed."""
    generator = random.Random(seed)
    return lambda: generator.random() < probability
