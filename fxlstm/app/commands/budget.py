"""``fxlstm budget``: where the error of a network on an array comes from, simulated or measured on a board."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fxlstm.app.console import Around, Json, print_table, progress_bar

if TYPE_CHECKING:
    from fxlstm.analysis.budget import Budget
    from fxlstm.app.questions import Question
    from fxlstm.program.hardware import Hardware

EPILOG = "Example: fxlstm budget net.safetensors --calibrate x.npy --device ta-hfo2 --figure budget.png; or fxlstm budget airline"
ALL_LAYERS = "Print a table for each layer too."
Npy = Annotated[Path | None, typer.Option(metavar="X.npy", help="Typical inputs, (time, features) or (batch, time, features).")]


def budget(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK", help="A network's file, or a task that ships, such as airline or gait; a wrong name gets the list."
        ),
    ],
    calibrate: Npy = None,
    inputs: Annotated[
        Path | None, typer.Option(metavar="X.npy", help="Inputs to measure over.", show_default="as --calibrate")
    ] = None,
    targets: Annotated[Path | None, typer.Option(metavar="Y.npy", help="Outputs wanted: their RMSE is the metric.")] = None,
    device: Annotated[str | None, typer.Option(help="Preset of the cells, by name or path.", show_default="ta-hfo2")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many arrays are programmed: seeds 0, 1, ...")] = 5,
    levels: Annotated[int, typer.Option(help="Conductance levels per device, 2 to 32768.")] = 256,
    dac_bits: Annotated[int, typer.Option(help="Bits of the row DACs, 2 to 16.")] = 16,
    adc_bits: Annotated[int, typer.Option(help="Bits of the column ADCs, 2 to 16.")] = 16,
    board: Annotated[
        str | None, typer.Option(help="Board with the amplifiers.", show_default="the one that suits the cells")
    ] = None,
    around: Around = None,
    seconds: Annotated[float, typer.Option(min=0, help="How long after programming the network runs.")] = 0.0,
    port: Annotated[
        str | None, typer.Option(help="Program this board and measure there; seconds are then waited for.", show_default=False)
    ] = None,
    runs: Annotated[int, typer.Option(min=2, help="With --port: how often the data is run.")] = 4,
    figure: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw the budget there.")] = None,
    layers: Annotated[bool, typer.Option("--layers", help=ALL_LAYERS)] = False,
    as_json: Json = False,
) -> None:
    """Say which source of error does how much, each switched on alone and each switched off alone.

    Levels, converters, activation, formats, programming, stuck cells, relaxation, read noise, wires and front end; sources that
    cannot act are named as left out. Of a board --around says the resistances of its wires, if they are known.
    """
    from fxlstm.app.questions import question
    from fxlstm.program.device import load_device
    from fxlstm.program.hardware import Hardware

    asked = question(network, calibrate, inputs, targets)
    name = board or ("reference" if port else load_device(device or "ta-hfo2").board)
    hardware = Hardware(levels=levels, dac_bits=dac_bits, adc_bits=adc_bits, board=name)
    if port is None:
        found = _simulated(asked, hardware, device or "ta-hfo2", seeds, around or [], seconds)
    else:
        found = _on_board(asked, hardware, device, port, runs, around or [], seconds)
    if figure is not None:
        found.figure(figure)
    if as_json:
        typer.echo(found.to_json())
    else:
        _show(found, layers, asked.metric_name)


def _simulated(asked: Question, hardware: Hardware, device: str, seeds: int, around: list[str], seconds: float) -> Budget:
    from fxlstm.analysis.budget import error_budget
    from fxlstm.crossbar.surroundings import from_options

    wires, front_end = from_options(around)
    return error_budget(
        hardware=hardware,
        device=device,
        seeds=range(seeds),
        wires=wires,
        front_end=front_end,
        seconds=seconds,
        **asked.arguments,
    )


def _on_board(
    asked: Question, hardware: Hardware, device: str | None, port: str, runs: int, around: list[str], seconds: float
) -> Budget:
    from fxlstm.analysis.measured import board_budget
    from fxlstm.board.board import Board
    from fxlstm.crossbar.surroundings import from_options

    wires, front_end = from_options(around)
    if not front_end.ideal:
        raise typer.BadParameter("a board's converters are measured; name its wires alone", param_hint="--around")
    wait = (lambda: time.sleep(seconds)) if seconds else None
    with Board(port, device=device) as board, progress_bar("programming") as progress:
        return board_budget(board, hardware=hardware, runs=runs, wires=wires, wait=wait, progress=progress, **asked.arguments)


def _show(found: Budget, layers: bool, metric: str) -> None:
    print_table(found.title, found.heads, found.table())
    for name in found.layers if layers else ():
        print_table(f"Layer {name}", found.heads, found.table(name))
    for line in (found.summary, *found.omissions):
        typer.echo(line)
    if metric:
        typer.echo(f"Metric: {metric}.")
