"""The results of a sweep as one Parquet file: a row for each point, in the order of the plan."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fxlstm
from fxlstm.errors import SweepError
from fxlstm.files import write_whole
from fxlstm.sweep.measure import Outcome
from fxlstm.sweep.parameters import find_parameter
from fxlstm.sweep.plan import Plan, Point

# What the bytes depend on beside the values; no time stands in a file.
SETTINGS: dict[str, Any] = {
    "version": "2.6",
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": False,
    "write_statistics": True,
    "row_group_size": 65536,
}
PLAN, VERSION = b"fxlstm.plan", b"fxlstm.version"  # keys of the file's metadata


def needs_pyarrow() -> None:
    """Raise :class:`SweepError` where Parquet files cannot be written."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise SweepError("sweeps write Parquet files, which needs pyarrow; install it: pip install 'fxlstm[sweep]'") from None


def write_results(path: Path, plan: Plan, points: Sequence[Point], outcomes: Sequence[Outcome]) -> None:
    """Write every point's parameters, seeds and metrics, with the plan's text beside them; whole or not at all.

    Columns: the parameters by their names in the plan, ``seed`` (the plan's) and ``own_seed`` (the array's), the metrics,
    and ``error``, which says why a point has none.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
    names = list(points[0].parameters)
    columns = {name: pa.array([point.parameters[name] for point in points], types[find_parameter(name).kind]) for name in names}
    columns["seed"] = pa.array([point.seed for point in points], pa.int64())
    columns["own_seed"] = pa.array([point.own_seed for point in points], pa.int64())
    for name in dict.fromkeys(name for outcome in outcomes for name in outcome.metrics):
        columns[name] = pa.array([outcome.metrics.get(name) for outcome in outcomes], pa.float64())
    columns["error"] = pa.array([outcome.error for outcome in outcomes], pa.string())
    about = {PLAN: plan.text.encode(), VERSION: fxlstm.__version__.encode()}
    table = pa.table(columns).replace_schema_metadata(about)
    write_whole(path, lambda file: pq.write_table(table, file, **SETTINGS), SweepError)


def read_results(path: str | os.PathLike[str]) -> dict[str, list[Any]]:
    """Return the columns of a file of results. Raises :class:`SweepError` for another file."""
    needs_pyarrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        about, table = file.metadata.metadata or {}, file.read()
    except (OSError, pa.ArrowException) as error:
        raise SweepError(f"{os.fspath(path)!r} cannot be read ({error}); give the results of fxlstm sweep") from None
    if PLAN not in about:
        raise SweepError(f"{os.fspath(path)!r} holds no sweep; give the results of fxlstm sweep")
    columns: dict[str, list[Any]] = table.to_pydict()
    return columns
