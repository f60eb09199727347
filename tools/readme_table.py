#!/usr/bin/env python3
"""Measure the table of README.md by running the airline demonstration, and write it between its markers."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fxlstm.app.demos import airline
from generators.pages import fill, table

README = Path(__file__).resolve().parent.parent / "README.md"


def measured_table() -> str:
    """Run the demonstration and return its errors as Markdown tables."""
    with tempfile.TemporaryDirectory() as folder:
        result = airline.run(output=Path(folder))
    scores = result.scores()
    errors = table(
        ("RMSE, one month ahead", "96 months seen, thousand", "48 unseen months, thousand", "unseen, of the range"),
        [
            (name, f"{score['seen'].thousands:.1f}", f"{score['unseen'].thousands:.1f}", f"{score['unseen'].fraction:.4f}")
            for name, score in scores.items()
        ],
    )
    stages = table(
        ("what adds to the output's error", "RMS, full scale 1", "thousand passengers", "signal to noise, dB"),
        [
            (error.stage, f"{error.rms:.5f}", f"{result.added_thousands(error.rms):.2f}", f"{error.signal_to_noise:.1f}")
            for error in result.stages.errors
        ],
    )
    return f"{errors}\n\n{stages}"


def main() -> None:
    """Write the table."""
    README.write_text(fill(README.read_text(), "measured", measured_table()))


if __name__ == "__main__":
    main()
