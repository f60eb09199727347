"""The link byte for byte: a script says what must go out and what comes in answer, and must be used up."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import serial
from model_board import IDENTITY

from fxlstm.board.link import Link
from fxlstm.board.messages import Frame, encode_frame, pack
from fxlstm.board.port import Port
from fxlstm.board.protocol import KIND_ANSWER, KIND_ERROR, KIND_REQUEST, MESSAGE_BY_NAME, RECORDS

SESSION, NONCE = 0x11223344, 5


class Script:
    """A port that takes exactly the bytes of its script, in order, and gives the bytes that stand beside them."""

    def __init__(self, *lines: tuple[bytes, bytes]) -> None:
        self.lines = list(lines)
        self._answer = b""

    is_open = True

    def open(self) -> None: ...

    def close(self) -> None: ...

    @property
    def in_waiting(self) -> int:
        return len(self._answer)

    def read(self, size: int) -> bytes:
        taken, self._answer = self._answer[:size], self._answer[size:]
        return taken

    def write(self, data: bytes) -> None:
        expected, answer = self.lines.pop(0)
        assert data.hex(" ") == expected.hex(" ")
        self._answer += answer


def frame(kind: int, name: str, request: int, session: int, payload: bytes = b"") -> bytes:
    return encode_frame(Frame(kind, MESSAGE_BY_NAME[name].code, request, session, payload))


OPENING = (
    (b"\0", b""),
    (
        frame(KIND_REQUEST, "identify", NONCE, 0),
        frame(KIND_ANSWER, "identify", NONCE, 0, pack("identify", MESSAGE_BY_NAME["identify"].answer, IDENTITY)),
    ),
    (
        frame(KIND_REQUEST, "open_session", NONCE, 0, SESSION.to_bytes(4, "little") + bytes(4)),
        frame(KIND_ANSWER, "open_session", NONCE, 0, b"\x01\x00"),
    ),
)
KEEP_ALIVE = bytes.fromhex("04 01 03 01 09 44 33 22 11 be e4 65 ac 00")
ALIVE = bytes.fromhex("04 02 03 01 07 44 33 22 11 88 13 01 05 e5 bf fb f4 00")


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch):
    """Open a link on a script, with the session and the ids of sessionless requests known."""

    class Known(random.Random):
        def randint(self, low: int, high: int) -> int:
            return NONCE if high == 65535 else SESSION

    def open_link(*lines: tuple[bytes, bytes]) -> tuple[Link, Script]:
        script = Script(*OPENING, *lines)
        monkeypatch.setattr(serial, "serial_for_url", lambda *_, **__: script)
        monkeypatch.setattr("fxlstm.board.link.random.SystemRandom", Known)
        return Link("script://"), script

    return open_link


def test_opening_ends_old_bytes_identifies_and_takes_the_board(play) -> None:
    _, script = play()
    assert script.lines == []


def test_the_port_is_opened_at_the_rate_of_the_boards_serial_line(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = []
    monkeypatch.setattr(serial, "serial_for_url", lambda url, rate, **_: rates.append(rate) or Script())
    Port("script://")
    header = (Path(__file__).parents[2] / "firmware/gen/wiring.h").read_text()
    assert f"#define FW_SERIAL_BAUD {rates[0]}u" in header


def test_a_request_and_its_answer_are_the_bytes_of_the_page(play) -> None:
    link, script = play((KEEP_ALIVE, ALIVE))
    assert link.request("keep_alive") == {"uptime_ms": 5000}
    assert script.lines == []


def test_a_lost_answer_and_a_damaged_one_are_asked_for_again_with_the_same_bytes(play) -> None:
    damaged = ALIVE.replace(b"\x88", b"\x89")
    link, script = play((KEEP_ALIVE, b""), (KEEP_ALIVE, damaged), (KEEP_ALIVE, ALIVE))
    assert link.request("keep_alive") == {"uptime_ms": 5000}
    assert script.lines == []


def test_answers_of_other_sessions_and_other_requests_are_not_taken(play) -> None:
    other_session = frame(KIND_ANSWER, "keep_alive", 1, SESSION + 1, bytes(4))
    other_request = frame(KIND_ANSWER, "keep_alive", 2, SESSION, bytes(4))
    other_message = frame(KIND_ANSWER, "safe_idle", 1, SESSION)
    link, script = play((KEEP_ALIVE, other_session + other_request + other_message + ALIVE))
    assert link.request("keep_alive") == {"uptime_ms": 5000}
    assert script.lines == []


def test_the_host_goes_back_to_what_the_board_misses(play) -> None:
    first, second = KEEP_ALIVE, frame(KIND_REQUEST, "keep_alive", 2, SESSION)
    missing = pack("error", RECORDS["error"], {"status": 69, "detail": 1})
    refusal = frame(KIND_ERROR, "keep_alive", 2, SESSION, missing)
    answers = ALIVE + frame(KIND_ANSWER, "keep_alive", 2, SESSION, bytes(4))
    link, script = play((first + second, refusal), (first + second, answers))
    assert [answer["uptime_ms"] for answer in link.requests([("keep_alive", {}), ("keep_alive", {})])] == [5000, 0]
    assert script.lines == []
