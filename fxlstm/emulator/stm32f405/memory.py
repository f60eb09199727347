"""Memory of an STM32F405RG and the image that a programmer writes into it."""

from __future__ import annotations

import os
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from fxlstm.errors import ImageError

FLASH, FLASH_SIZE = 0x08000000, 1 << 20
SRAM, SRAM_SIZE = 0x20000000, 128 << 10
CCM, CCM_SIZE = 0x10000000, 64 << 10  # data only: the processor fetches no instructions from it
SYSTEM, SYSTEM_SIZE = 0x1FFF0000, 64 << 10
UNIQUE_ID, KILOBYTES_OF_FLASH = 0x1FFF7A10, 0x1FFF7A22

Segments = list[tuple[int, bytes]]


class Memory:
    """Flash, RAM and the read-only system memory, which holds the part's 96-bit number, here ``serial``."""

    def __init__(self, serial: int = 1) -> None:
        self.flash = bytearray(b"\xff" * FLASH_SIZE)
        self.sram = bytearray(SRAM_SIZE)
        self.ccm = bytearray(CCM_SIZE)
        self.system = bytearray(b"\xff" * SYSTEM_SIZE)
        self._put(self.system, UNIQUE_ID - SYSTEM, serial.to_bytes(12, "little"))
        self._put(self.system, KILOBYTES_OF_FLASH - SYSTEM, (FLASH_SIZE >> 10).to_bytes(2, "little"))
        self.boot = FLASH  # where the vector table stands after a reset

    @property
    def regions(self) -> list[tuple[int, bytearray]]:
        """(address, contents) of everything."""
        return [(FLASH, self.flash), (SRAM, self.sram), (CCM, self.ccm), (SYSTEM, self.system)]

    def load(self, segments: Segments) -> None:
        """Write an image as a programmer does. Raises :class:`ImageError` for bytes that fall outside of flash and RAM."""
        for address, data in segments:
            buffer, place = self.at(address, len(data))
            self._put(buffer, place, data)
        self.boot = min(address for address, _ in segments)

    def at(self, address: int, size: int) -> tuple[bytearray, int]:
        """The buffer and the place in it that hold an address. Raises :class:`ImageError` when there is no memory."""
        for first, buffer in self.regions:
            if first <= address and address + size <= first + len(buffer):
                return buffer, address - first
        raise ImageError(f"{size} bytes at 0x{address:08x} are in no memory of an STM32F405; check the linker script")

    def forget(self) -> None:
        """The power was off: RAM holds nothing that was stored."""
        for buffer in (self.sram, self.ccm):
            self._put(buffer, 0, b"\xa5" * len(buffer))

    @staticmethod
    def _put(buffer: bytearray, place: int, data: bytes) -> None:
        buffer[place : place + len(data)] = data  # in place: the processor holds a pointer to it


def read_elf(path: str | os.PathLike[str]) -> Segments:
    """What an ELF file puts into memory, by load address. Raises :class:`ImageError` for a file that is no ARM program."""
    try:
        with Path(path).open("rb") as file:
            image = ELFFile(file)
            if image["e_machine"] != "EM_ARM" or image["e_type"] != "ET_EXEC":
                raise ImageError(f"{path} is no ARM program ({image['e_machine']}, {image['e_type']}); build PORT=stm32f405")
            segments = [(segment["p_paddr"], segment.data()) for segment in image.iter_segments("PT_LOAD")]
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error.strerror}); name the ELF file of the firmware") from None
    except ELFError as error:
        raise ImageError(f"{path} is no ELF file ({error}); name the one that the firmware's build has made") from None
    segments = [(address, data) for address, data in segments if data]
    if not segments:
        raise ImageError(f"{path} loads nothing; name the linked program, not an object file")
    return segments
