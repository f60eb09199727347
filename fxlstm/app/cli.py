"""The command line ``fxlstm``: exit status 0 when all went well, 1 with one sentence on stderr when not, 2 for wrong usage."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

import fxlstm
from fxlstm.app.commands import (
    board,
    budget,
    demo,
    emulate,
    firmware,
    fit,
    import_network,
    placement,
    quantize,
    run,
    spice,
    sweep,
    twin,
)
from fxlstm.errors import FxlstmError

EPILOG = "Start with: fxlstm demo airline. Every command explains itself: fxlstm quantize --help."

app = typer.Typer(name="fxlstm", no_args_is_help=True, pretty_exceptions_enable=False, epilog=EPILOG)
app.add_typer(demo.app, name="demo")
app.command("import", epilog=import_network.EPILOG)(import_network.import_network)
app.command("quantize", epilog=quantize.EPILOG)(quantize.quantize)
app.command("placement", epilog=placement.EPILOG)(placement.placement)
app.command("run", epilog=run.EPILOG)(run.run)
app.add_typer(board.app, name="board")
app.add_typer(spice.app, name="spice")
app.add_typer(sweep.app, name="sweep")
app.command("budget", epilog=budget.EPILOG)(budget.budget)
app.command("twin", epilog=twin.EPILOG)(twin.twin)
app.command("fit", epilog=fit.EPILOG)(fit.fit)
app.add_typer(firmware.app, name="firmware")
app.command("emulate", epilog=emulate.EPILOG)(emulate.emulate)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fxlstm {fxlstm.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Run trained recurrent networks as integer programs: on this computer, on a simulated memristor crossbar, on a board."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; ``arguments`` are those of the process unless given."""
    try:
        app(None if arguments is None else list(arguments))
    except FxlstmError as error:
        typer.echo(f"fxlstm: {error}", err=True)
        sys.exit(1)
