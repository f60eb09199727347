"""``fxlstm run``: a program over a file of inputs, on the array of one's choice."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fxlstm.app.console import Around, Json, print_json, progress_bar
from fxlstm.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fxlstm.board.board import Board
    from fxlstm.core.engine import Engine
    from fxlstm.program.program import Program

EPILOG = "Example: fxlstm run model.fxl x.npy -o y.npy --array simulated --device ta-hfo2 --seed 1"


class ArrayKind(StrEnum):
    """What multiplies."""

    INTEGER = "integer"
    SIMULATED = "simulated"
    BOARD = "board"


Output = Annotated[Path, typer.Option("--output", "-o", metavar="Y.npy", help="Where the outputs go.")]
Device = Annotated[
    str | None,
    typer.Option(help="Device preset of the cells, e.g. ta-hfo2; an emu:// port brings its own.", show_default=False),
]
SchemeName = Annotated[
    str | None,
    typer.Option(
        "--scheme",
        help="How cells are programmed: open-loop, write-verify, incremental or refined; by default as the preset says.",
        show_default=False,
    ),
]
SIMULATED_DEVICE = "ta-hfo2"
Inputs = Annotated[Path, typer.Argument(metavar="X.npy", help="Inputs, (time, features) or (batch, time, features).")]
ProgramFile = Annotated[Path, typer.Argument(metavar="MODEL.fxl", help="A program made by fxlstm quantize.")]
Model = Annotated[
    Path, typer.Argument(metavar="MODEL.fxl", help="A program made by fxlstm quantize; or the file of a network, run in float.")
]


def run(
    program: Model,
    inputs: Inputs,
    output: Output,
    array: Annotated[ArrayKind, typer.Option(help="integer: exact; simulated: device physics; board: --port.")] = ArrayKind.INTEGER,
    port: Annotated[str, typer.Option(envvar="FXLSTM_PORT", help="The board, for --array board.")] = "emu://host",
    device: Device = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated cells and their noise.")] = 0,
    scheme: SchemeName = None,
    around: Around = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Outputs to generate: by a decoder, or by a network that feeds back.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a program over inputs and save the outputs. A network that is not quantized yet is run in float.

    Simulated arrays, as many as the program needs, and a board are first programmed; cells of a board that already hold their value
    are skipped.
    """
    from fxlstm.app.files import load_array, save_array
    from fxlstm.network.importers.door import SUFFIXES
    from fxlstm.program.program import Program

    if around and array is not ArrayKind.SIMULATED:
        raise typer.BadParameter("is for --array simulated; an emulated board takes such names in its URL", param_hint="--around")
    for name, given in (("--device", device), ("--scheme", scheme)):
        if given is not None and array is ArrayKind.INTEGER:
            raise ModelError(f"{name} {given}: without an array there are no cells; choose --array simulated or board")
    in_float = program.suffix.lower() in SUFFIXES
    if in_float:
        y = _in_float(program, inputs, array, steps)
    else:
        loaded, x = Program.load(program), load_array(inputs)
        if array is ArrayKind.BOARD:
            y = _on_board(loaded, x, steps, port, device, scheme)
        elif array is ArrayKind.SIMULATED:
            y = _on_simulated_array(loaded, x, steps, device or SIMULATED_DEVICE, seed, scheme, around or [])
        else:
            y = _on_integers(loaded, x, steps)
    save_array(output, y)
    if as_json:
        print_json({"output": str(output), "shape": y.shape, "array": "float" if in_float else array.value})


def _in_float(path: Path, inputs: Path, array: ArrayKind, steps: int | None) -> NDArray[Any]:
    from fxlstm.app.files import load_array
    from fxlstm.network import EncoderDecoder, TreeNetwork, load_network

    if array is not ArrayKind.INTEGER:
        raise ModelError(f"{str(path)!r} is a float network; make it a program first: fxlstm quantize")
    network = load_network(path)
    if isinstance(network, TreeNetwork):
        raise ModelError(f"{str(path)!r} takes trees; run it in Python, after fxlstm.load_network")
    if steps is not None:
        return network.generate(load_array(inputs), steps)
    if isinstance(network, EncoderDecoder):
        raise ModelError(f"{str(path)!r} has a decoder; say how many outputs it shall generate: --steps N")
    return network(load_array(inputs))


def _outputs(runner: Engine | Board, program: Program, x: NDArray[Any], steps: int | None) -> NDArray[Any]:
    """Return the outputs of an engine or a board: those of the timesteps of x, or as many as are to be generated."""
    if steps is not None:
        return runner.generate(x, steps)
    if len(program.phases) > 1:
        raise ModelError("the program has a decoder; say how many outputs it shall generate: --steps N")
    return runner.run(x)


def _on_integers(program: Program, x: NDArray[Any], steps: int | None) -> NDArray[Any]:
    from fxlstm.core.engine import Engine

    return _outputs(Engine(program), program, x, steps)


def _on_simulated_array(
    program: Program, x: NDArray[Any], steps: int | None, device: str, seed: int, scheme: str | None, around: list[str]
) -> NDArray[Any]:
    from fxlstm.core.engine import Engine
    from fxlstm.crossbar.arrays import SimulatedArrays
    from fxlstm.crossbar.surroundings import from_options

    size = {"rows": program.hardware.rows, "cols": program.hardware.columns, "board": program.hardware.board}
    arrays = SimulatedArrays(program, seed=seed, device=device, **size, **from_options(around)._asdict())
    with progress_bar("programming") as progress:
        arrays.program(program, scheme=scheme, progress=progress)
    return _outputs(Engine(program, array=arrays), program, x, steps)


def _on_board(
    program: Program, x: NDArray[Any], steps: int | None, port: str, device: str | None, scheme: str | None
) -> NDArray[Any]:
    from fxlstm.board.board import Board

    with Board(port, device=device) as board:
        with progress_bar("programming") as progress:
            board.program(program, progress, scheme)
        return _outputs(board, program, x, steps)
