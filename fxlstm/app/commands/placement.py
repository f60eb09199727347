"""``fxlstm placement``: where a program stands on its arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fxlstm.app.console import Json, print_json

if TYPE_CHECKING:
    from fxlstm.program.placement import Placement
    from fxlstm.program.program import Program
    from fxlstm.program.remapping.remap import Remapped

EPILOG = """Example: fxlstm placement model.fxl --figure placement.png

fxlstm placement model.fxl --avoid faults.npy --calibrate x.npy -o better.fxl"""


def placement(
    program: Annotated[Path, typer.Argument(metavar="MODEL.fxl", help="An integer program.")],
    figure: Annotated[Path | None, typer.Option(metavar="PNG", help="Draw the arrays with their tiles there.")] = None,
    avoid: Annotated[
        Path | None,
        typer.Option(
            metavar="FAULTS.npy",
            help="Cells that do not obey, as 'fxlstm board program --faults' writes them: siemens, NaN for others; or bool.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="BETTER.fxl", help="Where the program that avoids them goes.")
    ] = None,
    calibrate: Annotated[
        Path | None, typer.Option(metavar="X.npy", help="With --avoid: typical inputs, to learn what each weight is worth.")
    ] = None,
    device: Annotated[str, typer.Option(help="With --avoid: device preset of the cells.")] = "ta-hfo2",
    as_json: Json = False,
) -> None:
    """Say on which devices of which array each tile stands, and how much of every array is used.

    With --avoid, find better places first: other corners and another order of hidden units, where faulty cells harm least.
    """
    from fxlstm.errors import ModelError
    from fxlstm.program.program import Program

    if (avoid is None) != (output is None):
        raise ModelError("--avoid and --output go together: the faults, and where the program that avoids them goes")
    loaded, gained = Program.load(program), None
    if avoid is not None and output is not None:
        gained = _avoiding(loaded, avoid, calibrate, device)
        loaded = gained.program
        loaded.save(output)
    placed = loaded.placement()
    if figure is not None:
        _draw(placed, figure)
    if as_json:
        print_json(placed.as_dict() | ({} if gained is None else {"error": {"before": gained.before, "after": gained.after}}))
    else:
        typer.echo("\n".join(str(part) for part in (gained, placed) if part is not None))


def _avoiding(program: Program, avoid: Path, calibrate: Path | None, device: str) -> Remapped:
    """The program around the faults of a file."""
    from fxlstm.analysis.sensitivity import weight_sensitivity
    from fxlstm.app.files import load_array, load_numbers
    from fxlstm.program.remapping.remap import remapped

    faults = load_numbers(avoid)
    worth = None if calibrate is None else weight_sensitivity(program, load_array(calibrate))
    return remapped(program, list(faults) if faults.ndim == 3 else faults, device, worth=worth)


def _draw(placed: Placement, path: Path) -> None:
    from fxlstm.analysis import canvas
    from fxlstm.app import plots

    with canvas.style():
        across = min(len(placed.arrays), 4)
        down = -(-len(placed.arrays) // across)
        figure = canvas.new_figure(0.6 + 2.3 * across, 0.6 + 3.6 * down)
        plots.draw_placement(list(figure.subplots(down, across, squeeze=False).flat), placed)
        canvas.save(figure, path)
