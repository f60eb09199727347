#!/usr/bin/env python3
"""Run random models of all sizes and flags through the importers, and write count and largest differences into docs/evidence.md."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

for library in ("OMP", "OPENBLAS"):  # each process computes on one core
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from generators.pages import fill, table  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "evidence.md"
sys.path.append(str(ROOT / "tests" / "network"))
from random_importers import IMPORTERS, LIMITS, difference, importer_of  # noqa: E402

CHUNK = 20


def differences(numbers: range) -> list[tuple[int, float]]:
    """Return the difference of each case."""
    return [(number, difference(number)) for number in numbers]


def run(count: int, jobs: int) -> Iterator[tuple[int, float]]:
    """Yield number and difference of so many cases, in so many processes."""
    chunks = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    with ProcessPoolExecutor(jobs) as pool:
        for results in pool.map(differences, chunks):
            yield from results


def main() -> None:
    """Run, and write the table unless a case is beyond its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2100, help="how many models, a third of each framework (default 2100)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)")
    options = parser.parse_args()
    found: dict[str, list[float]] = {importer: [] for importer in IMPORTERS}
    for number, value in run(options.cases, options.jobs):
        importer = importer_of(number)
        found[importer].append(value)
        if value > LIMITS[importer]:
            raise SystemExit(
                f"case {number}, {importer}: {value:.1e} from what the framework gives; at most {LIMITS[importer]:.0e}"
            )
    rows = [(importer, len(values), f"{max(values):.0e}") for importer, values in found.items()]
    heads = (f"measured {datetime.date.today()}", "random models", "largest difference")
    PAGE.write_text(fill(PAGE.read_text(), "importers", table(heads, rows)))


if __name__ == "__main__":
    main()
