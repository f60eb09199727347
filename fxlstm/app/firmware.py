"""Builds the firmware and writes it into a microcontroller, with the tools that are there."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import fxlstm
from fxlstm.errors import FirmwareError

FLASH_START = 0x08000000  # of an STM32
COMPILERS = {"gcc": "arm-none-eabi-gcc", "zig": "the ziglang wheel (pip install 'fxlstm[firmware]')"}

_TOOLS_WANTED = (
    "install one of these: pyocd (pip install pyocd) or openocd with a debug probe on the board's SWD pins, "
    "or dfu-util with the board on USB and BOOT0 high"
)


def source_folder() -> Path:
    """The folder ``firmware`` of a checkout. Raises :class:`FirmwareError` where only a wheel is installed."""
    folder = Path(fxlstm.__file__).resolve().parents[1] / "firmware"
    if not (folder / "Makefile").is_file():
        raise FirmwareError(
            f"{folder} holds no firmware; take the source distribution of fxlstm {fxlstm.__version__} and install that"
        )
    return folder


def targets() -> list[str]:
    """The microcontrollers that there is a port to."""
    return sorted(path.parent.name for path in source_folder().glob("port/*/link.ld"))


def choose_compiler(wanted: str | None = None) -> str:
    """``gcc`` or ``zig``: the one wanted, or what is there. Raises :class:`FirmwareError` when it is absent."""
    there = {"gcc": shutil.which("arm-none-eabi-gcc") is not None, "zig": importlib.util.find_spec("ziglang") is not None}
    for name in [wanted] if wanted else COMPILERS:
        if there[name]:
            return name
    absent = COMPILERS[wanted] if wanted else f"neither {COMPILERS['gcc']} nor {COMPILERS['zig']}"
    raise FirmwareError(f"no compiler for the firmware: {absent} is installed" if not wanted else f"{absent} is not installed")


def build(target: str = "stm32f405", compiler: str | None = None, program: Path | None = None) -> Path:
    """Build the firmware for a microcontroller and return the ELF file.

    ``compiler``: ``gcc`` or ``zig``, by default what is there. ``program``: an ``.fxl`` image that the firmware is to come with, in
    flash. Raises :class:`FirmwareError` for an unknown target and with the compiler's words when it fails.
    """
    folder, chosen = source_folder(), choose_compiler(compiler)
    if target not in targets():
        raise FirmwareError(f"there is no port to {target!r}; choose from {', '.join(targets())}, or add one (docs/porting.md)")
    if shutil.which("make") is None:
        raise FirmwareError("make is not installed, which builds the firmware; install it (Debian, Ubuntu: apt-get install make)")
    output = folder / "build" / f"{target}-{chosen}"
    settings = {"PORT": target, "TOOLCHAIN": chosen, "PYTHON": sys.executable, "BUILD": f"build/{output.name}"}
    if program is not None:
        settings["PROGRAM"] = str(program.resolve())
    made = _run("make", f"-j{os.cpu_count()}", "-C", str(folder), *(f"{name}={value}" for name, value in settings.items()))
    if made.returncode != 0:
        raise FirmwareError(f"the firmware for {target} does not build with {COMPILERS[chosen]}:\n{made.stderr.strip()}")
    return output / "firmware.elf"


def flash(elf: Path, tool: str | None = None) -> str:
    """Write an ELF file into an STM32F405 and start it; return the tool used: ``pyocd``, ``openocd`` or ``dfu-util``.

    ``tool``: by default the first of these that is installed. Raises :class:`FirmwareError` when none is, and with the tool's words
    when it fails.
    """
    if not elf.is_file():
        raise FirmwareError(f"{elf} does not exist; build it with: fxlstm firmware build")
    chosen = tool or next((name for name in FLASHERS if shutil.which(name)), None)
    if chosen is None:
        raise FirmwareError(f"no flashing tool is installed; {_TOOLS_WANTED}")
    if shutil.which(chosen) is None:
        raise FirmwareError(f"{chosen} is not installed; {_TOOLS_WANTED}")
    written = _run(*FLASHERS[chosen](elf))
    if written.returncode != 0:
        words = (written.stderr.strip() or written.stdout.strip()).splitlines()[-8:]
        raise FirmwareError(f"{chosen} did not write {elf.name}; check probe, cable and power of the board:\n" + "\n".join(words))
    return chosen


def _pyocd(elf: Path) -> list[str]:
    return ["pyocd", "load", "--target", "stm32f405rgtx", str(elf)]


def _openocd(elf: Path) -> list[str]:
    commands = f"program {{{elf.resolve()}}} verify reset exit"
    return ["openocd", "-f", "interface/stlink.cfg", "-f", "target/stm32f4x.cfg", "-c", commands]


def _dfu_util(elf: Path) -> list[str]:
    """The part's own loader takes bytes and an address; it starts them when asked to leave."""
    binary = elf.with_suffix(".bin")
    binary.write_bytes(flash_image(elf))
    return [
        "dfu-util",
        "--device",
        "0483:df11",
        "--alt",
        "0",
        "--dfuse-address",
        f"0x{FLASH_START:08x}:leave",
        "--download",
        str(binary),
    ]


FLASHERS: dict[str, Callable[[Path], list[str]]] = {"pyocd": _pyocd, "openocd": _openocd, "dfu-util": _dfu_util}


def flash_image(elf: Path) -> bytes:
    """The bytes of an ELF file that belong into flash, from its start. Raises :class:`FirmwareError` for a file that is none."""
    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    except ModuleNotFoundError as error:
        raise FirmwareError(f"{error.name} is missing, which reads the firmware; pip install 'fxlstm[firmware]'") from None
    image = bytearray()
    try:
        with elf.open("rb") as file:
            for segment in ELFFile(file).iter_segments("PT_LOAD"):
                place, data = segment["p_paddr"] - FLASH_START, segment.data()
                if data and place >= 0:
                    image.extend(b"\xff" * (place + len(data) - len(image)))
                    image[place : place + len(data)] = data
    except ELFError as error:
        raise FirmwareError(f"{elf} is no ELF file ({error}); build it with: fxlstm firmware build") from None
    return bytes(image)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
