"""``fxlstm sweep``: a task over many parameters and seeds, and figures of what came out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from fxlstm.app.console import ERR, Json, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from fxlstm.sweep.run import Summary


class _PlanOrCommand(TyperGroup):
    """A group whose command ``run`` may be left out: what is no other command is a plan."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return list(super().parse_args(ctx, args))


app = typer.Typer(
    cls=_PlanOrCommand,
    no_args_is_help=True,
    help="Run a task over parameters and seeds: fxlstm sweep PLAN.toml, which is short for fxlstm sweep run PLAN.toml.",
    epilog="Example: fxlstm sweep plan.toml -o results.parquet && fxlstm sweep plot results.parquet --x read.noise --y rmse",
)


@app.command(epilog="Example: fxlstm sweep plan.toml -o results.parquet --workers 2")
def run(
    plan: Annotated[Path, typer.Argument(metavar="PLAN.toml", help="Task, parameters with their values, and seeds.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="RESULTS.parquet", help="Where results go.")] = Path(
        "results.parquet"
    ),
    workers: Annotated[int | None, typer.Option(min=1, help="Processes on this computer.", show_default="one per core")] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="A Dask cluster that computes instead of this computer.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compute every point of a plan and write one row for each.

    Finished points are kept beside the results: after a kill the same command goes on where it stood. Status 1 when points
    could not be run; the column error says why.
    """
    from fxlstm.app.sweep_tasks import load_task
    from fxlstm.sweep import load_plan, run_sweep

    if workers is not None and scheduler is not None:
        raise typer.BadParameter("a cluster has its own workers; leave --workers out", param_hint="--scheduler")
    loaded = load_plan(plan)
    task = load_task(loaded.task, plan.parent)
    with progress_bar("sweep") as progress:
        summary = run_sweep(loaded, task, output, workers, scheduler, progress)
    if as_json:
        counts = {"points": summary.points, "resumed": summary.resumed, "failed": len(summary.errors)}
        print_json({"output": str(output), **counts, "errors": Counter(summary.errors)})
    else:
        _show(summary, output)
    if summary.errors:
        raise typer.Exit(1)


def _show(summary: Summary, output: Path) -> None:
    before = f", {summary.resumed} of them finished before" if summary.resumed else ""
    typer.echo(f"{summary.points} points{before}: {output}")
    for reason, count in Counter(summary.errors).most_common(3):
        typer.echo(f"{count} points could not be run: {reason}", err=True)


@app.command(epilog="Example: fxlstm sweep plot results.parquet --x read.noise --y rmse --by levels -o figure.png")
def plot(
    results: Annotated[Path, typer.Argument(metavar="RESULTS.parquet", help="What fxlstm sweep wrote.")],
    x: Annotated[str, typer.Option(metavar="PARAMETER", help="Column on the horizontal axis; its end is enough.")],
    y: Annotated[str, typer.Option(metavar="METRIC", help="Column on the vertical axis, e.g. rmse, signal_to_noise.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PNG", help="Where the figure goes.")] = Path("figure.png"),
    by: Annotated[str | None, typer.Option(metavar="PARAMETER", help="A curve for each value of this column.")] = None,
    confidence: Annotated[float, typer.Option(help="Confidence of the bands, between 0 and 1.")] = 0.95,
    log: Annotated[bool, typer.Option("--log", help="Horizontal axis in logarithms.")] = False,
    as_json: Json = False,
) -> None:
    """Draw a metric's mean over a parameter with a band that holds the true mean with the confidence given.

    Other parameters that vary are averaged over; the figure names them.
    """
    from fxlstm.analysis import canvas
    from fxlstm.app import plots
    from fxlstm.errors import SweepError
    from fxlstm.sweep.bands import bands, find_column
    from fxlstm.sweep.parameters import KNOWN
    from fxlstm.sweep.results import read_results

    columns = read_results(results)
    across, up = find_column(columns, x), find_column(columns, y)
    apart = None if by is None else find_column(columns, by)
    found = bands(columns, across, up, apart, confidence)
    if log and min(float(band.x.min()) for band in found) <= 0:
        raise SweepError(f"{across} has values that are not above 0, and so no logarithm; leave --log out")
    varying = [name for name in columns if (name in KNOWN or name.startswith("device.")) and len(set(columns[name])) > 1]
    averaged = ["seeds", *(name for name in varying if name not in (across, apart))]
    with canvas.style():
        figure = canvas.new_figure(5.2, 3.4)
        axes = figure.add_subplot()
        plots.draw_bands(axes, found, across, up, apart)
        axes.set_title(f"mean over {', '.join(averaged)}; band: {100 * confidence:g} % confidence")
        if log:
            axes.set_xscale("log")
        canvas.save(figure, output)
    if as_json:
        print_json({"output": str(output), "x": across, "y": up, "by": apart, "bands": [vars(band) for band in found]})
        return
    rows = [
        (band.label, f"{place:g}", f"{mean:.4g}", f"{low:.4g} to {high:.4g}", str(count))
        for band in found
        for place, mean, low, high, count in zip(band.x, band.mean, band.low, band.high, band.points, strict=True)
    ]
    heads, first = (apart or "", across, "mean", "band", "points"), 0 if apart else 1
    print_table(f"{up}, {100 * confidence:g} % confidence", heads[first:], [row[first:] for row in rows])
    if left_out := len(columns[up]) - sum(int(band.points.sum()) for band in found):
        ERR.print(f"{left_out} points without a finite {up} are left out", markup=False)
