"""Exceptions of a Cortex-M4: which are pending, active, enabled, how urgent; the system control block (ARMv7-M, section B3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from fxlstm.emulator.stm32f405.peripheral import Peripheral, Values, field

RESET, NMI, HARD_FAULT, MEMORY_FAULT, BUS_FAULT, USAGE_FAULT = 1, 2, 3, 4, 5, 6
SV_CALL, PEND_SV, SYS_TICK, FIRST_INTERRUPT = 11, 14, 15, 16
INTERRUPTS = 82  # of an STM32F405
LOWEST = 256  # priority of the code that no exception runs

# Offsets from 0xE000E000.
ICTR, ISER, ICER, ISPR, ICPR, IABR, IPR = 0x004, 0x100, 0x180, 0x200, 0x280, 0x300, 0x400
CPUID, ICSR, VTOR, AIRCR, SCR, CCR, SHPR1, SHCSR = 0xD00, 0xD04, 0xD08, 0xD0C, 0xD10, 0xD14, 0xD18, 0xD24
CFSR, HFSR, DFSR, MMFAR, BFAR, AFSR, CPACR, STIR = 0xD28, 0xD2C, 0xD30, 0xD34, 0xD38, 0xD3C, 0xD88, 0xF00
_KEY_WRITE, _KEY_READ, _SYSRESETREQ = 0x05FA, 0xFA05, 1 << 2
_ENABLED_IN_SHCSR = {MEMORY_FAULT: 1 << 16, BUS_FAULT: 1 << 17, USAGE_FAULT: 1 << 18}
_FORCED = 1 << 30
_PRIORITY_BITS = 0xF0F0F0F0  # four of eight are there
_SETS = {ISER: "_enable", ISPR: "_pend"}
_CLEARS = {ICER: "_enable", ICPR: "_pend"}


class Nvic(Peripheral):
    """Nested vectored interrupt controller and system control block. ``request_reset`` is called by a write of SYSRESETREQ."""

    RESET: ClassVar[Values] = {CPUID: 0x410FC241, CCR: 0x200, ICTR: 2}
    WRITABLE: ClassVar[Values] = {
        VTOR: 0x3FFFFF80,
        SCR: 0x16,
        CCR: 0x31B,
        SHCSR: 0x7FFFF,
        MMFAR: 0xFFFFFFFF,
        BFAR: 0xFFFFFFFF,
        AFSR: 0xFFFFFFFF,
        CPACR: 0x00F00000,
        **dict.fromkeys(range(SHPR1, SHPR1 + 12, 4), _PRIORITY_BITS),
        **dict.fromkeys(range(IPR, IPR + 4 * -(-INTERRUPTS // 4), 4), _PRIORITY_BITS),
    }

    def __init__(self, request_reset: Callable[[], None]) -> None:
        self._request_reset = request_reset
        super().__init__()

    def reset(self) -> None:
        """Nothing is enabled, pending or active."""
        super().reset()
        self.may_interrupt = True
        self._enable = 0  # bit n: exception n; interrupt i is exception i + 16
        self._pend = 0
        self._lines = 0
        self.active: list[int] = []  # innermost last

    # Lines and pending exceptions.

    def set_line(self, exception: int, high: bool) -> None:
        """Level of the line of an interrupt; a high one becomes pending unless it is being served."""
        bit = 1 << exception
        self._lines = self._lines | bit if high else self._lines & ~bit
        if high and exception not in self.active:
            self._pend |= bit

    def pend(self, exception: int) -> None:
        """Make an exception pending."""
        self._pend |= 1 << exception

    @property
    def waiting(self) -> int:
        """Exceptions, as bits, that are pending and enabled, whatever their priorities."""
        return self._pend & (self._enable | (1 << FIRST_INTERRUPT) - 1)

    def next_exception(self, running: int) -> int | None:
        """The pending exception that may interrupt code of priority ``running``."""
        waiting = self.waiting
        if not waiting:
            return None
        if waiting & (waiting - 1):
            best = min(_numbers(waiting), key=lambda number: (self.priority(number), number))
        else:
            best = waiting.bit_length() - 1
        return best if self._group(self.priority(best)) < running else None

    def running_priority(self, primask: int, faultmask: int, basepri: int) -> int:
        """Priority, in its group, of the code that runs now."""
        running = min([self._group(self.priority(number)) for number in self.active], default=LOWEST)
        if basepri:
            running = min(running, self._group(basepri))
        if primask:
            running = min(running, 0)
        return min(running, -1) if faultmask else running

    def priority(self, exception: int) -> int:
        """Priority of an exception; lower is more urgent."""
        if exception <= HARD_FAULT:
            return exception - 4
        first, number = (SHPR1, exception - 4) if exception < FIRST_INTERRUPT else (IPR, exception - FIRST_INTERRUPT)
        return field(self.values.get(first + (number & ~3), 0), 8 * (number & 3), 8)

    def _group(self, priority: int) -> int:
        """The part of a priority that decides whether one exception interrupts another."""
        grouping = field(self.values.get(AIRCR, 0), 8, 3)
        return priority if priority < 0 else priority >> grouping + 1 << grouping + 1

    def enter(self, exception: int) -> None:
        """The exception is being served from now on."""
        self._pend &= ~(1 << exception)
        self.active.append(exception)

    def leave(self, exception: int) -> None:
        """It has been served; a line that is still high makes it pending again."""
        self.active.remove(exception)
        if self._lines >> exception & 1:
            self._pend |= 1 << exception

    # Faults.

    def escalated(self, fault: int, running: int) -> int:
        """The exception that a fault becomes: a hard fault when its own handler is off or not urgent enough."""
        enabled = self.values.get(SHCSR, 0) & _ENABLED_IN_SHCSR.get(fault, ~0)
        if fault != HARD_FAULT and (not enabled or self._group(self.priority(fault)) >= running):
            self.values[HFSR] = self.values.get(HFSR, 0) | _FORCED
            return HARD_FAULT
        return fault

    def record(self, register: int, bits: int, address: int | None = None) -> None:
        """Note in a fault status register why; ``address`` goes to BFAR."""
        self.values[register] = self.values.get(register, 0) | bits
        if address is not None:
            self.values[BFAR] = address

    # Registers.

    def read(self, offset: int) -> int:
        """Sets of interrupts come in words of 32."""
        block, place = offset & ~0x7F, offset & 0x1C
        if block in (ISER, ICER):
            return self._word(self._enable, place)
        if block in (ISPR, ICPR):
            return self._word(self._pend, place)
        if block == IABR:
            return self._word(sum(1 << number for number in self.active), place)
        if offset == ICSR:
            return self._control_and_state()
        if offset == AIRCR:
            return _KEY_READ << 16 | self.values.get(AIRCR, 0)
        return super().read(offset)

    @staticmethod
    def _word(exceptions: int, place: int) -> int:
        return exceptions >> FIRST_INTERRUPT >> 8 * place & 0xFFFFFFFF

    def write(self, offset: int, value: int) -> None:
        """Set and clear; AIRCR wants its key, fault status is cleared by ones."""
        block, bits = offset & ~0x7F, value << 8 * (offset & 0x1C) << FIRST_INTERRUPT
        if block in _SETS:
            setattr(self, _SETS[block], getattr(self, _SETS[block]) | bits & (1 << FIRST_INTERRUPT + INTERRUPTS) - 1)
        elif block in _CLEARS:
            setattr(self, _CLEARS[block], getattr(self, _CLEARS[block]) & ~bits)
        elif offset in (CFSR, HFSR, DFSR):
            self.values[offset] = self.values.get(offset, 0) & ~value
        elif offset == AIRCR:
            self._write_reset_control(value)
        elif offset == ICSR:
            self._write_pending(value)
        elif offset == STIR:
            self.pend(FIRST_INTERRUPT + (value & 0x1FF))
        else:
            super().write(offset, value)

    def _write_reset_control(self, value: int) -> None:
        if value >> 16 == _KEY_WRITE:
            self.values[AIRCR] = value & 0x700
            if value & _SYSRESETREQ:
                self._request_reset()

    def _write_pending(self, value: int) -> None:
        for number, setting, clearing in ((NMI, 31, None), (PEND_SV, 28, 27), (SYS_TICK, 26, 25)):
            if value >> setting & 1:
                self.pend(number)
            elif clearing is not None and value >> clearing & 1:
                self._pend &= ~(1 << number)

    def _control_and_state(self) -> int:
        waiting = self.waiting
        next_pending = min(_numbers(waiting), key=self.priority, default=0)
        running = self.active[-1] if self.active else 0
        flags = (self._pend >> NMI & 1) << 31 | (self._pend >> PEND_SV & 1) << 28 | (self._pend >> SYS_TICK & 1) << 26
        interrupts = bool(waiting >> FIRST_INTERRUPT) << 22
        return flags | interrupts | next_pending << 12 | (len(self.active) <= 1) << 11 | running


def _numbers(bits: int) -> list[int]:
    """The bits that are set."""
    numbers = []
    while bits:
        numbers.append((bits & -bits).bit_length() - 1)
        bits &= bits - 1
    return numbers
