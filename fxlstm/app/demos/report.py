"""A measured experiment on the terminal."""

from __future__ import annotations

from pathlib import Path

from fxlstm.app.console import print_table
from fxlstm.app.demos.experiments import Experiment
from fxlstm.app.demos.measured import Measured


def show(result: Measured, picture: Path) -> None:
    """Print the table, what differs from the paper, and where the network stands on its array."""
    print_table(result.experiment.title, result.heads, result.lines)
    show_setting(result.experiment)
    for name, words in result.reports.items():
        print(f"Programming the {name}: {words}.")
    print(result.placement)
    print(f"Picture: {picture}")


def show_setting(experiment: Experiment) -> None:
    """Print which paper an experiment is compared with, and in what it differs from it."""
    print(f"Published: {experiment.paper}. Differences:")
    for sentence in experiment.differences:
        print(f"- {sentence}")
