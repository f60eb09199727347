"""Small blocks: flash interface, power controller, random number generator, debug unit (RM0090, sections 3, 5, 24, 38)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import ClassVar

from fxlstm.emulator.stm32f405.peripheral import Peripheral, Values, field

ACR, PWR_CR, PWR_CSR = 0x00, 0x00, 0x04
RNG_CR, RNG_SR, RNG_DR = 0x00, 0x04, 0x08
IDCODE, APB1_FZ = 0x00, 0x08
HERTZ_PER_WAIT_STATE = 30_000_000  # at 2.7 V to 3.6 V; RM0090 table 10


class FlashInterface(Peripheral):
    """Wait states and caches; programming the flash is not modelled."""

    WRITABLE: ClassVar[Values] = {ACR: 0x0F1F07}

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        super().__init__()

    def check(self, hertz: int) -> None:
        """Report too few wait states for the processor's clock."""
        latency = field(self.values.get(ACR, 0), 0, 3)
        if hertz > HERTZ_PER_WAIT_STATE * (latency + 1):
            self._report(f"FLASH: {latency} wait states at {hertz} Hz; raise the latency before the clock")


class Power(Peripheral):
    """The regulator, always ready."""

    RESET: ClassVar[Values] = {PWR_CR: 0x4000}
    WRITABLE: ClassVar[Values] = {PWR_CR: 0x43FF}

    def read(self, offset: int) -> int:
        """The regulator's output is ready at once."""
        return 1 << 14 if offset == PWR_CSR else super().read(offset)


class RandomNumbers(Peripheral):
    """A generator; with a seed it always gives the same numbers."""

    WRITABLE: ClassVar[Values] = {RNG_CR: 0xC}

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        super().__init__()

    def read(self, offset: int) -> int:
        """A new number at every read of DR while the generator is on."""
        enabled = bool(self.values.get(RNG_CR, 0) & 4)
        if offset == RNG_DR:
            return self._random.getrandbits(32) if enabled else 0
        return int(enabled) if offset == RNG_SR else super().read(offset)


class DebugUnit(Peripheral):
    """Who the part is, and what stops while a debugger holds it; none ever does."""

    RESET: ClassVar[Values] = {IDCODE: 0x100F6413}
    WRITABLE: ClassVar[Values] = {0x04: 0xE7, APB1_FZ: 0x06E01DFF, 0x0C: 0x00070003}
