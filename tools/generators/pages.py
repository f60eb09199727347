"""Generated parts of Markdown pages: they stand between markers, everything around them is written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def fill(page: str, name: str, text: str) -> str:
    """Return ``page`` with ``text`` between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no part {name!r}; write {begin.strip()} and {end} where it belongs")
    return f"{before}{begin}{text}\n{end}{after}"


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
