"""Figures for results: predictions, their errors, and conductance maps of an array. Each function draws on axes it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fxlstm.program.placement import Placement
    from fxlstm.sweep.bands import Band

Array = NDArray[np.float64]

# One style per prediction, wide below narrow, so that curves that agree stay visible; colours that stay apart for colour-blind
# readers (Okabe and Ito 2008).
LINES: tuple[dict[str, Any], ...] = (
    {"color": "#A6CBE3", "linewidth": 4.5},
    {"color": "#0072B2", "linewidth": 2.2},
    {"color": "#E69F00", "linewidth": 1.4},
    {"color": "#D55E00", "linewidth": 1.0, "linestyle": (0, (3, 2))},
)
LAYERS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "black")
UNITS_OF_METRICS = {"signal_to_noise": "signal to noise (dB)", "programming_error": "programming error, RMS (S)"}
GREY = "0.55"
UNSEEN = "0.94"
NARROW_TILE = 20  # columns, too few for words that lie: what is no taller than twice that goes into a legend
THIN_TILE = 8  # columns, too few even for words that stand


def draw_predictions(
    axes: Axes, months: NDArray[np.datetime64], actual: Array, predictions: Mapping[str, Array], baseline: Array, learned: int
) -> None:
    """Draw a series of passengers, its predictions and a baseline (the series' length, NaN where there is none) over ``months``."""
    days = _days(axes, months, learned)
    axes.plot(days, baseline, color=GREY, linewidth=0.8, linestyle=":", label="persistence")
    axes.plot(days, actual, color="black", marker="o", markersize=2.2, linewidth=0.6, zorder=3, label="actual")
    for line, (name, values) in zip(LINES, predictions.items(), strict=False):
        axes.plot(days, values, label=name, **line)
    for day, words, side in ((days[learned - 1], "learned ", "right"), (days[learned], " unseen", "left")):
        axes.annotate(words, (day, 0.02), xycoords=("data", "axes fraction"), ha=side, color="0.35", style="italic")
    axes.set_ylabel("passengers (thousands)")
    axes.legend(loc="upper left", ncols=2)


def draw_errors(
    axes: Axes, months: NDArray[np.datetime64], errors: Mapping[str, Array], baseline: Array, learned: int, unit: str
) -> None:
    """Draw the errors of predictions, month by month, before bars of the baseline's error."""
    days = _days(axes, months, learned)
    axes.bar(days, baseline, width=22, color="0.8", label="persistence")
    for line, (name, values) in zip(LINES, errors.items(), strict=False):
        axes.plot(days, values, label=name, **line)
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set_ylabel(f"error ({unit})")


def _days(axes: Axes, months: NDArray[np.datetime64], learned: int) -> NDArray[np.datetime64]:
    """Shade the unseen months and return all as days, which Matplotlib draws."""
    days = months.astype("datetime64[D]")
    margin = np.timedelta64(20, "D")  # for the marks of the first and the last month
    axes.axvspan(days[learned], days[-1] + margin, color=UNSEEN, zorder=0)
    axes.set_xlim(days[0] - margin, days[-1] + margin)
    return days


def draw_stages(axes: Axes, names: Sequence[str], errors: Sequence[float], words: Sequence[str]) -> None:
    """Draw the error that each stage adds as bars, the last one (all together) apart, with ``words`` beside each."""
    positions = np.arange(len(names))[::-1]
    axes.barh(positions, errors, color=[LINES[1]["color"]] * (len(names) - 1) + ["0.4"], height=0.6)
    for position, error, word in zip(positions, errors, words, strict=True):
        axes.annotate(word, (error, position), xytext=(3, 0), textcoords="offset points", va="center")
    axes.set_yticks(positions, names)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.2 * max(errors))
    axes.locator_params(axis="x", nbins=4)


def draw_signal_to_noise(axes: Axes, stages: Sequence[tuple[str, str, float | None]]) -> None:
    """Draw signal to noise as bars, one per (layer, stage, decibel), each layer in its colour; stages without error have no bar."""
    layers = list(dict.fromkeys(layer for layer, _, _ in stages))
    for position, (layer, _, decibel) in enumerate(stages):
        color = LAYERS[layers.index(layer) % len(LAYERS)]
        axes.barh(position, decibel or 0.0, height=0.7, color=color)
        words = "no error" if decibel is None else f"{decibel:.1f}"
        axes.annotate(words, (max(decibel or 0.0, 0.0), position), xytext=(3, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(stages)), [f"{layer}  {stage}" for layer, stage, _ in stages])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(stages) - 0.4, -0.6)
    axes.set_xlabel("signal to noise (dB)")


