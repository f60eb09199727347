"""``fxlstm demo``: whole tasks, from a trained network to a prediction measured on a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fxlstm.app.console import Json, print_json

app = typer.Typer(no_args_is_help=True, help="Run a demonstration that ships with its trained network.")


@app.command(epilog="Example: fxlstm demo airline --port /dev/ttyACM0")
def airline(
    port: Annotated[
        str | None, typer.Option(envvar="FXLSTM_PORT", help="The board; without it an emulated one with Ta/HfO2 cells.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the picture goes.")] = Path("demo-output"),
    as_json: Json = False,
) -> None:
    """Predict airline passengers month by month with an LSTM written into a 128 x 64 memristor array.

    Prints the error of network, integer program, simulated array and board, and where it comes from.

    Draws the series, the conductance maps and the errors into FOLDER/airline.png.
    """
    from fxlstm.app.demos import airline as demonstration

    result = demonstration.run(port or demonstration.URL, output)
    if as_json:
        print_json(result.as_dict())
    else:
        demonstration.show(result)
