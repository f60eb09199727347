"""The system timer of the core (ARMv7-M, section B3.3): 24 bits, counting down, and the cycle counter of the trace unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from fxlstm.emulator.stm32f405._processor import Timebase
from fxlstm.emulator.stm32f405.peripheral import NEVER, Peripheral, Values

CTRL, LOAD, VAL, CALIB = 0x0, 0x4, 0x8, 0xC
_ENABLE, _TICKINT, _CLKSOURCE, _COUNTFLAG = 1, 2, 4, 1 << 16
_SECOND = 1_000_000_000
DWT_CTRL, CYCCNT = 0x0, 0x4


class SysTick(Peripheral):
    """``hertz`` gives the processor's clock; ``tick`` is called when its exception is due."""

    RESET: ClassVar[Values] = {CTRL: 0, LOAD: 0, CALIB: 0x40004E20}
    WRITABLE: ClassVar[Values] = {CTRL: _ENABLE | _TICKINT | _CLKSOURCE, LOAD: 0xFFFFFF}

    def __init__(self, time: Timebase, hertz: Callable[[], int], tick: Callable[[], None]) -> None:
        self._time = time
        self._hertz = hertz
        self._tick = tick
        super().__init__()

    def reset(self) -> None:
        """Stop."""
        super().reset()
        self._stopped_at = 0  # the value while it stands
        self._zero_at = NEVER  # when it reaches zero while it runs

    def _nanoseconds(self, ticks: int) -> int:
        divider = 1 if self.values[CTRL] & _CLKSOURCE else 8
        return -(-ticks * divider * _SECOND // self._hertz())

    def _value(self) -> int:
        if self._zero_at == NEVER:
            return self._stopped_at
        divider = 1 if self.values[CTRL] & _CLKSOURCE else 8
        return (self._zero_at - self._time.now()) * self._hertz() // (divider * _SECOND)

    def read(self, offset: int) -> int:
        """VAL is as the time says; reading CTRL clears COUNTFLAG."""
        self.update()
        value = self._value() if offset == VAL else super().read(offset)
        if offset == CTRL:
            self.values[CTRL] = value & ~_COUNTFLAG
        return value

    def write(self, offset: int, value: int) -> None:
        """Any write to VAL sets it to zero; the next tick takes LOAD."""
        self.update()
        left = self._value()
        if offset == VAL:
            left = 0
            self.values[CTRL] &= ~_COUNTFLAG
        super().write(offset, value)
        self._run(left)
        self.may_interrupt = True

    def _run(self, left: int) -> None:
        """Go on from a value, or stand there."""
        running = self.values[CTRL] & _ENABLE and self.values[LOAD]
        self._stopped_at = left
        self._zero_at = self._time.now() + self._nanoseconds(left or self.values[LOAD] + 1) if running else NEVER
        self.moment = self._zero_at if self.values[CTRL] & _TICKINT else NEVER

    def retune(self) -> None:
        """The ticks that are left take another time."""
        self._run(self._stopped_at)

    def update(self) -> None:
        """Count up to now."""
        now = self._time.now()
        while self._zero_at <= now:
            self.values[CTRL] |= _COUNTFLAG
            if self.values[CTRL] & _TICKINT:
                self._tick()
            self._zero_at += self._nanoseconds(self.values[LOAD] + 1)
        self._stopped_at = self._value()
        self.moment = self._zero_at if self.values[CTRL] & _TICKINT else NEVER


class CycleCounter(Peripheral):
    """CYCCNT: cycles of the processor's clock, counted while it is enabled."""

    RESET: ClassVar[Values] = {DWT_CTRL: 0x40000000}
    WRITABLE: ClassVar[Values] = {DWT_CTRL: 1}

    def __init__(self, time: Timebase, hertz: Callable[[], int]) -> None:
        self._time = time
        self._hertz = hertz
        super().__init__()

    def reset(self) -> None:
        """Stop at zero."""
        super().reset()
        self._count = 0
        self._since = self._time.now()

    def read(self, offset: int) -> int:
        """CYCCNT is as the time says."""
        self.update()
        return self._count if offset == CYCCNT else super().read(offset)

    def write(self, offset: int, value: int) -> None:
        """CYCCNT can be set."""
        self.update()
        if offset == CYCCNT:
            self._count = value
        else:
            super().write(offset, value)

    def update(self) -> None:
        """Count up to now."""
        now, hertz = self._time.now(), self._hertz()
        cycles = (now - self._since) * hertz // _SECOND
        self._since += cycles * _SECOND // hertz
        if self.values[DWT_CTRL] & 1:
            self._count = self._count + cycles & 0xFFFFFFFF
