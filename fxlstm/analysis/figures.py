"""Figures of an error budget and of a twin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from fxlstm.analysis.canvas import new_figure, save, style

if TYPE_CHECKING:
    from fxlstm.analysis.budget import Budget, SourceError
    from fxlstm.analysis.twin import TwinReport

# Colours that stay apart for colour-blind readers (Okabe and Ito 2008).
ALONE, WITHOUT, RESIDUAL = "#0072B2", "#E69F00", "#D55E00"


def draw_budget(budget: Budget, path: Path) -> None:
    """Draw each source alone and left out, at the output and at each layer that is not the output, into a PNG."""
    panels: list[tuple[str, Sequence[SourceError]]] = [("Output", budget.sources)]
    panels += [(f"Layer {name}", rows) for name, rows in list(budget.layers.items())[:-1]]
    with style():
        figure = new_figure(7.0, 0.7 + len(panels) * (0.55 + 0.19 * len(budget.sources)))
        every = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
        for letter, axes, (title, rows) in zip("abcdefghijklmnopqrstuvwxyz", every, panels, strict=False):
            _draw_sources(axes, rows)
            axes.set_title(f"{letter}  {title}")
        every[0].axvspan(
            budget.everything.low, budget.everything.high * 1.0001, color="0.85", zorder=0, label="error with everything on"
        )
        every[0].axvline(budget.everything.median, color="0.4", linewidth=0.8)
        every[-1].set_xlabel(
            f"RMS (output's signal: {budget.signal:.3g}); line: {len(budget.seeds)} {budget.repeated}, least to greatest"
        )
        every[0].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3)
        save(figure, path)


def _draw_sources(axes: Axes, rows: Sequence[SourceError]) -> None:
    """Draw a bar for each source alone and a mark for the error without it; sources from above in their order."""
    positions = np.arange(len(rows))
    axes.barh(positions, [row.alone.median for row in rows], height=0.6, color=ALONE, label="alone")
    axes.hlines(positions, [row.alone.low for row in rows], [row.alone.high for row in rows], color="black", linewidth=1.0)
    axes.plot([row.without.median for row in rows], positions, "D", color=WITHOUT, markersize=4, label="error without it")
    axes.set_xscale("log")
    axes.set_yticks(positions, [row.source for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="x", labelbottom=True)


def draw_twin(report: TwinReport, path: Path) -> None:
    """Draw the deviations of board and twin and what stays between them, timestep by timestep, into a PNG."""
    with style():
        figure = new_figure(7.0, 0.6 + 1.5 * len(report.timesteps))
        every = figure.subplots(len(report.timesteps), 1, squeeze=False, sharex=True)[:, 0]
        parts = {row.vector: row.part for row in report.rows}
        lines = (("board - ideal", "0.7", 3.0), ("twin - ideal", ALONE, 1.2), ("board - twin", RESIDUAL, 1.0))
        for axes, (name, errors) in zip(every, report.timesteps.items(), strict=True):
            for values, (label, color, width) in zip(errors, lines, strict=True):
                axes.plot(values, color=color, linewidth=width, label=label)
            axes.set_title(f"{name}: the twin explains {100 * parts[name]:.1f} %")
            axes.set_ylabel("RMS")
        every[0].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3)
        every[-1].set_xlabel("timestep")
        save(figure, path)
