"""A general-purpose timer counting up, RM0090 section 18, and the independent watchdog, section 21."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from fxlstm.emulator.stm32f405._processor import Timebase
from fxlstm.emulator.stm32f405.peripheral import NEVER, Peripheral, Values

CR1, DIER, SR, EGR, CNT, PSC, ARR = 0x00, 0x0C, 0x10, 0x14, 0x24, 0x28, 0x2C
_CEN, _UDIS, _URS, _OPM = 1, 2, 4, 8
_UIF = _UIE = _UG = 1
_SECOND = 1_000_000_000

KR, PR, RLR, WATCHDOG_SR = 0x00, 0x04, 0x08, 0x0C
LSI_HERTZ = 32_000  # typical; the datasheet allows 17 to 47 kHz
_UNLOCK, _RELOAD, _START = 0x5555, 0xAAAA, 0xCCCC


class Timer(Peripheral):
    """A timer of ``bits``; ``hertz`` gives its clock. A new prescaler counts from the next update on, as in the real one."""

    def __init__(self, time: Timebase, hertz: Callable[[], int], bits: int) -> None:
        self._time = time
        self._hertz = hertz
        self._most = (1 << bits) - 1
        super().__init__(
            {CR1: 0, DIER: 0, SR: 0, PSC: 0, ARR: self._most}, {CR1: 0x3FF, DIER: 0x5F5F, PSC: 0xFFFF, ARR: self._most}
        )

    def reset(self) -> None:
        """Stop at zero."""
        super().reset()
        self._prescaler = 0  # in force
        self._count = 0
        self._since = self._time.now()  # when the counter stood at _count

    def read(self, offset: int) -> int:
        """CNT is as the time says."""
        self.update()
        return self._count if offset == CNT else super().read(offset)

    def write(self, offset: int, value: int) -> None:
        """Set up the timer; UG starts anew."""
        self.update()
        if offset == CNT:
            self._count, self._since = value & self._most, self._time.now()
        elif offset == SR:
            self.values[SR] = self.values[SR] & value
        elif offset == EGR:
            self._generate(value)
        else:
            super().write(offset, value)
            if offset == CR1:
                self._since = self._time.now()
        self._settle()

    def _generate(self, value: int) -> None:
        if value & _UG and not self.values[CR1] & _UDIS:
            self._count, self._since, self._prescaler = 0, self._time.now(), self.values[PSC]
            if not self.values[CR1] & _URS:
                self.values[SR] = self.values[SR] | _UIF

    def _settle(self) -> None:
        """The interrupt line, and the next update when an interrupt waits for it."""
        wanted = self.values[DIER] & _UIE
        self.may_interrupt = bool(wanted) or self.may_interrupt
        self.interrupt = bool(wanted and self.values[SR] & _UIF)
        if wanted and self.values[CR1] & _CEN:
            ticks = (self.values[ARR] + 1 - self._count) * (self._prescaler + 1)
            self.moment = self._since + -(-ticks * _SECOND // self._hertz())
        else:
            self.moment = NEVER

    def retune(self) -> None:
        """The ticks that are left take another time."""
        self._settle()

    def update(self) -> None:
        """Count up to now; an overflow sets UIF and takes the new prescaler."""
        now = self._time.now()
        if not self.values[CR1] & _CEN:
            self._since = now
            return
        step = self._prescaler + 1
        ticks = (now - self._since) * self._hertz() // (step * _SECOND)
        self._since += ticks * step * _SECOND // self._hertz()
        overflows, self._count = divmod(self._count + ticks, self.values[ARR] + 1)
        if overflows:
            self._overflow()
            self._settle()

    def _overflow(self) -> None:
        self._prescaler = self.values[PSC]
        self.values[SR] = self.values[SR] | _UIF
        if self.values[CR1] & _OPM:
            self.values[CR1] &= ~_CEN
            self._count = 0


class Watchdog(Peripheral):
    """Resets the microcontroller by ``expire`` unless it is reloaded in time; once started it cannot be stopped."""

    RESET: ClassVar[Values] = {PR: 0, RLR: 0xFFF}

    def __init__(self, time: Timebase, expire: Callable[[], None]) -> None:
        self._time = time
        self._expire = expire
        super().__init__()

    def reset(self) -> None:
        """Only a reset stops the watchdog."""
        super().reset()
        self._unlocked = False
        self._period = self._nanoseconds()

    def write(self, offset: int, value: int) -> None:
        """KR takes the keys; PR and RLR only after the unlocking one."""
        if offset == KR:
            self._unlocked = value & 0xFFFF == _UNLOCK
            self.may_interrupt = value & 0xFFFF == _START
            if value & 0xFFFF == _START or (value & 0xFFFF == _RELOAD and self.moment != NEVER):
                self.moment = self._time.now() + self._period
        elif offset in (PR, RLR) and self._unlocked:
            self.values[offset] = value & (7 if offset == PR else 0xFFF)
            self._period = self._nanoseconds()

    def _nanoseconds(self) -> int:
        """From a reload to the reset."""
        return (self.values[RLR] + 1) * (4 << min(self.values[PR], 6)) * _SECOND // LSI_HERTZ

    def update(self) -> None:
        """Reset if the time is over."""
        if self._time.now() >= self.moment:
            self._expire()
