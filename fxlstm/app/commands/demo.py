"""``fxlstm demo``: published experiments, from a trained network to what a board measures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from fxlstm.app.console import Json, print_json
from fxlstm.app.demos.experiments import EXPERIMENTS
from fxlstm.app.processors import Processor, on_processor

app = typer.Typer(no_args_is_help=True, help="Run a published experiment with its shipped network, and print both results.")

Port = Annotated[str | None, typer.Option(envvar="FXLSTM_PORT", help="The board; without it an emulated one with Ta/HfO2 cells.")]
OnProcessor = Annotated[Processor, typer.Option("--board", help="What runs the emulated board's firmware.")]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the picture goes.")]
Seeds = Annotated[int, typer.Option(min=1, help="How many simulated arrays are programmed: seeds 1, 2, ...")]
FOLDER = Path("demo-output")


@app.command(epilog="Example: fxlstm demo airline --port /dev/ttyACM0, or --board stm32f405")
def airline(port: Port = None, board: OnProcessor = Processor.HOST, output: Output = FOLDER, as_json: Json = False) -> None:
    """Predict airline passengers month by month with an LSTM written into a 128 x 64 memristor array.

    Prints the error of network, integer program, simulated array and board, and where it comes from.

    Draws the series, the conductance maps and the errors into FOLDER/airline.png.
    """
    from fxlstm.app.demos import airline as demonstration

    result = demonstration.run(_url(port, board, demonstration.URL), output)
    if as_json:
        print_json(result.as_dict())
    else:
        demonstration.show(result)


def _url(port: str | None, board: Processor, emulated: str) -> str:
    """The port asked for, else the emulated board on the processor asked for."""
    if port and board is not Processor.HOST:
        raise typer.BadParameter("a board on a port has its own processor; leave out --board or --port", param_hint="--board")
    return port or on_processor(emulated, board)


def _command(name: str) -> Callable[..., None]:
    """Return the command that runs an experiment."""

    def run(
        port: Port = None,
        board: OnProcessor = Processor.HOST,
        output: Output = FOLDER,
        seeds: Seeds = 5,
        as_json: Json = False,
    ) -> None:
        from fxlstm.app.demos import measured, pictures, report
        from fxlstm.app.files import make_folder

        make_folder(output)
        url, log = _url(port, board, measured.URL), output / "measurements.db"
        result = measured.measure(EXPERIMENTS[name], url, log, range(1, seeds + 1))
        picture = output / f"{name}.png"
        pictures.draw(result, picture)
        if as_json:
            print_json(result.as_dict() | {"plot": str(picture)})
        else:
            report.show(result, picture)

    return run


for _name, _experiment in EXPERIMENTS.items():
    if _name != "airline":
        _words = f"{_experiment.summary}\n\nPrints the published result beside those measured, and draws FOLDER/{_name}.png."
        app.command(_name, help=_words, epilog=f"Example: fxlstm demo {_name} --seeds 10")(_command(_name))
