#!/usr/bin/env python3
"""Run the published experiments and fill docs/results.md between its markers, with a figure of each in docs/figures.

Names of experiments run these alone.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fxlstm.app.demos.experiments import EXPERIMENTS
from fxlstm.app.demos.measured import UNKNOWN, Measured, Row, measure
from fxlstm.app.demos.pictures import draw
from generators.pages import fill, part, table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "results.md"
FIGURES = PAGE.parent / "figures"
SUMMARY = ("experiment", "", "published", "float network", "integer program", "simulated array", "board")


def section(result: Measured) -> str:
    """Return an experiment as Markdown: table, differences, figure."""
    about = result.experiment
    lines = [f"Published: {about.paper}.", "", table(result.heads, result.lines), "", "What differs:", ""]
    lines += [f"- {sentence}" for sentence in about.differences]
    return "\n".join([*lines, "", f"![{about.title}](figures/{about.name}.png)"])


def summary_line(result: Measured) -> tuple[str, ...]:
    """Return an experiment's line of the summary: the first column of its table, medians; what is of a part of the test says so."""
    about = result.experiment
    column = about.columns[0]

    def words(row: Row) -> str:
        spread = row.metrics.get(column.metric)
        part = f" ({row.part_words})" if row.part else ""
        return UNKNOWN if spread is None else "> " * row.more_than + f"{spread.median:{column.format}}{part}"

    published = ", ".join(words(row) for row in result.rows if row.source == "published")
    ours = {row.name: words(row) for row in result.rows if row.source == "measured"}
    stages = ("float network", "integer program", about.variants[0].row, list(ours)[-1])
    return link(about.name), column.head, published, *(ours[stage] for stage in stages)


def link(name: str) -> str:
    """Return an experiment's name as a link to its part of the page."""
    return f"[{name}](#{name})"


def page_rows(name: str) -> list[tuple[str, ...]]:
    """Return the lines of a table on the page, an experiment's or the summary."""
    lines = [line for line in part(PAGE.read_text(), name).splitlines() if line.startswith("| ")]
    return [tuple(line.removeprefix("| ").removesuffix(" |").split(" | ")) for line in lines[2:]]


def summary_with(line: tuple[str, ...]) -> str:
    """Return the summary that stands on the page, with one line new."""
    lines = {known[0]: known for known in (*page_rows("summary"), line)}
    order = [link(name) for name in EXPERIMENTS]
    return table(SUMMARY, sorted(lines.values(), key=lambda known: order.index(known[0])))


def run(names: Sequence[str]) -> None:
    """Run experiments one after the other; write each one's parts of the page and its figure when it ends."""
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            result = measure(EXPERIMENTS[name], log=Path(folder) / "measurements.db")
        draw(result, FIGURES / f"{name}.png")
        line = summary_line(result)
        PAGE.write_text(fill(fill(PAGE.read_text(), name, section(result)), "summary", summary_with(line)))
        print(", ".join(line), flush=True)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="EXPERIMENT", help=f"of {', '.join(EXPERIMENTS)}; by default all")
    names = parser.parse_args().names or list(EXPERIMENTS)
    if unknown := sorted(set(names) - set(EXPERIMENTS)):
        parser.error(f"no experiment {unknown[0]!r}; choose from {', '.join(EXPERIMENTS)}")
    FIGURES.mkdir(exist_ok=True)
    run(names)


if __name__ == "__main__":
    main()
