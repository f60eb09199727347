"""The serial line of an emulated board, as good or as bad as asked."""

from __future__ import annotations

from collections import deque

from fxlstm.emulator.board import EmulatedBoard
from fxlstm.emulator.faults import FaultyWire, LinkFaults, Unplugged

LONGEST_WAIT = 100_000_000  # nanoseconds that an idle board lets pass at a time
REPLUG = 10_000_000  # nanoseconds until a port that was closed or unplugged can be open again


class EmulatedLink:
    """Both directions between a host and ``board``. A fault that cuts the line raises :class:`Unplugged`; then it works again."""

    def __init__(self, board: EmulatedBoard, faults: LinkFaults | None = None) -> None:
        self.board = board
        self.faults = faults or LinkFaults()
        self._to_board = FaultyWire(self.faults, "to board")
        self._to_host = FaultyWire(self.faults, "to host")
        self._carried = 0
        self._late: deque[tuple[int, bytes]] = deque()

    def write(self, data: bytes) -> None:
        """Send bytes to the board."""
        try:
            self.board.feed(self._count(self._to_board.carry(data)))
        except Unplugged as cut:
            self.board.feed(cut.delivered)
            raise

    def read(self) -> tuple[bytes, bool]:
        """Run the board's main loop once; return what has arrived from it and whether more is to be expected soon."""
        sent, working = self.board.poll()
        if sent:
            sent = self._count(self._to_host.carry(sent))
        if not self.faults.stall_ms:
            return sent, working
        now = self.board.clock.now()
        self._late.append((now + int(self.faults.stall_ms * 1e6), sent))
        arrived = b""
        while self._late and self._late[0][0] <= now:
            arrived += self._late.popleft()[1]
        return arrived, working or bool(arrived)

    def wait(self, until: int) -> bytes:
        """Let a board's virtual time pass until it says something or the clock shows ``until``; return what it said."""
        clock = self.board.clock
        while True:
            arrived, working = self.read()
            left = until - clock.now()
            if arrived or left <= 0:
                return arrived
            if not working:
                self.board.save()
                self.board.rest(min(left, LONGEST_WAIT))

    def replug(self) -> None:
        """Nobody listens for a moment; what was on its way is lost, the board goes on."""
        self._late.clear()
        clock = self.board.clock
        until = clock.now() + REPLUG
        while clock.now() < until:
            _, working = self.board.poll()
            if not working:
                self.board.rest(until - clock.now())

    def _count(self, data: bytes) -> bytes:
        """Count the bytes carried, so that those faults happen that come after a number of them."""
        before, self._carried = self._carried, self._carried + len(data)
        if before < self.faults.reset_after <= self._carried:
            self.board.reset()
        if before < self.faults.disconnect_after <= self._carried:
            raise Unplugged(data[: self.faults.disconnect_after - before])
        return data
