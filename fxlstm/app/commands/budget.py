"""``fxlstm budget``: where the error of a network on an array comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fxlstm.app.console import Around, Json, print_table

if TYPE_CHECKING:
    from fxlstm.analysis.budget import Budget

EPILOG = "Example: fxlstm budget net.safetensors --calibrate x.npy --device ta-hfo2 --figure budget.png"
ALL_LAYERS = "Print a table for each layer too."


def budget(
    network: Annotated[Path, typer.Argument(metavar="NETWORK", help="A .safetensors, .onnx, .keras, .h5 or .hdf5 file.")],
    calibrate: Annotated[Path, typer.Option(metavar="X.npy", help="Typical inputs, (time, features) or (batch, time, features).")],
    inputs: Annotated[
        Path | None, typer.Option(metavar="X.npy", help="Inputs to measure over.", show_default="as --calibrate")
    ] = None,
    device: Annotated[str, typer.Option(help="Device preset of the cells, by name or path.")] = "ta-hfo2",
    seeds: Annotated[int, typer.Option(min=1, help="How many arrays are programmed: seeds 0, 1, ...")] = 5,
    levels: Annotated[int, typer.Option(help="Conductance levels per device, 2 to 32768.")] = 256,
    dac_bits: Annotated[int, typer.Option(help="Bits of the row DACs, 2 to 16.")] = 16,
    adc_bits: Annotated[int, typer.Option(help="Bits of the column ADCs, 2 to 16.")] = 16,
    board: Annotated[
        str | None, typer.Option(help="Board with the amplifiers.", show_default="the one that suits the cells")
    ] = None,
    around: Around = None,
    seconds: Annotated[float, typer.Option(min=0, help="How long after programming the network runs.")] = 0.0,
    figure: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw the budget there.")] = None,
    layers: Annotated[bool, typer.Option("--layers", help=ALL_LAYERS)] = False,
    as_json: Json = False,
) -> None:
    """Say which source of error does how much, each switched on alone and each switched off alone.

    Levels, converters, formats, programming, stuck cells, relaxation, read noise, wires and front end; sources that cannot act are
    named as left out.
    """
    from fxlstm.analysis.budget import error_budget
    from fxlstm.app.files import load_array
    from fxlstm.crossbar.surroundings import from_options
    from fxlstm.network import load_network
    from fxlstm.program.device import load_device
    from fxlstm.program.hardware import Hardware

    hardware = Hardware(levels=levels, dac_bits=dac_bits, adc_bits=adc_bits, board=board or load_device(device).board)
    found = error_budget(
        load_network(network),  # type: ignore[arg-type]
        load_array(inputs or calibrate),
        hardware,
        device=device,
        seeds=range(seeds),
        calibration=load_array(calibrate),
        seconds=seconds,
        **from_options(around or [])._asdict(),
    )
    if figure is not None:
        found.figure(figure)
    if as_json:
        typer.echo(found.to_json())
    else:
        _show(found, layers)


def _show(found: Budget, layers: bool) -> None:
    title = f"Error budget of {found.network!r} on {found.device}: median (least to greatest) of {len(found.seeds)} seeds"
    print_table(title, found.heads, found.table())
    for name in found.layers if layers else ():
        print_table(f"Layer {name}", found.heads, found.table(name))
    for line in (found.summary, *found.omissions):
        typer.echo(line)
