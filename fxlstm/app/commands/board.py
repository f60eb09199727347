"""``fxlstm board``: look at a board, program it, measure it, run on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from fxlstm.app.commands.run import Device, Inputs, Output, ProgramFile, SchemeName
from fxlstm.app.console import Json, Port, print_json, print_table, print_values, progress_bar

app = typer.Typer(no_args_is_help=True, help="Boards, real or emulated. Commands that talk to one need --port, or FXLSTM_PORT.")


@app.command(epilog="Example: fxlstm board info --port /dev/ttyACM0")
def info(port: Port, as_json: Json = False) -> None:
    """Say who the board is, what it allows, and its counters."""
    from fxlstm.board.board import Board

    with Board(port, log=False) as board:
        everything = board.snapshot()
    if as_json:
        print_json(everything)
    else:
        print_values("Board", everything)


@app.command(epilog="Example: fxlstm board selftest --port /dev/ttyACM0 && echo well")
def selftest(port: Port, as_json: Json = False) -> None:
    """Check every chip on the board, then outputs, amplifiers and the array. Status 1 when something is to be repaired.

    DAC outputs are measured through their monitor outputs, amplifiers by a known current, lines and cells by reading the array.
    No voltage is above the read voltage. Only the chips are checked when one of those that the array needs does not answer.
    """
    from fxlstm.board.array_check import CheckReport
    from fxlstm.board.board import Board

    with Board(port, log=False) as board:
        chips = board.selftest()
        measurable = not any(chip.status for chip in chips if chip.kind != "monitor_adc")
        report = board.check_array() if measurable else CheckReport([], [], [])
    if as_json:
        print_json({"chips": [asdict(chip) for chip in chips]} | asdict(report))
    else:
        rows = [(chip.kind.replace("_", " "), str(chip.index), chip.words if chip.status else "well") for chip in chips]
        print_table("Self-test", ("chip", "index", "result"), rows)
        summary = report.summary if measurable else "outputs, amplifiers and array are not measured before these chips answer"
        for line in (summary, *map(str, report.findings)):
            if line:
                typer.echo(line)
    if any(chip.status for chip in chips) or any(finding.kind == "channel" for finding in report.findings):
        raise typer.Exit(1)


@app.command(epilog="Example: fxlstm board program model.fxl --port /dev/ttyACM0")
def program(
    program: ProgramFile,
    port: Port,
    device: Device = None,
    scheme: SchemeName = None,
    faults: Annotated[
        Path | None, typer.Option(metavar="FAULTS.npy", help="Where the cells out of tolerance go, siemens; NaN for all others.")
    ] = None,
    avoid: Annotated[
        Path | None, typer.Option(metavar="FAULTS.npy", help="Cells that do not obey: their partners make up for them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a program's weights into the array and its image into the board.

    The scheme runs on the board. Cut off at any point, the same command goes on where it stood.
    """
    from fxlstm.app.files import load_numbers, save_array
    from fxlstm.board.board import Board
    from fxlstm.program.program import Program
    from fxlstm.program.remapping.compensation import compensated_targets
    from fxlstm.program.remapping.faults import Faults

    loaded = Program.load(program)
    with Board(port, device=device) as board, progress_bar("programming") as progress:
        targets = None if avoid is None else compensated_targets(loaded, load_numbers(avoid), board.info.device)
        report = board.program(loaded, progress, scheme, targets=targets)
    if faults is not None:
        save_array(faults, Faults.of(report).conductance)
    if as_json:
        cells = int(report.targeted.sum())
        values = {"cells": cells, "in_tolerance": cells - len(report.failed), "failed": report.failed}
        print_json(values | {"pulses": report.pulses.sum(), "seconds": report.seconds, "resumed": report.resumed})
    else:
        typer.echo(str(report))


