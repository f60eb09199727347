"""``fxlstm twin``: what a simulated array of a board's measured conductances explains of the board's error."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fxlstm.app.console import Around, Json, Port, print_json, print_table, progress_bar

EPILOG = "Example: fxlstm twin model.fxl x.npy --port 'emu://host?device=ta-hfo2&seed=1' --figure twin.png"


def twin(
    program: Annotated[Path, typer.Argument(metavar="MODEL.fxl", help="A program made by fxlstm quantize.")],
    inputs: Annotated[Path, typer.Argument(metavar="X.npy", help="Inputs, (time, features) or (batch, time, features).")],
    port: Port = "emu://host",
    device: Annotated[
        str | None, typer.Option(help="Device preset of the cells; an emu:// port brings its own.", show_default=False)
    ] = None,
    around: Around = None,
    figure: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw the errors over the timesteps there.")] = None,
    as_json: Json = False,
) -> None:
    """Program a board, measure its cells, and compare board, twin and ideal array at every timestep of every layer.

    Cells that already hold their value are skipped.
    """
    from fxlstm.analysis.twin import compare_with_twin, twin_of
    from fxlstm.app.files import load_array
    from fxlstm.board.board import Board
    from fxlstm.crossbar.surroundings import from_options
    from fxlstm.program.program import Program

    loaded, x = Program.load(program), load_array(inputs)
    with Board(port, device=device) as board:
        with progress_bar("programming") as progress:
            board.program(loaded, progress=progress)
        twin = twin_of(board, loaded, **from_options(around or [])._asdict())
        report = compare_with_twin(board, loaded, x, twin)
    if figure is not None:
        report.figure(figure)
    if as_json:
        print_json(report.as_dict())
    else:
        print_table("What the twin explains of the board's deviation from an ideal array", report.heads, report.table())
