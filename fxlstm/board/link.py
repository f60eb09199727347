"""The reliable link to a board: requests that are executed exactly once.

Time is counted, not measured: a read that stays empty counts its time-out, so an emulated board, whose reads return at
once, can lose frames without costing real time, and nothing here can wait for ever.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from fxlstm import __version__
from fxlstm.board.exchange import STALE_SESSION, Exchange, Request, Timer, next_request_id
from fxlstm.board.fields import fixed_struct
from fxlstm.board.messages import Frame, FrameDecoder, encode_frame, pack, unpack
from fxlstm.board.port import TICK, Port
from fxlstm.board.protocol import EVENT_BY_CODE, KIND_EVENT, KIND_REQUEST, MESSAGE_BY_NAME, PROTOCOL_HASH, WINDOW
from fxlstm.errors import FxlstmError, LinkError, LinkLost, from_status

BYTE_TIME = 1e-6  # seconds counted per byte at least, so that a port that babbles for ever comes to an end

Trace = Callable[[str, bytes], None]  # "sent" or "received", and the bytes
EventHandler = Callable[[str, dict[str, Any]], None]  # the event's name and fields


class Link:
    """Requests and answers over a port, each request executed exactly once, across lost frames and reconnects.

    ``reconnect``: how many times in a row a lost port is opened again, with the same session. ``patience``: seconds without an
    answer after which the board counts as silent. ``on_event`` is called with each event, ``trace`` with all bytes,
    :attr:`on_failure`, when set, with the words of every error that a request ends in.
    ``identity`` holds the answer to ``identify``. A board with another protocol table is refused.
    """

    def __init__(
        self,
        url: str,
        *,
        reconnect: int = 10,
        patience: float = 10.0,
        on_event: EventHandler | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.url = url
        self.on_failure: Callable[[str], None] | None = None
        self._reconnect_limit = reconnect
        self._patience = patience
        self._on_event = on_event
        self._trace = trace
        self._random = random.SystemRandom()
        self._timer = Timer()
        self._now = 0.0
        self._session = 0  # 0: the next request opens one
        self._next_request = 1
        self._over = ""  # why this link is not to be used any more
        self._decoder = FrameDecoder()
        self._port = Port(url)
        try:
            self.identity = self._connect()
        except BaseException:
            self._port.close()
            raise

    def request(self, message: str, **fields: Any) -> dict[str, Any]:
        """Send one request, return its answer's fields. A refusal by the board is raised as its error."""
        return self.requests([(message, fields)])[0]

    def requests(self, calls: Iterable[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        """Send requests back to back, as many in flight as the board allows; return their answers in order.

        All are executed; the first refusal among them is raised.
        """
        try:
            return self._requests(calls)
        except FxlstmError as failure:
            if self.on_failure:
                self.on_failure(str(failure))
            raise

    def _requests(self, calls: Iterable[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        if self._over:
            raise LinkLost(self._over)
        if not self._session:
            self._open_session(self._identify())
        identifier, requests = self._next_request, []
        for message, fields in calls:
            requests.append(self._make(message, fields, identifier, self._session))
            identifier = next_request_id(identifier)
        # Until all are answered nobody knows which id the board expects; should this fail, the next call opens a new session.
        session, self._session = self._session, 0
        self._complete(Exchange(requests, min(WINDOW, self.identity["window"]), self._timer), session)
        self._session, self._next_request = session, identifier
        return [self._answer(request) for request in requests]

    def listen(self, seconds: float) -> None:
        """Let time pass while events are handled; a port lost meanwhile is opened again by the next request."""
        end = self._now + seconds
        with suppress(LinkLost):
            while self._now < end:
                self._receive()

    def close(self, last_request: str | None = None) -> None:
        """Close the port, after a last request without fields if that gets through in a second; never fails."""
        self._patience, self._reconnect_limit = min(self._patience, 1.0), 0
        if last_request and not self._over:
            with suppress(FxlstmError):
                self.request(last_request)
        self._port.close()

    def _make(self, name: str, fields: dict[str, Any], identifier: int, session: int) -> Request:
        message = MESSAGE_BY_NAME[name]
        payload = pack(name, message.request, fields)
        return Request(message, identifier, session, encode_frame(Frame(KIND_REQUEST, message.code, identifier, session, payload)))

    def _answer(self, request: Request) -> dict[str, Any]:
        name = request.message.name
        if request.answer is None or request.status:
            raise from_status(request.status, f"{name} on {self.url}", request.detail)
        return unpack(f"the answer to {name}", request.message.answer, request.answer.payload)

    def _sessionless(self, name: str, **fields: Any) -> Request:
        """Send a request that needs no session; its random id tells its answer from late ones."""
        request = self._make(name, fields, self._random.randint(1, 65535), 0)
        exchange = Exchange([request], 1, self._timer)
        since = self._now
        while not exchange.done:
            self._step(exchange)
            self._check_silence(exchange, since)
        return request

    def _connect(self) -> dict[str, Any]:
        """Identify the board and open a session; return the identity."""
        for _ in range(self._reconnect_limit):
            try:
                identity = self._identify()
                self._open_session(identity)
                return identity
            except LinkOver:
                raise
            except LinkLost:
                self._port.open()
        identity = self._identify()
        self._open_session(identity)
        return identity

    def _identify(self) -> dict[str, Any]:
        """Return the board's identity; refuse a board of another protocol by the versions of both."""
        self._port.write(b"\0")  # ends whatever a host before us left unfinished
        request = self._sessionless("identify")
        payload = request.answer.payload if request.answer else b""
        beginning = fixed_struct(request.message.answer[:4])  # stands first in every version of the table
        if not request.status and len(payload) >= beginning.size:
            protocol_hash, _, major, minor = beginning.unpack_from(payload)
            if protocol_hash != PROTOCOL_HASH:
                raise LinkError(
                    f"the board on {self.url} runs firmware {major}.{minor} with protocol {protocol_hash:08x}, but fxlstm "
                    f"{__version__} speaks {PROTOCOL_HASH:08x}; flash this release's firmware or install that firmware's fxlstm"
                )
        return self._answer(request)

    def _open_session(self, identity: dict[str, Any], restarts: int = 1) -> None:
        """Take the board with a new session, unless another host has done so since ``identity`` came.

        ``restarts``: how often the board may have restarted in between.
        """
        session = self._random.randint(1, 0xFFFFFFFF)
        request = self._sessionless("open_session", session=session, replaces=identity["boot_session"] or identity["boot_id"])
        if request.status == STALE_SESSION and (now := self._identify())["boot_id"] != identity["boot_id"]:
            if not restarts:
                raise LinkOver(
                    f"the board on {self.url} restarted again while it was being opened, and nothing was asked of it; connect again"
                )
            return self._open_session(now, restarts - 1)
        self._next_request = self._answer(request)["next_request"]
        self._session = session

    def _complete(self, exchange: Exchange, session: int) -> None:
        """Carry an exchange to its end, through lost ports."""
        since, failures = self._now, 0
        while not exchange.done:
            try:
                if self._step(exchange):
                    since, failures = self._now, 0
                    self._check_session(exchange)
            except LinkLost as lost:
                failures += 1
                self._reconnect(session, failures, lost)
                exchange.restart()
                since = self._now
            self._check_silence(exchange, since)

    def _step(self, exchange: Exchange) -> bool:
        """Send what is due and take what has come; return whether an answer was among it."""
        due = exchange.due(self._now)
        if due:
            self._send(b"".join(request.encoded for request in due))
        answers = [exchange.take(frame, self._now) for frame in self._receive()]
        return any(answers)

    def _send(self, data: bytes) -> None:
        if self._trace:
            self._trace("sent", data)
        self._port.write(data)

    def _receive(self) -> Sequence[Frame]:
        """Return the frames that have come, after at most a tick; events go to their handler."""
        started = time.monotonic()
        data = self._port.read()
        self._now += max(min(time.monotonic() - started, TICK), len(data) * BYTE_TIME) if data else TICK
        if data and self._trace:
            self._trace("received", data)
        frames = self._decoder.feed(data)
        for frame in frames:
            event = EVENT_BY_CODE.get(frame.message)
            if frame.kind == KIND_EVENT and event and self._on_event:
                self._on_event(event.name, unpack(f"the event {event.name}", event.fields, frame.payload))
        return frames

    def _check_silence(self, exchange: Exchange, since: float) -> None:
        if exchange.done or self._now - since < self._patience:
            return
        request = exchange.oldest
        raise LinkOver(
            f"the board on {self.url} did not answer {request.message.name} in {self._patience:g} s (sent {request.sends} times, "
            f"{self._decoder.damaged} damaged frames came back); check power and cable, reset the board, and open it again"
        )

    def _check_session(self, exchange: Exchange) -> None:
        """A stale session means that the board restarted or that another host took it."""
        if any(request.status == STALE_SESSION for request in exchange.requests):
            raise self._session_lost(self._identify()["boot_session"])

    def _session_lost(self, session_in_force: int) -> LinkLost:
        if session_in_force == 0:
            return LinkOver(f"the board on {self.url} restarted, so the last request may be done or not; read the array")
        self._over = f"another host has opened the board on {self.url}; close one of the two and open it again"
        return LinkOver(self._over)

    def _reconnect(self, session: int, failures: int, lost: LinkLost) -> None:
        """Open the port again and go on with the session, if it is still in force."""
        if failures > self._reconnect_limit or isinstance(lost, LinkOver):
            raise lost
        self._decoder = FrameDecoder()
        try:
            self._port.open()
        except LinkError as absent:
            if failures == self._reconnect_limit:
                raise LinkLost(str(absent)) from lost
            time.sleep(min(0.25 * 2 ** (failures - 1), 2.0))  # it may come back; sending on it fails until then
            return
        try:
            in_force = self._identify()["boot_session"]
        except LinkOver:
            raise
        except LinkError:
            return  # lost again
        if in_force != session:
            raise self._session_lost(in_force)


class LinkOver(LinkLost):
    """The session is over or the board silent; opening the port again would not help."""
