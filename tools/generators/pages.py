"""Generated parts of Markdown pages: they stand between markers, everything around them is written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def fill(page: str, name: str, text: str) -> str:
    """Return ``page`` with ``text`` between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``."""
    before, _, after = _parts(page, name)
    return f"{before}{text}\n{after}"


def part(page: str, name: str) -> str:
    """Return what stands between the two markers."""
    return _parts(page, name)[1]


def _parts(page: str, name: str) -> tuple[str, str, str]:
    """Return the page up to the first marker and with it, what stands between, and the rest from the second marker on."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    before, found, rest = page.partition(begin)
    text, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no part {name!r}; write {begin.strip()} and {end} where it belongs")
    return before + begin, text, end + after


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
