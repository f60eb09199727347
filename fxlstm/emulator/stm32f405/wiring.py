"""What the pins of the microcontroller are soldered to, as the board file says: chips, lines, the serial port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fxlstm.emulator.bus import Bus
from fxlstm.program.hardware import converter_sections

SPI_FUNCTION, USART_FUNCTION = 5, 7  # alternate functions of SPI1 and USART1; datasheet, table 9


class Wiring:
    """Pins by name, such as ``PA9``; ``board`` is the board file. ``settle`` is called before a chip select moves.

    A chip clocked in another mode than its own, or faster than it bears, understands nothing and gives ones.
    """

    def __init__(self, bus: Bus, board: dict[str, Any], report: Callable[[str], None]) -> None:
        self._bus = bus
        self._report = report
        pins = board["microcontroller"]
        self._lines = dict(zip(pins["line_pins"], board["pins"].values(), strict=True))
        self._inputs = {pin for pin, line in self._lines.items() if line == board["pins"]["busy"]}
        self._selects = {pin: chip for chip, pin in enumerate(pins["select_pins"])}
        self._bears = [(board[section]["spi_mode"], board[section]["spi_hertz"]) for section in converter_sections(board)]
        self._clock, self._data_in, self._data_out = pins["spi_pins"]
        self._serial = dict(zip(("transmit", "receive"), pins["serial_pins"], strict=True))
        self._selected: list[int] = []
        self.settle: Callable[[], None] = lambda: None
        self.is_alternate: Callable[[str, int], bool] = lambda pin, function: False

    def drive(self, pin: str, high: bool | None) -> None:
        """The microcontroller drives a pin to a level, or has let it go."""
        if pin in self._selects:
            self.settle()
            chip, low = self._selects[pin], None if high is None else not high
            self._selected = [each for each in self._selected if each != chip] + [chip] * bool(low)
            self._bus.select(chip, low)
        elif pin in self._lines:
            if pin not in self._inputs:
                self._bus.drive(self._lines[pin], high)
            elif high is not None:
                self._report(f"GPIO: {pin} is driven against the output of the converters; make it an input")

    def level(self, pin: str) -> bool | None:
        """Level of a pin that the board drives."""
        return self._bus.level(self._lines[pin]) if pin in self._inputs else None

    def serial_connected(self, end: str) -> bool:
        """Whether the serial port's ``transmit`` or ``receive`` pin is switched through."""
        return self.is_alternate(self._serial[end], USART_FUNCTION)

    def shift(self, byte: int, mode: int, hertz: float) -> int:
        """Clock eight bits through the selected chips; pins that are not switched through carry nothing."""
        if not self.is_alternate(self._clock, SPI_FUNCTION) or not self._understood(mode, hertz):
            return 0xFF
        sent = byte if self.is_alternate(self._data_out, SPI_FUNCTION) else 0
        answer = self._bus.shift(sent)
        return answer if self.is_alternate(self._data_in, SPI_FUNCTION) else 0

    def _understood(self, mode: int, hertz: float) -> bool:
        for chip in self._selected:
            expected, most = self._bears[chip]
            if mode != expected or hertz > most:
                self._report(
                    f"SPI: chip {chip} is clocked at {hertz:g} Hz in mode {mode}; it wants mode {expected}, {most:g} Hz at most"
                )
                return False
        return True
