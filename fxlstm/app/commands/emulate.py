"""``fxlstm emulate``: an emulated board for other programs, on a pseudo-terminal or a TCP port."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fxlstm.app.console import Around, Json, print_json
from fxlstm.app.processors import Processor, built_for

if TYPE_CHECKING:
    from fxlstm.emulator.link import EmulatedLink
    from fxlstm.emulator.server import Server

EPILOG = "Example: fxlstm emulate --tcp 127.0.0.1:5000, and elsewhere: fxlstm board info --port socket://127.0.0.1:5000"


def emulate(
    pty: Annotated[bool, typer.Option("--pty", help="Serve on a pseudo-terminal, which looks like a serial port.")] = False,
    tcp: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Serve on a TCP port; port 0 takes a free one.")] = None,
    link: Annotated[Path | None, typer.Option(help="With --pty: a symbolic link that points to it while it is served.")] = None,
    device: Annotated[str, typer.Option(help="Device preset of the cells.")] = "ta-hfo2",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the cells and their noise.")] = 0,
    processor: Annotated[Processor, typer.Option(help="What runs the firmware.")] = Processor.HOST,
    state: Annotated[Path | None, typer.Option(help="File that keeps the array from one run to the next.")] = None,
    around: Around = None,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A fault, e.g. drop=0.001; repeatable.")] = None,
    as_json: Json = False,
) -> None:
    """Serve an emulated board, the real firmware behind a port, until Ctrl-C.

    The first line printed is the name under which other programs open it.
    """
    if pty == (tcp is not None):
        raise typer.BadParameter("choose one of --pty and --tcp HOST:PORT")
    if link and not pty:
        raise typer.BadParameter("a link points to a pseudo-terminal; give it with --pty", param_hint="--link")
    with _server(_link(device, seed, state, around, fault or [], processor), tcp, link) as server:
        port = f"socket://{server.address}" if tcp else server.address
        if as_json:
            print_json({"port": port, "device": device, "seed": seed})
        else:
            typer.echo(port)
        server.run()


def _link(
    device: str, seed: int, state: Path | None, around: list[str] | None, faults: list[str], processor: Processor = Processor.HOST
) -> EmulatedLink:
    """Return the line to a new board, with the surroundings and faults asked for."""
    from fxlstm.crossbar.surroundings import from_options as around_from_options
    from fxlstm.emulator.board import EmulatedBoard
    from fxlstm.emulator.clock import RealClock
    from fxlstm.emulator.faults import CellFaults, ChipFaults, LinkFaults, from_options, option_names
    from fxlstm.emulator.link import EmulatedLink

    known = (*option_names(LinkFaults), *option_names(ChipFaults), *option_names(CellFaults))
    options = dict(fault.partition("=")[::2] for fault in faults)
    if unknown := sorted(set(options) - set(known)):
        raise typer.BadParameter(f"{unknown[0]!r} is no fault; choose from {', '.join(known)}", param_hint="--fault")
    chips, cells = from_options(ChipFaults, options), from_options(CellFaults, options)
    board = EmulatedBoard(
        device,
        seed,
        faults=chips,
        cells=cells,
        around=around_from_options(around) if around else None,
        state=state,
        clock=RealClock(),
        processor=processor.value,
        elf=built_for(processor),
    )
    return EmulatedLink(board, from_options(LinkFaults, options))


def _server(board: EmulatedLink, tcp: str | None, link: Path | None) -> Server:
    from fxlstm.emulator.server import PtyServer, TcpServer

    if tcp is None:
        return PtyServer(board, link)
    host, _, port = tcp.rpartition(":")
    if not host or not port.isdecimal():
        raise typer.BadParameter(f"{tcp!r} is no HOST:PORT, as in 127.0.0.1:5000", param_hint="--tcp")
    return TcpServer(board, host, int(port))
