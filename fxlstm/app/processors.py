"""The processor of an emulated board, as an option of the command line."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path


class Processor(StrEnum):
    """What the firmware of an emulated board runs on: this process, or an emulated Cortex-M4."""

    HOST = "host"
    STM32F405 = "stm32f405"


def built_for(processor: Processor) -> Path | None:
    """The ELF file for a processor, built if it is not what the sources say; none for the host.

    Raises :class:`fxlstm.errors.FirmwareError` when there is no compiler.
    """
    if processor is Processor.HOST:
        return None
    from fxlstm.app.firmware import build

    return build(processor.value)


def on_processor(url: str, processor: Processor) -> str:
    """The same emulated board as ``emu://host?...`` with its firmware on another processor."""
    elf = built_for(processor)
    return url if elf is None else f"{url.replace('emu://host', f'emu://{processor.value}', 1)}&elf={elf}"
