"""What the firmware of an emulated board runs on: this process, or an emulated microcontroller with its program memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from fxlstm.emulator._firmware import HostFirmware
from fxlstm.emulator.bus import Bus
from fxlstm.emulator.faults import ChipFaults
from fxlstm.errors import ImageError, LinkError
from fxlstm.program.hardware import load_board

PROCESSORS = ("host", "stm32f405")
BUILT_FOR = "reference"  # the board file that firmware/gen/wiring.h is made from
BUILDS = Path(__file__).resolve().parents[2] / "firmware" / "build"


class Firmware(Protocol):
    """Firmware that runs, whatever on."""

    @property
    def instructions(self) -> int | None:
        """Instructions executed since power-up, where they are counted."""

    def reset(self, reason: int = 0) -> None:
        """Start as after a reset for a reason of ``hal.h``, amid its work as soon as that can stop; bytes on the line are kept."""

    def feed(self, data: bytes | bytearray, /) -> int:
        """Give it bytes from the serial line; return how many it took."""

    def take(self) -> bytes:
        """Return the bytes that it has sent."""

    def poll(self) -> bool:
        """Let it work for a moment; return whether there may be more to do at once."""

    def rest(self, nanoseconds: int) -> None:
        """Let time pass in which nothing comes from outside, all of it or until it has said something."""


def make_firmware(processor: str, bus: Bus, board: str, elf: str | os.PathLike[str] | None, faults: ChipFaults) -> Firmware:
    """Start firmware in front of ``bus``. Raises :class:`LinkError` for an unknown processor, for what this one does not
    have, and for a package that is missing.
    """
    description = load_board(board)
    if processor == "host":
        if elf is not None or faults.dead_crystal:
            raise LinkError("elf and dead_crystal are for a microcontroller; open emu://stm32f405, or leave them out")
        return HostFirmware(bus, name=description["name"])
    if processor not in PROCESSORS:
        raise LinkError(f"processor {processor!r} is not emulated; choose from {', '.join(PROCESSORS)}")
    try:
        from fxlstm.emulator.stm32f405.firmware import CortexFirmware
    except ModuleNotFoundError as error:
        raise LinkError(f"{error.name} is missing, which emulates the processor; pip install 'fxlstm[stm32]'") from None
    if board != BUILT_FOR:
        raise LinkError(
            f"firmware for {processor} is built for the board {BUILT_FOR!r}, not {board!r}; use emu://host, or another device"
        )
    return CortexFirmware(bus, description, elf or newest_build(), faults)


def newest_build(builds: Path = BUILDS) -> Path:
    """The ELF file that was built last, by either compiler. Raises :class:`ImageError` when there is none."""
    images = sorted(builds.glob("stm32f405-*/firmware.elf"), key=lambda path: path.stat().st_mtime)
    if not images:
        raise ImageError(
            f"no firmware has been built for the STM32F405 in {builds}; run `fxlstm firmware build` (pip install "
            "'fxlstm[firmware]' brings a compiler) or name an ELF file: emu://stm32f405?elf=PATH"
        )
    return images[-1]
