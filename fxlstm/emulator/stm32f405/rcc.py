"""Reset and clock control, RM0090 section 7: oscillators, PLL, bus clocks, which peripherals are clocked, why there was a reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from fxlstm.emulator.stm32f405._processor import Timebase
from fxlstm.emulator.stm32f405.peripheral import Peripheral, Values, field

CR, PLLCFGR, CFGR, CIR, CSR = 0x00, 0x04, 0x08, 0x0C, 0x74
AHB1ENR, AHB2ENR, AHB3ENR, APB1ENR, APB2ENR = 0x30, 0x34, 0x38, 0x40, 0x44
HSI_HERTZ = 16_000_000
CRYSTAL_START, PLL_LOCK, HSI_START = 2_000_000, 200_000, 4_000  # nanoseconds; datasheet, typical or longest
CRYSTAL_MARGIN = 1.04  # a crystal that is off is no fault of the firmware
PIN, POWER, SOFTWARE, WATCHDOG = 1 << 26, 1 << 27 | 1 << 25, 1 << 28, 1 << 29  # flags of CSR; every reset pulls the pin

_HSI, _HSE, _PLL = 0, 16, 24  # bits that switch them on; the next one says that it is ready
_START = {_HSI: HSI_START, _HSE: CRYSTAL_START, _PLL: PLL_LOCK}
_SOURCES = {0: _HSI, 1: _HSE, 2: _PLL}
_SWITCHES = 0x010D00F9  # of CR: oscillators, crystal bypass and security, trimming
_CSSON, _CSSF = 1 << 19, 1 << 7
_AHB_SHIFT = (0,) * 8 + (1, 2, 3, 4, 6, 7, 8, 9)
_APB_SHIFT = (0,) * 4 + (1, 2, 3, 4)


class Rcc(Peripheral):
    """``crystal_hertz``: what is soldered; 0 if it does not oscillate. ``changed`` gets the processor's clock, whenever set."""

    RESET: ClassVar[Values] = {CR: 0x83, PLLCFGR: 0x24003010, AHB1ENR: 0x00100000, CSR: 0}
    WRITABLE: ClassVar[Values] = {
        CR: _SWITCHES,
        PLLCFGR: 0x0F437FFF,
        CFGR: 0xFFFFFFF3,
        CIR: 0x00003F00,
        AHB1ENR: 0x7E7411FF,
        AHB2ENR: 0xF1,
        AHB3ENR: 0x1,
        APB1ENR: 0x36FEC9FF,
        APB2ENR: 0x00075F33,
    }

    def __init__(self, time: Timebase, crystal_hertz: int, report: Callable[[str], None], changed: Callable[[int], None]) -> None:
        self._time = time
        self.crystal_hertz = crystal_hertz
        self._report = report
        self._changed = changed
        self._ready_at: dict[int, int | None] = {}
        self._flags = POWER
        super().__init__()

    def reset(self, flag: int = 0) -> None:
        """Run from the internal oscillator again; ``flag`` is added to the reasons of CSR."""
        super().reset()
        self._flags = flag | PIN | (0 if flag == POWER else self._flags)
        self._ready_at = {_HSI: 0, _HSE: None, _PLL: None}
        self._system = _HSI
        self._security_event = False
        self._follow()

    def read(self, offset: int) -> int:
        """Ready bits and the clock in force are as the time says."""
        self.update()
        value = super().read(offset)
        if offset == CR:
            return value | sum(1 << bit + 1 for bit in _START if self._ready(bit))
        if offset == CFGR:
            return value | next(code for code, bit in _SOURCES.items() if bit == self._system) << 2
        if offset == CIR:
            return value | (_CSSF if self._security_event else 0)
        return self._flags if offset == CSR else value

    def write(self, offset: int, value: int) -> None:
        """Switch oscillators and clocks."""
        self.update()
        if offset == CR:
            self._switch(value)
        elif offset == PLLCFGR and self.values[CR] >> _PLL & 1:
            return  # only while the PLL is off
        elif offset == CSR and value >> 24 & 1:
            self._flags = 0
        elif offset == CIR and value >> 23 & 1:
            self._security_event = False
        super().write(offset, value)
        self._take_clock()
        self._follow()

    def _switch(self, value: int) -> None:
        now = self._time.now()
        for bit, start in _START.items():
            on, was = value >> bit & 1, self.values[CR] >> bit & 1
            if on and not was:
                self._ready_at[bit] = now + start
            elif was and not on and self._ready_at[bit] is not None:
                self._ready_at[bit] = None
                if bit == self._system:
                    self._report("RCC: the oscillator in use was switched off")

    def _ready(self, bit: int) -> bool:
        at = self._ready_at[bit]
        if at is None or self._time.now() < at or (bit == _HSE and not self.crystal_hertz):
            return False
        return bit != _PLL or self._pll_hertz() > 0

    def _pll_hertz(self) -> int:
        """Output of the PLL; 0 when it cannot lock: input of 1 to 2 MHz, oscillator of 100 to 432 MHz."""
        setting = self.values[PLLCFGR]
        source = _HSE if setting >> 22 & 1 else _HSI
        divisor = field(setting, 0, 6)
        if not self._ready(source) or divisor < 2:
            return 0
        entering = self._hertz_of(source) / divisor
        oscillator = entering * field(setting, 6, 9)
        if not (0.95e6 <= entering <= 2.1e6 and 100e6 <= oscillator <= 432e6):
            return 0
        return round(oscillator / (2 * field(setting, 16, 2) + 2))

    def _hertz_of(self, source: int) -> int:
        if source == _PLL:
            return self._pll_hertz()
        return HSI_HERTZ if source == _HSI else self.crystal_hertz

    def update(self) -> None:
        """Take the clock asked for once its oscillator is ready."""
        if self._take_clock():
            self._follow()

    def _take_clock(self) -> bool:
        before = self._system
        wanted = _SOURCES.get(field(self.values.get(CFGR, 0), 0, 2), before)
        if wanted != before and self._ready(wanted):
            self._system = wanted
        return self._system != before

    def fail_crystal(self) -> bool:
        """The crystal stops; return whether the clock security system, if it is on, raises the non-maskable interrupt."""
        uses_crystal = self._system == _HSE or (self._system == _PLL and self.values[PLLCFGR] >> 22 & 1)
        self.crystal_hertz = 0
        self._security_event = bool(self.values[CR] & _CSSON)
        if uses_crystal:
            self.values[CR] &= ~(1 << _PLL | 1 << _HSE)
            self._ready_at[_PLL] = self._ready_at[_HSE] = None
            self.values[CFGR] = self.values.get(CFGR, 0) & ~3
            self._system = _HSI
            self._follow()
        return self._security_event

    def _follow(self) -> None:
        """Work out all clocks."""
        prescalers = self.values.get(CFGR, 0)
        source = self._hertz_of(self._system) or HSI_HERTZ
        self.hertz = source >> _AHB_SHIFT[field(prescalers, 4, 4)]
        first, second = _APB_SHIFT[field(prescalers, 10, 3)], _APB_SHIFT[field(prescalers, 13, 3)]
        self.apb1_hertz, self.apb2_hertz = self.hertz >> first, self.hertz >> second
        self.apb1_timer_hertz = self.apb1_hertz * (2 if first else 1)
        self.apb2_timer_hertz = self.apb2_hertz * (2 if second else 1)
        self._check_limits()
        self._changed(self.hertz)

    def _check_limits(self) -> None:
        for name, hertz, most in (("AHB", self.hertz, 168), ("APB1", self.apb1_hertz, 42), ("APB2", self.apb2_hertz, 84)):
            if hertz > most * 1_000_000 * CRYSTAL_MARGIN:
                self._report(f"RCC: {name} runs at {hertz} Hz; the STM32F405 bears {most} MHz")

    def is_clocked(self, enable: tuple[int, int] | None) -> bool:
        """Whether the clock of a peripheral, given by register and bit, is on."""
        return enable is None or bool(self.values.get(enable[0], 0) >> enable[1] & 1)
