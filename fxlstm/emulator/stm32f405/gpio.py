"""A port of sixteen general-purpose pins, RM0090 section 8. A pin drives its net only as an output."""

from __future__ import annotations

from typing import ClassVar, Protocol

from fxlstm.emulator.stm32f405.peripheral import Peripheral, Values, field

MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFRL, AFRH = range(0x00, 0x28, 4)
_INPUT, _OUTPUT, _ALTERNATE = 0, 1, 2
_PULL_UP = 1


class Nets(Protocol):
    """What the pins are soldered to."""

    def drive(self, pin: str, high: bool | None) -> None:
        """The microcontroller drives a net to a level, or has let it go (``None``)."""

    def level(self, pin: str) -> bool | None:
        """Level of a net that something else drives; ``None`` when nothing does."""


class Gpio(Peripheral):
    """Port ``letter``."""

    WRITABLE: ClassVar[Values] = {
        **dict.fromkeys((MODER, OSPEEDR, PUPDR, AFRL, AFRH), 0xFFFFFFFF),
        **dict.fromkeys((OTYPER, ODR), 0xFFFF),
    }

    def __init__(self, letter: str, nets: Nets) -> None:
        self.letter = letter
        self._nets = nets
        self._driven: list[bool | None] = [None] * 16
        debugger = {"A": (0xA8000000, 0x0C000000, 0x64000000), "B": (0x00000280, 0x000000C0, 0x00000100)}
        super().__init__(after_reset=dict(zip((MODER, OSPEEDR, PUPDR), debugger.get(letter, (0, 0, 0)), strict=True)))

    def reset(self) -> None:
        """All pins become inputs."""
        super().reset()
        self._follow(range(16))

    def read(self, offset: int) -> int:
        """IDR is what stands on the pins."""
        if offset == IDR:
            return sum(1 << number for number in range(16) if self._level(number))
        return 0 if offset == BSRR else super().read(offset)

    def write(self, offset: int, value: int) -> None:
        """Set modes and levels; BSRR sets and resets bits of ODR, setting wins."""
        if offset == BSRR:
            before = self.values.get(ODR, 0)
            after = before & ~(value >> 16) | value & 0xFFFF
            self.values[ODR] = after
            self._follow([number for number in range(16) if (before ^ after) >> number & 1])
        else:
            super().write(offset, value)
            if offset in (MODER, OTYPER, ODR):
                self._follow(range(16))

    def is_alternate(self, number: int, function: int) -> bool:
        """Whether a pin is connected to that alternate function."""
        selected = field(self.values.get(AFRL if number < 8 else AFRH, 0), 4 * (number % 8), 4)
        return self._mode(number) == _ALTERNATE and selected == function

    def _mode(self, number: int) -> int:
        return field(self.values.get(MODER, 0), 2 * number, 2)

    def _output(self, number: int) -> bool | None:
        """What the pin drives: an open drain only pulls low."""
        high = bool(self.values.get(ODR, 0) >> number & 1)
        if self._mode(number) != _OUTPUT or (high and self.values.get(OTYPER, 0) >> number & 1):
            return None
        return high

    def _follow(self, numbers: range | list[int]) -> None:
        for number in numbers:
            level = self._output(number)
            if level != self._driven[number]:
                self._driven[number] = level
                self._nets.drive(f"P{self.letter}{number}", level)

    def _level(self, number: int) -> bool:
        if self._driven[number] is not None:
            return bool(self._driven[number])
        level = self._nets.level(f"P{self.letter}{number}")
        return field(self.values.get(PUPDR, 0), 2 * number, 2) == _PULL_UP if level is None else level
