"""The link: each request executed exactly once, in order, whatever is lost; every failure has words."""

from __future__ import annotations

import errno
import os
import pty
import socket
from collections.abc import Callable

import pytest
import serial
from model_board import ModelBoard, losing

from fxlstm.board.exchange import UNDER_WAY
from fxlstm.board.link import Link
from fxlstm.board.messages import Frame, encode_frame, pack
from fxlstm.board.port import Port
from fxlstm.board.protocol import KIND_EVENT
from fxlstm.errors import FxlstmError, LinkError, LinkLost
from fxlstm.urls.protocol_emu import emulated_board

Connect = Callable[..., Link]


def pulse(row: int) -> tuple[str, dict[str, object]]:
    return "pulse", {"row": row, "millivolts": 1000, "microseconds": 10, "gates": b"\0" * 128}


def test_requests_are_answered_in_order(connect: Connect) -> None:
    board = ModelBoard()
    answers = connect(board).requests([pulse(row) for row in range(10)])
    assert [answer["pulses"] for answer in answers] == list(range(1, 11))


@pytest.mark.parametrize("seed", range(20))
def test_a_lossy_link_executes_each_request_exactly_once_and_in_order(connect: Connect, seed: int) -> None:
    board = ModelBoard(lose=losing(0.3, seed))
    link = connect(board)
    answers = link.requests([pulse(row) for row in range(50)])
    assert [fields["row"] for _, fields in board.executed] == list(range(50))
    assert [answer["pulses"] for answer in answers] == list(range(1, 51))


@pytest.mark.parametrize("step", range(1, 40))
def test_a_port_lost_at_any_moment_is_opened_again_and_nothing_is_done_twice(connect: Connect, step: int) -> None:
    board = ModelBoard()
    link = connect(board)
    board.unplug_after = step
    for row in range(12):
        link.request(*pulse(row)[:1], **pulse(row)[1])
    assert [fields["row"] for _, fields in board.executed] == list(range(12))


def test_request_ids_wrap_past_65535(connect: Connect) -> None:
    board = ModelBoard()
    link = connect(board)
    board._expected = link._next_request = 65533
    link.requests([pulse(row) for row in range(8)])
    assert [fields["row"] for _, fields in board.executed] == list(range(8))


def test_a_silent_board_is_reported_with_what_was_tried(connect: Connect) -> None:
    with pytest.raises(LinkLost, match=r"did not answer identify in 10 s \(sent \d+ times.*open it again"):
        connect(ModelBoard(lose=lambda: True))


class SlowBoard(ModelBoard):
    """Executes a request at once and answers it when it has been asked for again so many times; until then it is under way."""

    asked = 0

    def _execute(self, frame: Frame, name: str, fields: dict[str, object]) -> None:
        self.lose = lambda: True
        super()._execute(frame, name, fields)
        self.lose = lambda: False

    def _take(self, frame: Frame) -> None:
        self.asked += frame.request in self._answers
        if frame.request in self._answers and self.asked < 60:
            payload = pack("under_way", UNDER_WAY.fields, {"request": frame.request})
            self._say(encode_frame(Frame(KIND_EVENT, UNDER_WAY.code, 0, frame.session, payload)))
        else:
            super()._take(frame)


def test_a_board_that_says_that_a_request_is_under_way_is_waited_for(connect: Connect) -> None:
    board = SlowBoard()
    link = connect(board)
    before = link._now
    assert link.request(*pulse(3)[:1], **pulse(3)[1]) == {"pulses": 1}
    assert link._now - before > 20
    assert len(board.executed) == 1


def test_after_silence_the_link_takes_up_again_with_a_new_session(connect: Connect) -> None:
    board = ModelBoard()
    link = connect(board)
    board.lose = lambda: True
    with pytest.raises(LinkLost, match="did not answer pulse"):
        link.requests([pulse(0)])
    board.lose = lambda: False
    assert link.requests([pulse(1)])[0]["pulses"] == 1


def test_a_restarted_board_is_told_apart_from_another_host(connect: Connect) -> None:
    board = ModelBoard()
    link = connect(board)
    board.reset()
    with pytest.raises(LinkLost, match="restarted"):
        link.request("safe_idle")
    board._session = 7
    link._session = 5
    with pytest.raises(LinkLost, match="another host has opened the board"):
        link.request("safe_idle")


def test_restarts_again_and_again_while_the_link_opens_are_called_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    opening, url = Link._open_session, "emu://host?device=ideal&board=restarts"

    def restarted_in_between(link: Link, identity: dict[str, object], *left: int) -> None:
        emulated_board("restarts").reset()
        opening(link, identity, *left)

    monkeypatch.setattr(Link, "_open_session", restarted_in_between)
    with pytest.raises(LinkLost, match=r"restarted again while it was being opened.* connect again"):
        Link(url)
    monkeypatch.undo()
    Link(url).close()


