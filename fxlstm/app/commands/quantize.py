"""``fxlstm quantize``: a float network to an integer program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fxlstm.app.console import Json, print_json

EPILOG = "Example: fxlstm quantize net.safetensors --calibrate x.npy -o model.fxl --levels 64 --report"


def quantize(
    network: Annotated[Path, typer.Argument(metavar="NETWORK.safetensors", help="A network saved with fxlstm.save_network.")],
    calibrate: Annotated[Path, typer.Option(metavar="X.npy", help="Typical inputs, (time, features) or (batch, time, features).")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL.fxl", help="Where the program goes.")],
    levels: Annotated[int, typer.Option(help="Conductance levels per device, 2 to 32768.")] = 256,
    dac_bits: Annotated[int, typer.Option(help="Bits of the row DACs, 2 to 16.")] = 16,
    adc_bits: Annotated[int, typer.Option(help="Bits of the column ADCs, 2 to 16; 0 for a program that needs no array.")] = 16,
    bias: Annotated[str, typer.Option(help="Where biases are added: 'array' (a driven row) or 'digital'.")] = "array",
    report: Annotated[bool, typer.Option("--report", help="Print signal-to-noise, clipping and levels of each layer.")] = False,
    as_json: Json = False,
) -> None:
    """Turn a float network into an integer program (.fxl).

    Formats, scales and ADC ranges are chosen from the calibration inputs, so give some hundred typical timesteps.
    """
    from fxlstm.app.files import load_array
    from fxlstm.network import load_network
    from fxlstm.program.hardware import Hardware
    from fxlstm.program.quantize import quantize as make_program

    hardware = Hardware(levels=levels, dac_bits=dac_bits, adc_bits=adc_bits or None, bias=bias)
    program = make_program(load_network(network), load_array(calibrate), hardware)
    program.save(output)
    if as_json:
        print_json({"output": str(output), "bytes": output.stat().st_size, "report": program.report().as_dict()})
    elif report:
        typer.echo(str(program.report()))
