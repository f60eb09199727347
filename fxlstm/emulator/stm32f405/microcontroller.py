"""The whole part: processor, memory, peripherals at their addresses, resets, and the passing of time between events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fxlstm.emulator.clock import VirtualClock
from fxlstm.emulator.stm32f405 import nvic as system
from fxlstm.emulator.stm32f405 import rcc as clocks
from fxlstm.emulator.stm32f405._processor import Timebase
from fxlstm.emulator.stm32f405.core import PRIVATE, CortexM4
from fxlstm.emulator.stm32f405.gpio import Gpio
from fxlstm.emulator.stm32f405.memory import Memory
from fxlstm.emulator.stm32f405.nvic import FIRST_INTERRUPT, Nvic
from fxlstm.emulator.stm32f405.peripheral import Peripheral
from fxlstm.emulator.stm32f405.rcc import Rcc
from fxlstm.emulator.stm32f405.spi import Spi
from fxlstm.emulator.stm32f405.system import DebugUnit, FlashInterface, Power, RandomNumbers
from fxlstm.emulator.stm32f405.systick import CycleCounter, SysTick
from fxlstm.emulator.stm32f405.timer import Timer, Watchdog
from fxlstm.emulator.stm32f405.usart import Usart
from fxlstm.emulator.stm32f405.wiring import Wiring

SLOT = 10  # bits of an address within the slot of one peripheral
SYSTEM_CONTROL = PRIVATE + 0xE000
SYSTICK = range(0x10, 0x20)  # offsets within it

Clocked = tuple[int, int] | None  # register and bit of RCC; None: always
Reached = tuple[Peripheral, int, int | None]  # offset, and the exception of its interrupt line


@dataclass(frozen=True)
class Slot:
    """A peripheral at an address."""

    name: str
    base: int
    peripheral: Peripheral
    clocked: Clocked
    interrupt: int | None = None


class Stm32f405:
    """A microcontroller in front of ``wiring``; ``line_baud`` is the rate of the host's serial port.

    ``report`` gets a sentence for what a real one would not do, or not bear. It starts with :meth:`power_on`.
    """

    def __init__(
        self,
        wiring: Wiring,
        crystal_hertz: int,
        line_baud: int,
        clock: VirtualClock,
        report: Callable[[str], None],
        serial: int = 1,
    ) -> None:
        self.memory = Memory(serial)
        self.core = CortexM4(self.memory, self._read, self._write)
        self.time = Timebase(clock, self.core.processor)
        self._report = report
        self._clocked_by_bus: list[Peripheral] = []
        self._reset_asked: int | None = None  # the flag of RCC's CSR that says why
        self.flash_interface = FlashInterface(report)
        self.rcc = Rcc(self.time, crystal_hertz, report, self._clocks_changed)
        self.nvic = self.core.nvic = Nvic(lambda: self._ask_for_reset(clocks.SOFTWARE))
        self.spi = Spi(self.time, lambda: self.rcc.apb2_hertz, wiring, report)
        self.usart = Usart(self.time, lambda: self.rcc.apb2_hertz, line_baud, wiring.serial_connected)
        self.gpio = {letter: Gpio(letter, wiring) for letter in "ABCDEFGHI"}
        self.systick = SysTick(self.time, lambda: self.rcc.hertz, lambda: self.nvic.pend(system.SYS_TICK))
        self._slots = self._layout()
        self._by_address = {slot.base >> SLOT: slot for slot in self._slots}
        self._exceptions = {slot.peripheral: FIRST_INTERRUPT + slot.interrupt for slot in self._slots if slot.interrupt is not None}
        self._clocked_by_bus = [self.systick, *self._exceptions]
        self._reached: dict[int, Reached] = {}  # what is clocked now, by address
        self._eventful: dict[Peripheral, int | None] = {}  # what may interrupt, and its exception
        wiring.settle = self._settle_spi
        wiring.is_alternate = lambda pin, function: self.gpio[pin[1]].is_alternate(int(pin[2:]), function)

    def _layout(self) -> list[Slot]:
        timer = lambda: self.rcc.apb1_timer_hertz  # noqa: E731
        apb1, apb2, ahb1 = clocks.APB1ENR, clocks.APB2ENR, clocks.AHB1ENR
        ports = [
            Slot(f"GPIO{letter}", 0x40020000 + 0x400 * index, port, (ahb1, index))
            for index, (letter, port) in enumerate(self.gpio.items())
        ]
        timers = [(2, 32, 28), (3, 16, 29), (4, 16, 30), (5, 32, 50), (6, 16, 54), (7, 16, 55)]
        return [
            Slot("USART1", 0x40011000, self.usart, (apb2, 4), 37),
            Slot("SPI1", 0x40013000, self.spi, (apb2, 12), 35),
            *(
                Slot(f"TIM{number}", 0x40000000 + 0x400 * (number - 2), Timer(self.time, timer, bits), (apb1, number - 2), line)
                for number, bits, line in timers
            ),
            *ports,
            Slot("RCC", 0x40023800, self.rcc, None),
            Slot("FLASH", 0x40023C00, self.flash_interface, None),
            Slot("PWR", 0x40007000, Power(), (apb1, 28)),
            Slot("IWDG", 0x40003000, Watchdog(self.time, lambda: self._ask_for_reset(clocks.WATCHDOG)), None),
            Slot("RNG", 0x50060800, RandomNumbers(), (clocks.AHB2ENR, 6)),
            Slot("DBGMCU", 0xE0042000, DebugUnit(), None),
            Slot("DWT", 0xE0001000, CycleCounter(self.time, lambda: self.rcc.hertz), None),
        ]

    # What happens to the whole part.

    def power_on(self) -> None:
        """Connect the supply: memory is lost, everything starts."""
        self.memory.forget()
        self._reset(clocks.POWER)

    def reset(self) -> None:
        """Pull the reset pin; the processor, which may be at work, notices before its next basic block."""
        self._ask_for_reset(clocks.PIN)

    def _ask_for_reset(self, flag: int) -> None:
        self._reset_asked = flag
        self.core.processor.attend()

    def _reset(self, flag: int) -> None:
        self._reset_asked = None
        self._reached.clear()
        self._eventful.clear()
        for slot in self._slots:
            if slot.peripheral is not self.rcc:
                slot.peripheral.reset()
        self.systick.reset()
        self.nvic.reset()
        self.rcc.reset(flag)
        self.core.reset()

    def _clocks_changed(self, hertz: int) -> None:
        self.time.set_hertz(hertz)
        self.flash_interface.check(hertz)
        for peripheral in self._clocked_by_bus:
            peripheral.retune()

    def fail_crystal(self) -> None:
        """The crystal stops for good."""
        self._settle()
        if self.rcc.fail_crystal():
            self.nvic.pend(system.NMI)

    def _settle_spi(self) -> None:
        """A chip select is about to move."""
        if self.spi.busy:
            self._report("SPI: a chip select moves amid a byte; wait until BSY is 0")

    # Time.

    def run(self, until: int, pause: Callable[[], bool] = lambda: False) -> None:
        """Let the processor work until a moment in nanoseconds, or until ``pause`` says so after an event."""
        while (now := self.time.now()) < until:
            moment = until
            for peripheral, exception in self._eventful.items():
                if peripheral.moment <= now:
                    peripheral.update()
                    if exception is not None:
                        self.nvic.set_line(exception, peripheral.interrupt)
                moment = min(moment, peripheral.moment)
            if self._reset_asked is not None:
                self._reset(self._reset_asked)
            elif pause():
                return
            else:
                self._go_on(moment)

    def _go_on(self, moment: int) -> None:
        """Execute up to the next event, or sleep."""
        masked = self.core.interrupt()
        if self.core.locked_up or (self.core.asleep and not self.nvic.waiting):
            self.time.sleep_until(moment)
            return
        limit = self.time.instructions_until(moment)
        self.core.run(self.instructions + 1 if masked else limit)  # after every block it may be masked no longer

    @property
    def asleep(self) -> bool:
        """Whether the processor waits for an interrupt that is not there."""
        return self.core.asleep and not self.nvic.waiting

    @property
    def instructions(self) -> int:
        """Instructions executed since the object was made."""
        return self.core.processor.instructions

    # Registers.

    def _find(self, address: int) -> Reached | None:
        """What stands at an address; nothing when there is none, or its clock is off."""
        if address & ~0xFFF == SYSTEM_CONTROL:
            offset = address & 0xFFC
            return (self.systick, offset - SYSTICK.start, None) if offset in SYSTICK else (self.nvic, offset, None)
        slot = self._by_address.get(address >> SLOT)
        if slot is None:
            self._report(f"0x{address:08x} is no register that the emulator knows")
        elif not self.rcc.is_clocked(slot.clocked):
            self._report(f"{slot.name} was used while its clock is off in RCC")
        else:
            return slot.peripheral, address - slot.base & ~3, self._exceptions.get(slot.peripheral)
        return None

    def _reach(self, address: int) -> Reached | None:
        found = self._reached.get(address) or self._find(address)
        if found is not None:
            self._reached[address] = found
        return found

    def _read(self, address: int, size: int) -> int:
        found = self._reach(address)
        if found is None:
            return 0
        peripheral, offset, exception = found
        value = peripheral.read(offset)
        if exception is not None:
            self.nvic.set_line(exception, peripheral.interrupt)
        return value if size == 4 else value >> 8 * (address & 3) & (1 << 8 * size) - 1

    def _write(self, address: int, value: int, size: int) -> None:
        found = self._reach(address)
        if found is None:
            return
        peripheral, offset, exception = found
        if size < 4:
            shift, mask = 8 * (address & 3), (1 << 8 * size) - 1
            value = peripheral.values.get(offset, 0) & ~(mask << shift) | (value & mask) << shift
        if peripheral is self.rcc:
            self._settle()
        peripheral.write(offset, value)
        if exception is not None:
            self.nvic.set_line(exception, peripheral.interrupt)
        if peripheral.may_interrupt:
            self._eventful[peripheral] = exception
            self.core.processor.attend()

    def _settle(self) -> None:
        """Clocks are about to change: what counts them catches up first."""
        self._reached.clear()
        for slot in self._slots:
            slot.peripheral.update()
        self.systick.update()