def test_a_host_that_takes_the_board_while_the_link_opens_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    opening, url = Link._open_session, "emu://host?device=ideal&board=taken"

    def taken_in_between(link: Link, identity: dict[str, object], *left: int) -> None:
        opening(link, identity, *left)
        opening(link, identity, *left)

    monkeypatch.setattr(Link, "_open_session", taken_in_between)
    with pytest.raises(FxlstmError, match="another host has opened the board"):
        Link(url)


def test_another_protocol_is_refused_by_the_versions_of_both(connect: Connect) -> None:
    identity = {"protocol_hash": 0xDEAD, "firmware_major": 3, "firmware_minor": 14}
    with pytest.raises(LinkError, match=r"firmware 3\.14 with protocol 0000dead, but fxlstm .* speaks .* flash this release"):
        connect(ModelBoard(identity=identity))


def test_an_absent_port_is_named() -> None:
    with pytest.raises(LinkError, match="port /dev/no-such-port is absent; plug the board in"):
        Link("/dev/no-such-port")


def test_a_port_unplugged_for_good_is_absent(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    board = ModelBoard()
    link = connect(board, reconnect=2)

    def gone(*_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "no such device")

    monkeypatch.setattr(board, "open", gone)
    monkeypatch.setattr(board, "write", gone)
    with pytest.raises(LinkLost, match="is absent; plug the board in"):
        link.request("safe_idle")


@pytest.mark.parametrize("mistake", [TypeError, ValueError, AttributeError, ZeroDivisionError])
@pytest.mark.parametrize("verb", ["open", "read", "write"])
def test_a_mistake_in_a_program_behind_the_port_is_no_lost_link(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, verb: str, mistake: type[Exception]
) -> None:
    def mistaken(*_: object) -> None:
        raise mistake("of a programmer")

    board = ModelBoard()
    monkeypatch.setattr(board, verb, mistaken)
    with pytest.raises(mistake, match="of a programmer"):
        connect(board)


def test_a_port_that_could_not_be_opened_again_is_lost_to_reads_and_writes() -> None:
    controller, device = pty.openpty()
    try:
        port = Port(os.ttyname(device))
        port.close()
        for use in (port.read, lambda: port.write(b"x")):
            with pytest.raises(LinkLost, match=r"was lost .*not open"):
                use()
    finally:
        os.close(controller)
        os.close(device)


def test_a_rate_that_the_driver_of_a_port_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("Failed to set custom baud rate")

    monkeypatch.setattr(serial.Serial, "open", refuse)
    with pytest.raises(LinkError, match="custom baud rate"):
        Link("/dev/ttyS0")


def test_a_port_in_use_is_named() -> None:
    controller, device = pty.openpty()
    name = os.ttyname(device)
    try:
        with serial.Serial(name, exclusive=True), pytest.raises(LinkError, match=f"{name} is in use by another program"):
            Link(name)
    finally:
        os.close(controller)
        os.close(device)


def test_a_silent_pty_is_reported() -> None:
    controller, device = pty.openpty()
    try:
        with pytest.raises(LinkLost, match="did not answer identify"):
            Link(os.ttyname(device), patience=0.1)
    finally:
        os.close(controller)
        os.close(device)


def test_a_refused_connection_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"socket://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(LinkError, match="its other end is there"):
            Link(url)


def test_an_unknown_kind_of_url_is_named() -> None:
    with pytest.raises(LinkError, match="give /dev/tty"):
        Link("carrier-pigeon://loft")


@pytest.mark.parametrize("fields", [{}, {"row": 1, "rows": 1, "range": 0, "log2_reads": 300}, {"column": 3}])
def test_fields_that_do_not_fit_are_refused_before_anything_is_sent(connect: Connect, fields: dict[str, int]) -> None:
    board = ModelBoard()
    with pytest.raises(LinkError, match=r"read_conductance.*docs/protocol.md"):
        connect(board).request("read_conductance", **fields)
    assert board.executed == []


def test_the_trace_sees_every_byte(connect: Connect) -> None:
    seen: list[str] = []
    connect(ModelBoard(), trace=lambda direction, data: seen.append(direction)).request("safe_idle")
    assert seen == ["sent", "received"] * 3


def test_a_good_link_sends_nothing_twice(connect: Connect) -> None:
    board = ModelBoard()
    link = connect(board)
    link.requests([pulse(row) for row in range(50)])
    assert board.replays == 0
