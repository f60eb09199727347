"""A serial peripheral interface as master, RM0090 section 28: full duplex, two lines, selects by general-purpose pins.

There is one register in front of the shift register: a value written while TXE is 0 replaces the one that waits; a value that
arrives while RXNE is 1 is lost and sets OVR. While SPE is 0 nothing moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol

from fxlstm.emulator.stm32f405._processor import Timebase
from fxlstm.emulator.stm32f405.peripheral import NEVER, Peripheral, Values, field

CR1, CR2, SR, DR, CRCPR = 0x00, 0x04, 0x08, 0x0C, 0x10
RXNE, TXE, MODF, OVR, BSY = (1 << bit for bit in (0, 1, 5, 6, 7))
_CPHA, _CPOL, _MSTR, _SPE, _LSBFIRST, _SSI, _SSM, _RXONLY, _DFF, _CRCEN, _BIDIMODE = (
    1 << bit for bit in (0, 1, 2, 6, 7, 8, 9, 10, 11, 13, 15)
)
_RUNS = _SPE | _MSTR
_SSOE, _RXNEIE, _TXEIE = 1 << 2, 1 << 6, 1 << 7  # of CR2


class Wires(Protocol):
    """The bus behind the pins."""

    def shift(self, byte: int, mode: int, hertz: float) -> int:
        """Clock eight bits to the chips that are selected and return what comes back."""


class Spi(Peripheral):
    """``hertz`` gives the clock of its bus."""

    RESET: ClassVar[Values] = {CR1: 0, CR2: 0, SR: TXE, CRCPR: 7}
    WRITABLE: ClassVar[Values] = {CR1: 0xFFFF, CR2: 0xF7, CRCPR: 0xFFFF}

    def __init__(self, time: Timebase, hertz: Callable[[], int], wires: Wires, report: Callable[[str], None]) -> None:
        self._time = time
        self._hertz = hertz
        self._wires = wires
        self._report = report
        super().__init__()

    def reset(self) -> None:
        """Stop at once."""
        super().reset()
        self._received = 0
        self._waiting: int | None = None
        self._shifting = 0  # the value that is being shifted ...
        self._done_at = NEVER  # ... until then
        self._read_after_overrun = False

    def read(self, offset: int) -> int:
        """Reading DR takes the value received; OVR is cleared by reading DR, then SR."""
        self.update()
        status = self.values[SR]
        if offset == SR:
            if self._read_after_overrun:
                self.values[SR], self._read_after_overrun = status & ~OVR, False
            return status | (BSY if self._done_at != NEVER else 0)
        if offset == DR:
            self._read_after_overrun = bool(status & OVR)
            self.values[SR] = status & ~RXNE
            self._settle()
            return self._received
        return super().read(offset)

    def write(self, offset: int, value: int) -> None:
        """Set up the interface, or send a value."""
        self.update()
        if offset == DR:
            self._waiting = value & (0xFFFF if self._is(_DFF) else 0xFF)
            self.values[SR] &= ~TXE
        else:
            super().write(offset, value)
            self.may_interrupt = bool(self.values[CR2] & (_RXNEIE | _TXEIE)) or self.may_interrupt
            if offset == CR1:
                self._check_control()
        self._load(self._time.now())
        self._settle()

    def _is(self, bit: int) -> bool:
        return bool(self.values[CR1] & bit)

    def _check_control(self) -> None:
        """A master whose select line is low sees another master, and stops; a master that is switched off stops amid a byte."""
        driven_low = self._is(_SSM) and not self._is(_SSI)
        floating = not self._is(_SSM) and not self.values[CR2] & _SSOE
        if self._is(_MSTR) and self._is(_SPE) and (driven_low or floating):
            self.values[CR1] &= ~(_MSTR | _SPE)
            self.values[SR] |= MODF
        if not self._is(_SPE) and self._done_at != NEVER:
            self._report("SPI: switched off amid a byte; wait until BSY is 0")
            self._done_at = NEVER
        if self._is(_SPE) and self.values[CR1] & (_RXONLY | _CRCEN | _BIDIMODE):
            self._report("SPI: receive-only, one-line and CRC modes are not what this board uses")

    def _settle(self) -> None:
        """The interrupt line, and the end of the value being shifted when an interrupt waits for it."""
        enabled, status = self.values[CR2], self.values[SR]
        self.interrupt = bool((enabled & _RXNEIE and status & RXNE) or (enabled & _TXEIE and status & TXE))
        self.moment = self._done_at if enabled & (_RXNEIE | _TXEIE) else NEVER

    @property
    def busy(self) -> bool:
        """Whether a value is being shifted."""
        self.update()
        return self._done_at != NEVER

    def update(self) -> None:
        """Shift up to now."""
        now = self._time.now()
        while self._done_at <= now:
            done, self._done_at = self._done_at, NEVER
            self._finish(self._shifting)
            self._load(done)
            self._settle()

    def _bit_hertz(self) -> float:
        return self._hertz() / (2 << field(self.values[CR1], 3, 3))

    def _load(self, now: int) -> None:
        if self._waiting is not None and self._done_at == NEVER and self.values[CR1] & _RUNS == _RUNS:
            self._shifting, self._waiting = self._waiting, None
            self._done_at = now + int((16 if self._is(_DFF) else 8) * 1e9 / self._bit_hertz())
            self.values[SR] |= TXE

    def _finish(self, value: int) -> None:
        answer = self._exchange(value)
        if self.values[SR] & RXNE:
            self.values[SR] |= OVR
        else:
            self._received = answer
            self.values[SR] |= RXNE

    def _exchange(self, value: int) -> int:
        """Shift one value of eight or sixteen bits through the selected chips."""
        size = 2 if self._is(_DFF) else 1
        mode, hertz = self.values[CR1] & (_CPHA | _CPOL), self._bit_hertz()
        if self._is(_LSBFIRST):
            value = _reversed(value, size)
        answer = bytes(self._wires.shift(byte, mode, hertz) for byte in value.to_bytes(size, "big"))
        received = int.from_bytes(answer, "big")
        return _reversed(received, size) if self._is(_LSBFIRST) else received


def _reversed(value: int, size: int) -> int:
    """The bits of a value of so many bytes, the last one first."""
    return int(f"{value:0{8 * size}b}"[::-1], 2)
