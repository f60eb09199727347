"""``fxlstm firmware``: build what a microcontroller runs, and write it into one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fxlstm.app.console import Json, print_json

app = typer.Typer(no_args_is_help=True, help="Build the board's firmware and write it into a microcontroller.")

Target = Annotated[str, typer.Option(help="The microcontroller: a folder of firmware/port.")]


class Compiler(StrEnum):
    """Which compiler builds."""

    GCC = "gcc"
    ZIG = "zig"


class Tool(StrEnum):
    """Which tool writes."""

    PYOCD = "pyocd"
    OPENOCD = "openocd"
    DFU_UTIL = "dfu-util"


@app.command(epilog="Example: fxlstm firmware build --program model.fxl")
def build(
    target: Target = "stm32f405",
    compiler: Annotated[Compiler | None, typer.Option(help="By default what is installed, gcc first.")] = None,
    program: Annotated[
        Path | None, typer.Option(exists=True, help="A program that the firmware is to come with, in flash.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build the firmware; print where its ELF file is."""
    from fxlstm.app.firmware import build as build_firmware

    elf = build_firmware(target, compiler.value if compiler else None, program)
    if as_json:
        print_json({"elf": elf, "target": target})
    else:
        typer.echo(elf)


@app.command(epilog="Example: fxlstm firmware build && fxlstm firmware flash")
def flash(
    elf: Annotated[Path | None, typer.Argument(help="The ELF file; by default the firmware as it stands, built anew.")] = None,
    tool: Annotated[Tool | None, typer.Option(help="By default the first of these that is installed.")] = None,
) -> None:
    """Write the firmware into an STM32F405 and start it."""
    from fxlstm.app.firmware import build as build_firmware
    from fxlstm.app.firmware import flash as flash_firmware

    wanted = elf or build_firmware()
    used = flash_firmware(wanted, tool.value if tool else None)
    typer.echo(f"{used} has written {wanted}")
