"""A sweep from its plan to its file: what is finished already is taken from the journal, the rest is computed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path

from fxlstm.errors import SweepError
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.sweep.cluster import measure_on_cluster
from fxlstm.sweep.journal import Journal
from fxlstm.sweep.local import measure_locally
from fxlstm.sweep.parameters import ARRAY_SIZE, KNOWN, OF_A_PROGRAM
from fxlstm.sweep.plan import Plan, Point
from fxlstm.sweep.results import needs_pyarrow, write_results
from fxlstm.sweep.task import Task

Progress = Callable[[int, int], None]  # called with points finished, of how many


@dataclass(frozen=True)
class Summary:
    """What a sweep did. ``resumed``: points that were finished before. ``errors``: why points have no metrics, one entry each."""

    points: int
    resumed: int
    errors: tuple[str, ...]


def run_sweep(
    plan: Plan,
    task: Task,
    output: str | os.PathLike[str],
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Run every point of ``plan`` on ``task`` and write the results to the Parquet file ``output``.

    ``workers``: processes here, by default one per core; ``scheduler``: ``tcp://host:port`` of a Dask cluster to compute instead.
    Finished points are kept in ``output`` + ``.journal``: after a kill the same call goes on where it stood, and a changed plan
    takes over the points that it shares. The bytes of ``output`` do not depend on where and in what order points are computed.
    Raises :class:`SweepError` for what cannot be run, and when the cluster is absent or is lost.
    """
    needs_pyarrow()
    if workers is not None and workers < 1:
        raise SweepError(f"workers = {workers}: choose 1 or more")
    path = Path(output)
    points = _points(plan, task)
    keys = [point.key(task.identity) for point in points]
    with Journal(path.with_name(f"{path.name}.journal")) as journal:
        missing = [point for point, key in zip(points, keys, strict=True) if key not in journal.finished]
        resumed = len(points) - len(missing)

        def tell(done: int) -> None:
            if progress is not None:
                progress(resumed + done, len(points))

        _compute(task, missing, workers or os.cpu_count() or 1, scheduler, journal, tell)
        outcomes = [journal.finished[key] for key in keys]
        write_results(path, plan, points, outcomes)
    return Summary(len(points), resumed, tuple(outcome.error for outcome in outcomes if outcome.error is not None))


def _compute(
    task: Task, points: Sequence[Point], workers: int, scheduler: str | None, journal: Journal, tell: Callable[[int], None]
) -> None:
    """Compute points and keep each in the journal as it is finished."""
    tell(0)
    if not points:
        return
    source = (
        measure_locally(task, points, min(workers, len(points)))
        if scheduler is None
        else measure_on_cluster(task, points, scheduler)
    )
    with closing(source):
        for done, (point, outcome) in enumerate(source, 1):
            journal.add(point.key(task.identity), outcome)
            tell(done)


def _points(plan: Plan, task: Task) -> Sequence[Point]:
    """Return the plan's points; those of a finished program have its hardware."""
    if not isinstance(task.model, Program):
        return plan.points
    if given := [name for name in plan.axes if name.startswith(OF_A_PROGRAM)]:
        raise SweepError(f"{given[0]} is fixed in a program already; leave it out, or give the network that it was made from")
    brought = {name: None for name in KNOWN if name.startswith(OF_A_PROGRAM)}
    brought |= {f"hardware.{field.name}": getattr(task.model.hardware, field.name) for field in fields(Hardware)}
    brought |= {name: getattr(task.model.hardware, side) for name, side in ARRAY_SIZE.items() if name not in plan.axes}
    return [Point({**point.parameters, **brought}, point.seed) for point in plan.points]
