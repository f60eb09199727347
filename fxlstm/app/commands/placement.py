"""``fxlstm placement``: where a program stands on its arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fxlstm.app.console import Json, print_json

if TYPE_CHECKING:
    from fxlstm.program.placement import Placement

EPILOG = "Example: fxlstm placement model.fxl --figure placement.png"


def placement(
    program: Annotated[Path, typer.Argument(metavar="MODEL.fxl", help="An integer program.")],
    figure: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw the arrays with their tiles there.")] = None,
    as_json: Json = False,
) -> None:
    """Say on which devices of which array each tile stands, and how much of every array is used."""
    from fxlstm.program.program import Program

    placed = Program.load(program).placement()
    if figure is not None:
        _draw(placed, figure)
    if as_json:
        print_json(placed.as_dict())
    else:
        typer.echo(str(placed))


def _draw(placed: Placement, path: Path) -> None:
    from fxlstm.analysis import canvas
    from fxlstm.app import plots

    with canvas.style():
        across = min(len(placed.arrays), 4)
        down = -(-len(placed.arrays) // across)
        figure = canvas.new_figure(0.6 + 2.6 * across, 0.6 + 3.6 * down)
        plots.draw_placement(list(figure.subplots(down, across, squeeze=False).flat), placed)
        canvas.save(figure, path)
