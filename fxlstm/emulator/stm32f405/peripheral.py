"""What all peripherals share: registers of 32 bits, an interrupt line, the moment at which something happens by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

NEVER = 1 << 62  # nanoseconds

Values = Mapping[int, int]  # by the offset of the register


class Peripheral:
    """A block of registers: their values after a reset, and the bits that software may change, of the class or of this one.

    ``interrupt`` is the level of its interrupt line; ``moment``, in nanoseconds, when :meth:`update` may next change that without a
    register being used; ``may_interrupt`` is set once either can happen. All times are those of the time base.
    """

    RESET: ClassVar[Values] = {}
    WRITABLE: ClassVar[Values] = {}

    def __init__(self, after_reset: Values | None = None, writable: Values | None = None) -> None:
        self._after_reset = self.RESET if after_reset is None else after_reset
        self._writable = self.WRITABLE if writable is None else writable
        self.values: dict[int, int] = {}
        self.reset()

    def reset(self) -> None:
        """Return every register to its value after a reset."""
        self.values = dict(self._after_reset)
        self.interrupt = False
        self.moment = NEVER
        self.may_interrupt = False

    def read(self, offset: int) -> int:
        """Read the register at a byte offset that is a multiple of four."""
        return self.values.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Write a register; bits that software may not change stay."""
        mask = self._writable.get(offset, 0)
        self.values[offset] = self.values.get(offset, 0) & ~mask | value & mask

    def update(self) -> None:
        """Catch up with the time."""

    def retune(self) -> None:
        """The clock of the bus has changed."""


def field(value: int, first: int, width: int) -> int:
    """The bits ``first`` to ``first + width - 1`` of a register."""
    return value >> first & (1 << width) - 1
