"""Figures for results: predictions, their errors, and conductance maps of an array. Each function draws on axes it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fxlstm.app.files import write_whole

Array = NDArray[np.float64]

STYLE: dict[str, Any] = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
}
# Colours that stay apart for colour-blind readers (Okabe and Ito 2008), with marks for print in grey.
MARKS = (("#0072B2", "-"), ("#56B4E9", "--"), ("#E69F00", "-"), ("#D55E00", "-"), ("#009E73", "--"))
GREY = "0.55"


def draw_predictions(
    axes: Axes, months: NDArray[np.datetime64], actual: Array, predictions: Mapping[str, Array], baseline: Array, learned: int
) -> None:
    """Draw a series, its predictions and a baseline (all of the series' length, NaN where there is none) over ``months``."""
    days = months.astype("datetime64[D]")
    axes.axvspan(days[learned], days[-1], color="0.94", zorder=0)
    axes.plot(days, baseline, color=GREY, linewidth=0.8, linestyle=":", label="persistence")
    axes.plot(days, actual, color="black", marker="o", markersize=2.2, linewidth=0.8, label="actual")
    for (color, line), (name, values) in zip(MARKS, predictions.items(), strict=False):
        axes.plot(days, values, line, color=color, label=name)
    axes.set(xlim=(days[0], days[-1]), ylabel="passengers (thousands)")
    axes.text(0.665 + 0.005, 0.03, "unseen", transform=axes.transAxes, color="0.35", style="italic")
    axes.legend(loc="upper left", ncols=2)


def draw_errors(
    axes: Axes, months: NDArray[np.datetime64], errors: Mapping[str, Array], baseline: Array, learned: int, unit: str
) -> None:
    """Draw the errors of predictions, month by month, before bars of the baseline's error."""
    days = months.astype("datetime64[D]")
    axes.axvspan(days[learned], days[-1], color="0.94", zorder=0)
    axes.bar(days, baseline, width=22, color="0.8", label="persistence")
    for (color, line), (name, values) in zip(MARKS, errors.items(), strict=False):
        axes.plot(days, values, line, color=color, linewidth=1.0, label=name)
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set(xlim=(days[0], days[-1]), ylabel=f"error ({unit})")


def draw_stages(axes: Axes, names: Sequence[str], errors: Sequence[float], words: Sequence[str]) -> None:
    """Draw the error that each stage adds as bars on a logarithmic axis, with ``words`` beside each."""
    positions = np.arange(len(names))[::-1]
    axes.barh(positions, errors, color=[MARKS[0][0]] * (len(names) - 1) + ["0.4"], height=0.6)
    axes.set_xscale("log")
    for position, error, word in zip(positions, errors, words, strict=True):
        axes.annotate(word, (error, position), xytext=(3, 0), textcoords="offset points", va="center")
    axes.set_yticks(positions, names)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.2)


def draw_conductance_maps(figure: Figure, axes: Sequence[Axes], target: Array, measured: Array) -> None:
    """Draw target, measured conductance (siemens, NaN: no cell) and their difference on three axes, in microsiemens."""
    target, measured = used_part(target) * 1e6, used_part(measured, of=target) * 1e6
    error = measured - target
    low, high = np.nanmin(target), np.nanmax(target)
    span = float(np.nanpercentile(np.abs(error), 99))
    panels: tuple[tuple[str, Array, dict[str, Any]], ...] = (
        ("target conductance", target, {"cmap": "viridis", "vmin": low, "vmax": high}),
        ("measured conductance", measured, {"cmap": "viridis", "vmin": low, "vmax": high}),
        ("measured - target", error, {"cmap": "RdBu_r", "vmin": -span, "vmax": span}),
    )
    for axis, (title, values, colors) in zip(axes, panels, strict=True):
        image = axis.imshow(values, interpolation="nearest", aspect="auto", **colors)
        axis.set(title=f"{title} (µS)", xlabel="column", ylabel="row")
        axis.spines[["top", "right"]].set_visible(True)
        figure.colorbar(image, ax=axis, pad=0.02, extend="both" if title == panels[-1][0] else "neither")


def used_part(values: Array, of: Array | None = None) -> Array:
    """Return the smallest rectangle from the first cell that holds every finite value of ``of`` (``values`` itself if not given)."""
    rows, columns = np.nonzero(np.isfinite(values if of is None else of))
    return values[: rows.max() + 1, : columns.max() + 1]


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches that needs no display."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all."""
    write_whole(path, lambda file: figure.savefig(file, format="png", dpi=200))


def style() -> Any:
    """Return the context in which to draw a figure."""
    return matplotlib.rc_context(STYLE)
