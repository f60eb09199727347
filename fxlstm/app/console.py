"""How commands speak: results on stdout, remarks and progress on stderr, progress only where a person watches."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

OUT = Console()
ERR = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables, for scripts.")]
Port = Annotated[
    str,
    typer.Option(
        envvar="FXLSTM_PORT",
        help="The board: /dev/ttyACM0, COM3, socket://127.0.0.1:5000, or emu://host?device=ta-hfo2&seed=1 for an emulated one.",
    ),
]
Around = Annotated[
    list[str] | None,
    typer.Option(
        "--around",
        metavar="NAME=VALUE|FILE.toml",
        help="What surrounds the simulated cells: wires.row=0.3, adc.noise=2, front_end.reads=4, ...; repeatable. "
        "A wrong name gets the list.",
    ),
]


def print_json(values: Mapping[str, Any]) -> None:
    """Print one JSON object; numbers that JSON cannot hold (NaN: not measured) become null."""
    print(json.dumps(_plain(values), indent=2, allow_nan=False))


def print_values(title: str, values: Mapping[str, Any]) -> None:
    """Print names and values as a table of two columns."""
    print_table(title, ("", ""), [(name.replace("_", " "), str(value)) for name, value in values.items()])


def print_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of text as it stands; columns after the first are aligned to the right."""
    table = Table(title=escape(title), title_justify="left", show_header=any(heads))
    for index, head in enumerate(heads):
        table.add_column(head, justify="right" if index else "left")
    for row in rows:
        table.add_row(*map(escape, row))
    OUT.print(table)


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function to call with (done, total); it draws a bar on stderr when that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _plain(value: Any) -> Any:
    """Return ``value`` in types of JSON: NumPy scalars and arrays as numbers and lists, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool | None) else str(value)
