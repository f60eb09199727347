#!/usr/bin/env python3
"""Measure every cell, topology and importer beside an independent oracle and on everything that runs programs.

Fills docs/evidence.md between its markers; with --check it only says which lines of the page are not what is measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from generators.pages import fill, part, table
from oracles.cells import activations, catalogue
from oracles.imported import imported
from oracles.measure import HARDWARE, Case, Measured, measure
from oracles.runners import COLUMNS, emulated_board
from oracles.topologies import topologies

PAGE = Path(__file__).resolve().parent.parent / "docs" / "evidence.md"
GROUPS: dict[str, Callable[[], Iterator[Case]]] = {
    "cells": catalogue,
    "activations": activations,
    "topologies": topologies,
    "imported": imported,
}
DECIBEL = [f"{bits} bits, dB" for bits in HARDWARE]
HEADS = ("what", "oracle of the float network", "largest difference", "codes", *COLUMNS, *DECIBEL)
TOLERANCE = 0.5  # dB between a page and a measurement, whose math library may round otherwise

Line = tuple[str, ...]


def measured(group: str) -> list[Measured]:
    """Return the rows of a group."""
    with emulated_board() as board:
        return [measure(case, board) for case in GROUPS[group]()]


def line(row: Measured) -> Line:
    """Return a row as it stands on the page."""
    different = map(str, row.different.values())
    ratios = [f"{ratio:.1f}" for ratio in row.signal_to_noise.values()]
    return row.name, row.oracle, f"{row.difference:.0e}" if row.difference else "0", str(row.codes), *different, *ratios


def page_lines(group: str) -> list[Line]:
    """Return the lines of a group's table on the page."""
    rows = part(PAGE.read_text(), group).splitlines()[2:]
    return [tuple(row.removeprefix("| ").removesuffix(" |").split(" | ")) for row in rows]


def stale(group: str, rows: Iterable[Measured]) -> list[str]:
    """Return what a group's table on the page says otherwise than ``rows``.

    Names, oracles and all counts of codes must be equal, differences within the row's limit on both sides, dB within
    :data:`TOLERANCE`.
    """
    known = {page_line[0]: page_line for page_line in page_lines(group)}
    rows = list(rows)
    lost = sorted(known.keys() - {row.name for row in rows})
    changed = [row.name for row in rows if row.name not in known or not _agrees(known[row.name], row)]
    return lost + changed


def _agrees(page_line: Line, row: Measured) -> bool:
    new, first_ratio = line(row), 4 + len(COLUMNS)
    exact = page_line[:2] == new[:2] and page_line[3:first_ratio] == new[3:first_ratio]
    ratios = zip(page_line[first_ratio:], row.signal_to_noise.values(), strict=True)
    return (
        exact and max(float(page_line[2]), row.difference) <= row.limit and all(abs(float(a) - b) <= TOLERANCE for a, b in ratios)
    )


def main() -> None:
    """Write the tables, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; the exit status is 1 where the page is stale")
    check = parser.parse_args().check
    results = {group: measured(group) for group in GROUPS}
    if red := [row.name for rows in results.values() for row in rows if not row.is_green]:
        raise SystemExit(f"not as they should be: {'; '.join(red)}")
    if check:
        if old := [name for group, rows in results.items() for name in stale(group, rows)]:
            raise SystemExit(f"stale in {PAGE.name}: {'; '.join(old)}; run tools/oracle_table.py")
        return
    page = PAGE.read_text()
    for group, rows in results.items():
        page = fill(page, group, table(HEADS, map(line, rows)))
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
