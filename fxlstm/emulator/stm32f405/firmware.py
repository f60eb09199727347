"""The firmware's ELF file on the emulated microcontroller, to be used where :class:`HostFirmware` is."""

from __future__ import annotations

import os
from typing import Any

from fxlstm.emulator.bus import Bus
from fxlstm.emulator.faults import ChipFaults
from fxlstm.emulator.stm32f405.memory import read_elf
from fxlstm.emulator.stm32f405.microcontroller import Stm32f405
from fxlstm.emulator.stm32f405.wiring import Wiring

SLICE = 1_000_000  # nanoseconds that one poll lets pass at most
LONGEST_REST = 20_000_000  # a board that is served in real time, on a slow computer, falls behind and does not hang
LINE_BUFFER = 65536  # bytes of a host's serial adapter


class CortexFirmware:
    """``elf`` runs on an STM32F405 wired to ``bus`` as ``board``, the board file, says."""

    def __init__(
        self, bus: Bus, board: dict[str, Any], elf: str | os.PathLike[str], faults: ChipFaults | None = None, serial: int = 1
    ) -> None:
        faults = faults or ChipFaults()
        self._bus = bus
        crystal = 0 if faults.dead_crystal else round(board["microcontroller"]["crystal_hertz"] * (1 + faults.crystal_error))
        baud = board["microcontroller"]["serial_baud"]
        wiring = Wiring(bus, board, bus.report)
        self.microcontroller = Stm32f405(wiring, crystal, baud, bus.clock, bus.report, serial)
        self.microcontroller.memory.load(read_elf(elf))
        self.microcontroller.power_on()

    @property
    def instructions(self) -> int:
        """Instructions executed since the emulator was made."""
        return self.microcontroller.instructions

    def reset(self, reason: int = 0) -> None:
        """Take the power away for a moment (reason 0) or pull the reset pin; bytes on the line keep coming."""
        if reason:
            self.microcontroller.reset()
        else:
            self.microcontroller.power_on()

    def feed(self, data: bytes | bytearray) -> int:
        """Put bytes on the line to the microcontroller; return how many the adapter's buffer took."""
        usart = self.microcontroller.usart
        taken = bytes(data[: LINE_BUFFER - usart.coming])
        usart.feed(taken)
        return len(taken)

    def take(self) -> bytes:
        """Return the bytes that have come from the microcontroller."""
        usart = self.microcontroller.usart
        data = bytes(usart.sent)
        usart.sent.clear()
        return data

    def poll(self) -> bool:
        """Let the microcontroller work for a slice of time, less if it has said something; return whether it may go on at once."""
        self.rest(SLICE)
        return not self.microcontroller.asleep

    def rest(self, nanoseconds: int) -> None:
        """Let time pass, at most :data:`LONGEST_REST`, until the microcontroller has said something."""
        usart = self.microcontroller.usart
        until = self._bus.clock.now() + min(nanoseconds, LONGEST_REST)
        self.microcontroller.run(until, lambda: bool(usart.sent) and not (usart.sending or usart.coming))