@app.command(epilog="Example: fxlstm board read --port /dev/ttyACM0 -o conductance.npy")
def read(
    port: Port,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="G.npy", help="Where the conductances go.")] = None,
    as_json: Json = False,
) -> None:
    """Measure the conductance of every cell, in siemens."""
    import numpy as np

    from fxlstm.app.files import save_array
    from fxlstm.board.board import Board

    with Board(port) as board:
        siemens = board.read_conductance()
    if output is not None:
        save_array(output, siemens)
    if as_json:
        print_json({"unit": "siemens", "conductance": siemens})
        return
    measured = siemens[np.isfinite(siemens)] * 1e6
    rows, columns = siemens.shape
    typer.echo(f"{measured.size} of {rows} x {columns} cells measured")
    if measured.size:
        low, middle, high = np.quantile(measured, (0, 0.5, 1))
        typer.echo(f"{low:.1f} to {high:.1f} uS, median {middle:.1f} uS")


@app.command(epilog="Example: fxlstm board run model.fxl x.npy -o y.npy --port /dev/ttyACM0")
def run(
    program: ProgramFile,
    inputs: Inputs,
    output: Output,
    port: Port,
    device: Device = None,
    scheme: SchemeName = None,
    as_json: Json = False,
) -> None:
    """Run a program over inputs on the board; what it holds already is not written again."""
    from fxlstm.app.commands.run import ArrayKind
    from fxlstm.app.commands.run import run as run_anywhere

    run_anywhere(program, inputs, output, ArrayKind.BOARD, port, device, scheme=scheme, as_json=as_json)


@app.command(epilog="Example: fxlstm board time model.fxl --inputs x.npy")
def time(
    program: ProgramFile,
    inputs: Annotated[
        Path | None,
        typer.Option(metavar="X.npy", help="A typical sequence, (time, features).", show_default="random, of full scale"),
    ] = None,
    device: Annotated[str, typer.Option(help="Preset of the cells to be written.")] = "ta-hfo2",
    as_json: Json = False,
) -> None:
    """Say how long a program is expected to take on the physical board, and what for; needs no board.

    A timestep, reading the array out, a pulse, writing the program's cells: steps of the work, the dearest first.
    """
    from fxlstm.analysis.timing.times import HEADS, board_times
    from fxlstm.app.files import load_array
    from fxlstm.program.program import Program

    times = board_times(Program.load(program), None if inputs is None else load_array(inputs), device)
    if as_json:
        print_json(times.as_dict())
        return
    for table in times.tables:
        print_table(table.summary, HEADS, table.table())
    typer.echo(times.assumptions)


@app.command(epilog="Example: fxlstm board log --last 20")
def log(
    file: Annotated[Path | None, typer.Option(help="The measurement log; by default the one that boards write to.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many entries of each kind.")] = 10,
    as_json: Json = False,
) -> None:
    """Show what was measured and written, latest last; needs no board."""
    from fxlstm.board.log import MeasurementLog, default_path

    with MeasurementLog(file or default_path(), writable=False) as measurements:
        tables = {name: [_readable(row) for row in measurements.rows(name)[-last:]] for name in _LOG_COLUMNS}
    if as_json:
        print_json(tables)
        return
    for name, rows in tables.items():
        columns = _LOG_COLUMNS[name]
        print_table(name.capitalize(), columns, [_cells(row, columns) for row in rows])


_LOG_COLUMNS = {
    "sessions": ("id", "time", "url", "board", "serial", "firmware"),
    "readings": ("id", "session", "time", "kind", "row", "rows", "range", "reads"),
    "pulses": ("id", "session", "time", "row", "millivolts", "microseconds"),
    "campaigns": ("id", "session", "time", "rows", "columns"),
    "runs": ("id", "session", "time", "timesteps", "on_array"),
}


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the log with its time in words and without its binary columns."""
    from datetime import UTC, datetime

    time = f"{datetime.fromtimestamp(row['time'], UTC):%Y-%m-%d %H:%M:%SZ}"
    return {name: value for name, value in row.items() if not isinstance(value, bytes)} | {"time": time}


def _cells(row: dict[str, Any], columns: Sequence[str]) -> list[str]:
    return [str(row[column]) for column in columns]
