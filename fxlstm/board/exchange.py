"""Requests in flight: which to send, which to send again and when. Knows no port and no clock: the caller tells the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fxlstm.board.fields import Message
from fxlstm.board.messages import Frame, unpack
from fxlstm.board.protocol import EVENT_BY_CODE, EVENTS, KIND_ANSWER, KIND_ERROR, KIND_EVENT, RECORDS
from fxlstm.status import STATUSES

_CODES = {status.symbol: status.code for status in STATUSES}
OUT_OF_ORDER = _CODES["OUT_OF_ORDER"]
STALE_SESSION = _CODES["STALE_SESSION"]
UNDER_WAY = next(event for event in EVENTS if event.name == "under_way")

LAST_REQUEST_ID = 65535


def next_request_id(identifier: int) -> int:
    """Return the request id after this one: 1..65535, then 1 again."""
    return identifier % LAST_REQUEST_ID + 1


@dataclass
class Timer:
    """When to send again, in seconds: smoothed round trip plus four deviations, doubled while nothing comes (as in RFC 6298)."""

    shortest: float = 0.05
    longest: float = 0.5
    timeout: float = 0.25
    _mean: float | None = None
    _deviation: float = 0.0

    def measured(self, seconds: float) -> None:
        """Learn from one round trip."""
        if self._mean is None:
            self._mean, self._deviation = seconds, seconds / 2
        else:
            self._deviation += (abs(seconds - self._mean) - self._deviation) / 4
            self._mean += (seconds - self._mean) / 8
        self.timeout = min(max(self._mean + 4 * self._deviation, self.shortest), self.longest)

    def missed(self) -> None:
        """An answer did not come in time."""
        self.timeout = min(2 * self.timeout, self.longest)


@dataclass
class Request:
    """One request: its bytes, and its answer once that has come (``status`` 0) or the board's refusal (``status``, ``detail``)."""

    message: Message
    identifier: int
    session: int
    encoded: bytes
    answer: Frame | None = None
    status: int = 0
    detail: int = 0
    sends: int = 0
    _sent_at: float = 0.0
    _due_at: float = field(default=0.0, repr=False)

    def _send(self, now: float, timeout: float) -> None:
        self.sends += 1
        self._sent_at, self._due_at = now, now + timeout


class Exchange:
    """Some requests on their way, at most ``window`` unanswered from the oldest on; the board keeps as many answers for replay.

    On a new connection one at a time until an answer comes, because the more is sent the likelier a bad link breaks again first.
    """

    def __init__(self, requests: Sequence[Request], window: int, timer: Timer) -> None:
        self.requests = requests
        self._limit = self._window = window
        self._timer = timer
        self._oldest = 0
        self._gone_back_to = 0

    @property
    def done(self) -> bool:
        """Whether every request has its answer."""
        return self._oldest == len(self.requests)

    @property
    def oldest(self) -> Request:
        """The first request without an answer."""
        return self.requests[self._oldest]

    def due(self, now: float) -> list[Request]:
        """Return what is to be sent now, in order, and count it as sent."""
        due = [request for request in self._in_window() if request._due_at <= now]
        if any(request.sends and request._due_at > request._sent_at for request in due):
            self._timer.missed()
        for request in due:
            request._send(now, self._timer.timeout)
        return due

    def restart(self) -> None:
        """The connection is new: everything without an answer is due again."""
        self._gone_back_to = 0
        for request in self._in_window():
            request._due_at = request._sent_at = 0.0
        self._window = 1

    def take(self, frame: Frame, now: float) -> bool:
        """Use a frame; return whether it shows that the board is at work for one of the requests: mostly, its answer."""
        if frame.kind == KIND_EVENT and EVENT_BY_CODE.get(frame.message) is UNDER_WAY:
            return True
        request = next((r for r in self._in_window() if self._belongs(frame, r)), None)
        if request is None:
            return False
        if frame.kind == KIND_ERROR:
            error = unpack("an error", RECORDS["error"], frame.payload)
            if error["status"] == OUT_OF_ORDER:
                self._go_back(error["detail"], now)
                return False
            request.status, request.detail = error["status"], error["detail"]
        request.answer = frame
        self._window = min(2 * self._window, self._limit)
        if request.sends == 1:
            self._timer.measured(now - request._sent_at)
        self._hurry_before(request, now)
        while not self.done and self.oldest.answer is not None:
            self._oldest += 1
        return True

    def _in_window(self) -> list[Request]:
        window = self.requests[self._oldest : self._oldest + self._window]
        return [request for request in window if request.answer is None]

    @staticmethod
    def _belongs(frame: Frame, request: Request) -> bool:
        """Whether a frame answers this very request, and not one of the same number from another session."""
        header = (request.message.code, request.identifier, request.session)
        return request.sends > 0 and frame.kind in (KIND_ANSWER, KIND_ERROR) and frame[1:4] == header

    def _go_back(self, expected: int, now: float) -> None:
        """The board misses request ``expected``: it and what follows are due again, once; later losses are the timer's."""
        waiting = self._in_window()
        start = next((index for index, request in enumerate(waiting) if request.identifier == expected), None)
        if start is None or self._gone_back_to == expected:
            return
        self._gone_back_to = expected
        for request in waiting[start:]:
            request._due_at = request._sent_at = now

    def _hurry_before(self, answered: Request, now: float) -> None:
        """Answers come in order, so one that is missing before this one was lost: ask again, once, before its time-out."""
        for request in self.requests[self._oldest : self._oldest + self._window]:
            if request is answered:
                break
            if request.answer is None and request.sends == 1:
                request._due_at = request._sent_at = now
