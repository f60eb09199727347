"""The firmware for the STM32F405, built by either compiler: once, whichever test comes first."""

from __future__ import annotations

import fcntl
import sys
from functools import cache
from pathlib import Path

from fxlstm.app.firmware import build

ROOT = Path(__file__).resolve().parents[1]
FIRMWARE = ROOT / "firmware"
COMPILERS = ("gcc", "zig")
PROCESSOR = {
    "gcc": ["arm-none-eabi-gcc", "-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
    "zig": [sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp"],
}


@cache
def firmware_elf(compiler: str, target: str = "stm32f405") -> Path:
    """The ELF file of the sources as they stand."""
    (FIRMWARE / "build").mkdir(exist_ok=True)
    with (FIRMWARE / "build" / f"{target}-{compiler}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        return build(target, compiler)