def draw_bands(axes: Axes, bands: Sequence[Band], x: str, y: str, by: str | None) -> None:
    """Draw the mean of metric ``y`` over parameter ``x`` as a line with its confidence band, one for each value of ``by``."""
    for index, band in enumerate(bands):
        color = COLORS[index % len(COLORS)]
        style = ("-", "--", ":", "-.")[index // len(COLORS) % 4]
        axes.fill_between(band.x, band.low, band.high, color=color, alpha=0.2, linewidth=0)
        axes.plot(band.x, band.mean, style, color=color, marker="o", markersize=3, label=band.label)
    axes.set(xlabel=x, ylabel=UNITS_OF_METRICS.get(y, y))
    if by is not None:
        axes.legend(title=by)


def draw_conductance_maps(figure: Figure, axes: Sequence[Axes], target: Array, measured: Array) -> None:
    """Draw target, measured conductance (siemens, NaN: no cell) and their difference on three axes, in microsiemens.

    Cells far outside the difference's colours, such as stuck ones, are ringed.
    """
    target, measured = used_part(target) * 1e6, used_part(measured, of=target) * 1e6
    error = measured - target
    colors = {"cmap": "viridis", "vmin": np.nanmin(target), "vmax": np.nanmax(target)}
    span = max(float(np.nanpercentile(np.abs(error), 99)), 1e-3)
    _draw_map(figure, axes[0], target, "target conductance (µS)", colors)
    _draw_map(figure, axes[1], measured, "measured conductance (µS)", colors)
    _draw_map(figure, axes[2], error, "measured - target (µS)", {"cmap": "RdBu_r", "vmin": -span, "vmax": span})
    rows, columns = np.nonzero(np.abs(error) > 5 * span)
    if len(rows):
        axes[2].scatter(columns, rows, s=45, facecolors="none", edgecolors="black")
        axes[2].set_xlabel(f"column   (○ off by more than {5 * span:.0f} µS)")


def _draw_map(figure: Figure, axes: Axes, values: Array, title: str, colors: Mapping[str, Any]) -> None:
    """Draw one map with its colour scale."""
    image = axes.imshow(values, interpolation="nearest", aspect="auto", **colors)
    axes.set(title=title, xlabel="column", ylabel="row")
    axes.spines[["top", "right"]].set_visible(True)
    beyond = "both" if np.nanmin(values) < colors["vmin"] or np.nanmax(values) > colors["vmax"] else "neither"
    figure.colorbar(image, ax=axes, pad=0.02, extend=beyond)


def used_part(values: Array, of: Array | None = None) -> Array:
    """Return the rectangle from the first cell on that holds every finite value of ``of``, by default of ``values``."""
    rows, columns = np.nonzero(np.isfinite(values if of is None else of))
    return values[: rows.max() + 1, : columns.max() + 1]


def draw_placement(axes: Sequence[Axes], placement: Placement) -> None:
    """Draw each array with its tiles on axes of its own, every matrix in its colour; axes left over are taken away."""
    matrices = list(dict.fromkeys(tile.matrix for tile in placement.tiles))
    for axis, array in zip(axes, placement.arrays, strict=False):
        for tile in placement.on(array):
            color = COLORS[matrices.index(tile.matrix) % (len(COLORS) - 1)]
            corner, size = (tile.array_column, tile.array_row), (tile.device_columns, tile.device_rows)
            words = f"{tile.matrix}\n{tile.device_rows} × {tile.device_columns}"
            narrow = tile.device_columns < (NARROW_TILE if tile.device_rows < 2 * NARROW_TILE else THIN_TILE)
            label = words.replace("\n", " ") if narrow else None
            axis.add_patch(Rectangle(corner, *size, facecolor=color, edgecolor="white", linewidth=1, alpha=0.8, label=label))
            if not narrow:
                middle = corner[0] + size[0] / 2, corner[1] + size[1] / 2
                turned = 90 if size[1] > 2 * size[0] else 0
                axis.annotate(words, middle, ha="center", va="center", rotation=turned, fontsize=7, clip_on=True)
        title = f"array {array}: {100 * placement.utilisation[array]:.1f} % used"
        axis.set(title=title, xlim=(0, placement.columns), ylim=(placement.rows, 0), xlabel="column", ylabel="row", aspect="equal")
        axis.set_facecolor(UNSEEN)
        axis.spines[["top", "right"]].set_visible(True)
        if axis.get_legend_handles_labels()[1]:
            axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), handlelength=1.0, borderaxespad=0.0)  # hides no tile
    for axis in axes[len(placement.arrays) :]:
        axis.remove()


def draw_fit(axes: Axes, residuals: Axes, gates: Array, conductances: Array, line: Array, band: Array) -> None:
    """Draw SETs (gate volts, siemens) with the line fitted to them and a ``band`` on both sides, and their distances from it."""
    order = np.argsort(gates)
    low, high = (line - band)[order] * 1e6, (line + band)[order] * 1e6
    axes.fill_between(gates[order], low, high, color=LINES[0]["color"], alpha=0.5, linewidth=0, label="two RMS residuals")
    axes.plot(gates[order], line[order] * 1e6, color=LAYERS[0], label="fit")
    axes.plot(gates, conductances * 1e6, ".", color="black", markersize=2, label="measured")
    axes.set_ylabel("conductance (µS)")
    axes.legend(loc="upper left")
    residuals.axhline(0, color=GREY, linewidth=0.8)
    residuals.plot(gates, (conductances - line) * 1e6, ".", color="black", markersize=2)
    residuals.set_xlabel("gate voltage (V)")
    residuals.set_ylabel("distance (µS)")
