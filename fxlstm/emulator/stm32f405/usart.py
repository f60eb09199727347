"""A serial port, RM0090 section 30: asynchronous, eight bits, no parity, as the link uses it.

A byte takes ten bits of time on the line. One that comes before the last was read is lost and sets ORE; one written while TXE is 0
replaces the byte that waits; one sent or received at another rate than the line's is garbage.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import ClassVar

from fxlstm.emulator.stm32f405._processor import Timebase
from fxlstm.emulator.stm32f405.peripheral import NEVER, Peripheral, Values, field

SR, DR, BRR, CR1, CR2, CR3, GTPR = range(0x00, 0x1C, 4)
FE, ORE, RXNE, TC, TXE = (1 << bit for bit in (1, 3, 5, 6, 7))
_RE, _TE, _RXNEIE, _TCIE, _TXEIE, _PCE, _M, _UE, _OVER8 = (1 << bit for bit in (2, 3, 5, 6, 7, 10, 12, 13, 15))
_EIE = 1  # of CR3: interrupt on framing errors and overruns
BITS = 10
TOLERANCE = 0.035  # of the rate, between sender and receiver, at eight bits and OVER8 = 0; RM0090 table 142


class Usart(Peripheral):
    """``hertz`` gives the clock of its bus, ``line_baud`` is the host's rate, ``connected`` tells if a pin is wired through."""

    RESET: ClassVar[Values] = {SR: TXE | TC, BRR: 0, CR1: 0, CR2: 0, CR3: 0}
    WRITABLE: ClassVar[Values] = {BRR: 0xFFFF, CR1: 0xBFFF, CR2: 0x7F6F, CR3: 0x0FFF, GTPR: 0xFFFF}

    def __init__(self, time: Timebase, hertz: Callable[[], int], line_baud: int, connected: Callable[[str], bool]) -> None:
        self._time = time
        self._hertz = hertz
        self._connected = connected
        self._line_baud = line_baud
        self._line_byte = _nanoseconds(line_baud)
        self._line: deque[int] = deque()  # bytes that the host has sent
        self._arrives_at = NEVER  # when the first of them has been received
        self.sent = bytearray()  # what has come to the host
        super().__init__()

    def reset(self) -> None:
        """Drop what is being sent; bytes on the line keep coming."""
        super().reset()
        self._received = 0
        self._seen = 0  # flags that software has read in SR
        self._waiting: int | None = None  # byte in the transmit data register
        self._sending = 0  # byte in the shift register ...
        self._sent_at = NEVER  # ... until then
        self.retune()

    # The host's end of the line.

    def feed(self, data: bytes) -> None:
        """Put bytes on the line."""
        self._line += data
        if self._line and self._arrives_at == NEVER:
            self._arrives_at = self._time.now() + self._line_byte
            self._settle()

    @property
    def coming(self) -> int:
        """Bytes that are still on the line."""
        return len(self._line)

    @property
    def sending(self) -> bool:
        """Whether a byte is being sent."""
        return self._sent_at != NEVER

    # Registers.

    def read(self, offset: int) -> int:
        """Reading SR, then DR, clears what they report."""
        self.update()
        if offset == SR:
            self._seen = self.values[SR]
        elif offset == DR:
            self.values[SR] &= ~(RXNE | self._seen & (ORE | FE))
            self._seen = 0
            self._settle()
            return self._received
        return super().read(offset)

    def write(self, offset: int, value: int) -> None:
        """Set up the port, or send a byte."""
        self.update()
        if offset == SR:
            self.values[SR] &= value | ~(RXNE | TC)
        elif offset == DR:
            self._waiting = value & 0xFF
            self.values[SR] &= ~(TXE | self._seen & TC)
            self._load(self._time.now())
        else:
            super().write(offset, value)
            self.may_interrupt = True
            self.retune()
        self._settle()

    @property
    def baud(self) -> float:
        """The rate that BRR gives; 0 when it gives none."""
        eight, divisor = bool(self.values[CR1] & _OVER8), self.values[BRR]
        if eight:
            divisor = divisor >> 4 << 3 | divisor & 7
        return self._hertz() / divisor if divisor >= (8 if eight else 16) else 0.0

    def retune(self) -> None:
        """Work out from the control registers what is asked for."""
        control, errors = self.values[CR1], self.values[CR3] & _EIE
        flags = sum(flag for enable, flag in ((_RXNEIE, RXNE | ORE), (_TXEIE, TXE), (_TCIE, TC)) if control & enable)
        self._asked = flags | (FE | ORE if errors else 0) if control & _UE else 0
        baud = self.baud
        self._receives = bool(control & _UE and control & _RE)
        self._sends = bool(control & _UE and control & _TE and baud)
        self._byte = _nanoseconds(baud) if baud else NEVER
        plain = not control & (_PCE | _M) and not field(self.values[CR2], 12, 2)
        self._understood = plain and abs(baud - self._line_baud) <= TOLERANCE * self._line_baud
        self._settle()

    def _settle(self) -> None:
        self.interrupt = bool(self.values[SR] & self._asked)
        self.moment = min(self._arrives_at, self._sent_at)

    # Time.

    def update(self) -> None:
        """Shift bytes in and out up to now."""
        now = self._time.now()
        if now < self.moment:
            return
        while self._sent_at <= now:
            self._finish(self._sent_at)
        while self._arrives_at <= now:
            self._receive(self._line.popleft())
            self._arrives_at = self._arrives_at + self._line_byte if self._line else NEVER
        self._settle()

    def _receive(self, byte: int) -> None:
        if not self._receives or not self._connected("receive"):
            return
        if self.values[SR] & RXNE:
            self.values[SR] |= ORE
            return
        if not self._understood:
            byte, self.values[SR] = _garbage(byte), self.values[SR] | FE
        self._received = byte
        self.values[SR] |= RXNE

    def _load(self, now: int) -> None:
        """Move a waiting byte to the shift register when that is free."""
        if self._waiting is not None and self._sent_at == NEVER and self._sends:
            self._sending, self._waiting = self._waiting, None
            self._sent_at = now + self._byte
            self.values[SR] = self.values[SR] & ~TC | TXE

    def _finish(self, now: int) -> None:
        if self._connected("transmit"):
            self.sent.append(self._sending if self._understood else _garbage(self._sending))
        self._sent_at = NEVER
        self._load(now)
        if self._sent_at == NEVER:
            self.values[SR] |= TC


def _nanoseconds(baud: float) -> int:
    """How long a byte takes."""
    return int(BITS * 1e9 / baud)


def _garbage(byte: int) -> int:
    """What a receiver at another rate makes of a byte."""
    return (byte << 1 ^ byte >> 2 ^ 0x5A) & 0xFF
