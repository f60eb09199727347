"""Progress for people: a bar on a terminal, nothing elsewhere, or the caller's own function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

ProgressOption = bool | Callable[[int, int], None] | None


@contextmanager
def shown(progress: ProgressOption, title: str) -> Iterator[Callable[[int, int], None] | None]:
    """Give a function to be told (done, of how many), or ``None`` when nobody wants to know."""
    if progress is not True:
        yield progress or None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TextColumn("cells"), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
