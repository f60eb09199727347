"""``fxlstm quantize``: a float network to an integer program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fxlstm.app.console import Json, print_json

if TYPE_CHECKING:
    from fxlstm.program.report import Report

EPILOG = "Example: fxlstm quantize net.safetensors --calibrate x.npy -o model.fxl --levels 64 --report --figure loss.png"


def quantize(
    network: Annotated[Path, typer.Argument(metavar="NETWORK", help="A .safetensors, .onnx, .keras, .h5 or .hdf5 file.")],
    calibrate: Annotated[Path, typer.Option(metavar="X.npy", help="Typical inputs, (time, features) or (batch, time, features).")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL.fxl", help="Where the program goes.")],
    levels: Annotated[int, typer.Option(help="Conductance levels per device, 2 to 32768.")] = 256,
    dac_bits: Annotated[int, typer.Option(help="Bits of the row DACs, 2 to 16.")] = 16,
    adc_bits: Annotated[int, typer.Option(help="Bits of the column ADCs, 2 to 16; 0 for a program that needs no array.")] = 16,
    bias: Annotated[str, typer.Option(help="Where biases are added: 'array' (a driven row) or 'digital'.")] = "array",
    bias_rows: Annotated[int, typer.Option(help="Rows that share an array bias, 1 to 16.")] = 1,
    bias_value: Annotated[float, typer.Option(help="What drives them, a part of full scale.")] = 0.2,
    pairing: Annotated[
        str, typer.Option(help="How the two devices of a weight stand: rows 'adjacent' or in 'halves', or 'columns'.")
    ] = "adjacent",
    base: Annotated[
        float, typer.Option(metavar="SIEMENS", help="For --pairing columns: of a device at level 0, as its preset says.")
    ] = 0.0,
    board: Annotated[
        str, typer.Option(help="Board whose amplifiers the array has; a device preset names the one it suits.")
    ] = "reference",
    method: Annotated[str, typer.Option(help="How scales are calibrated: 'range', 'percentile' or 'error'.")] = "range",
    percentile: Annotated[float | None, typer.Option(help="For --method percentile: held in 100.", show_default="99.9")] = None,
    report: Annotated[bool, typer.Option("--report", help="Print signal-to-noise, clipping and levels of each layer.")] = False,
    figure: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw the signal-to-noise of every stage there.")] = None,
    as_json: Json = False,
) -> None:
    """Turn a float network into an integer program (.fxl).

    Formats, scales and ADC ranges are chosen from the calibration inputs, so give some hundred typical timesteps.
    """
    from fxlstm.app.files import load_array
    from fxlstm.network import load_network
    from fxlstm.program.hardware import Hardware
    from fxlstm.program.quantize import quantize as make_program

    biases: dict[str, Any] = {"bias": bias, "bias_rows": bias_rows, "bias_value": bias_value}
    hardware = Hardware(levels, dac_bits, adc_bits or None, **biases, pairing=pairing, board=board, base=base)
    program = make_program(load_network(network), load_array(calibrate), hardware, method, percentile)
    program.save(output)
    if figure is not None:
        _draw(program.report(), figure)
    if as_json:
        print_json({"output": str(output), "bytes": output.stat().st_size, "report": program.report().as_dict()})
    elif report:
        typer.echo(str(program.report()))


def _draw(report: Report, path: Path) -> None:
    from fxlstm.analysis import canvas
    from fxlstm.app import plots

    stages = [(row.layer, row.vector, row.signal_to_noise) for row in report.rows]
    with canvas.style():
        figure = canvas.new_figure(6.0, 1.2 + 0.19 * len(stages))
        axes = figure.add_subplot()
        plots.draw_signal_to_noise(axes, stages)
        axes.set_title(report.summary.replace(" dB, from", " dB,\nfrom"))
        canvas.save(figure, path)
