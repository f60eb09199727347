"""The picture of a measured experiment: what goes in, what comes out, how good that is at every stage, where the weights stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from fxlstm.analysis import canvas
from fxlstm.analysis.errors import Spread
from fxlstm.app import plots
from fxlstm.app.demos.airline_task import AirlineSeries
from fxlstm.app.demos.classification import ClassificationTask
from fxlstm.app.demos.measured import Measured
from fxlstm.app.demos.tasks import AirlineRun, ClassificationRun, Floats
from fxlstm.data import WALKING_RATE

Indices = NDArray[np.int64]

MARKS = {"published": ("D", "#D55E00"), "baseline": ("s", "0.5"), "measured": ("o", "#0072B2")}
EXAMPLES = 3  # sequences drawn of each class
SHOWN = 4  # predictions in one panel


@dataclass(frozen=True)
class Trace:
    """How a sequence is drawn as one line: which numbers of it, what a step along the axis is, and how the classes are called.

    ``overlap``: distance between two classes, as part of the largest swing.
    """

    title: str
    axis: str
    values: Callable[[Floats], Floats]
    names: Callable[[int], list[str]]
    step: float = 1.0
    overlap: float = 0.6


def _numbered(word: str) -> Callable[[int], list[str]]:
    return lambda count: [f"{word} {number + 1}" for number in range(count)]


def _readings(sequence: Floats) -> Floats:
    return sequence.ravel()


WAFER = Trace("Sensor readings", "reading", _readings, lambda _: ["normal", "abnormal"], overlap=1.0)
TRACES = {
    "gait": Trace("Vertical acceleration", "seconds", lambda x: x[:10, 1:-2:3].ravel(), _numbered("person"), 1 / WALKING_RATE),
    "japanese_vowels": Trace("First coefficient", "frame", lambda x: x[:, 0], _numbered("speaker")),
    "wafer": WAFER,
    "wafer_single_step": WAFER,
    "wafer_sequence": WAFER,
}


def draw(result: Measured, path: Path) -> None:
    """Draw an experiment into a PNG."""
    with canvas.style():
        figure = canvas.new_figure(7.6, 6.2)
        grid = figure.add_gridspec(2, 1, height_ratios=(1.0, 0.95))
        above, below = (figure.add_subfigure(grid[row, 0]) for row in range(2))
        if isinstance(result.task, AirlineRun):
            _draw_series(above.add_subplot(), result.task.series, result)
            letters = "bc"
        else:
            assert isinstance(result.task, ClassificationRun)
            examples, answers = above.subplots(1, 2, width_ratios=(1.4, 1.0))
            _draw_examples(examples, result.task.data)
            stage = result.experiment.variants[0].row
            _draw_confusion(answers, result.task.data, result.outputs[stage])
            answers.set_title(f"b  Answers, {stage}")
            letters = "cd"
        rows, places = below.subplots(1, 2, width_ratios=(1.5, 1.0))
        _draw_rows(rows, result)
        plots.draw_placement([places], result.placement)
        rows.set_title(f"{letters[0]}  {_capital(result.experiment.columns[0].head)}")
        places.set_title(f"{letters[1]}  {_capital(places.get_title(loc='left'))}")
        canvas.save(figure, path)


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _draw_series(axes: Axes, series: AirlineSeries, result: Measured) -> None:
    """Draw the passengers with the predictions of the first stages."""
    first = np.array([np.nan])
    outputs = list(result.outputs.items())[:SHOWN]
    predictions = {name: np.concatenate([first, series.predict(values)]) for name, values in outputs}
    baseline = np.concatenate([first, series.persistence])
    plots.draw_predictions(axes, series.months, series.passengers, predictions, baseline, series.learned)
    axes.set_title(f"a  {result.experiment.title}")


def _draw_examples(axes: Axes, task: ClassificationTask) -> None:
    """Draw a few test sequences of each class, one class below the other."""
    trace = TRACES[task.name]
    traces = [[trace.values(task.test.sequences[index]) for index in _examples(task, label)] for label in range(task.classes)]
    apart = trace.overlap * max(float(np.ptp(values)) for group in traces for values in group)
    for label, group in enumerate(traces):
        for values in group:
            x = np.arange(len(values)) * trace.step
            axes.plot(x, values - values.mean() - label * apart, color=plots.COLORS[label % (len(plots.COLORS) - 1)], linewidth=0.7)
    axes.set_yticks([-label * apart for label in range(task.classes)], trace.names(task.classes))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set(xlabel=trace.axis, title=f"a  {trace.title}, {EXAMPLES} test sequences of each")


def _examples(task: ClassificationTask, label: int) -> Indices:
    """Return a few test sequences of a class, spread evenly."""
    members = np.flatnonzero(task.test.labels == label)
    return members[np.rint(np.linspace(0, len(members) - 1, EXAMPLES)).astype(np.int64)]


def _draw_confusion(axes: Axes, task: ClassificationTask, outputs: Floats) -> None:
    """Draw which class the sequences of each class are put into, in percent."""
    counts = np.zeros((task.classes, task.classes))
    np.add.at(counts, (task.test.labels, outputs.argmax(axis=-1)), 1)
    percent = 100 * counts / counts.sum(axis=1, keepdims=True)
    axes.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    for row, column in np.ndindex(percent.shape):
        if percent[row, column] >= 0.5:
            color = "white" if percent[row, column] > 55 else "black"
            axes.annotate(f"{percent[row, column]:.0f}", (column, row), ha="center", va="center", fontsize=7, color=color)
    names = TRACES[task.name].names(task.classes)
    short = names if task.classes == 2 else [name.split()[-1] for name in names]
    axes.set_xticks(range(task.classes), short)
    axes.set_yticks(range(task.classes), short, rotation=90 if task.classes == 2 else 0, va="center")
    axes.tick_params(length=0)
    axes.spines[["top", "right"]].set_visible(True)
    axes.set(xlabel="answer (% of the true class)", ylabel="true class")


def _draw_rows(axes: Axes, result: Measured) -> None:
    """Draw the first column of the table: medians with the range of the seeds, the paper's results apart."""
    column = result.experiment.columns[0]
    rows = [row for row in result.rows if column.metric in row.metrics]
    spreads = [row.metrics[column.metric] for row in rows]
    low, high = _limits([spread for row, spread in zip(rows, spreads, strict=True) if row.source != "baseline"])
    for position, (row, spread) in enumerate(zip(rows, spreads, strict=True)):
        marker, color = MARKS[row.source]
        if spread.median < low:
            axes.annotate(f"◂ {spread.median:{column.format}}", (low, position), va="center", color=color)
            continue
        axes.hlines(position, spread.low, spread.high, color=color, linewidth=2.0, alpha=0.5)
        axes.plot(spread.median, position, marker, color=color, markersize=5)
        words = ("> " if row.more_than else "") + f"{spread.median:{column.format}}"
        axes.annotate(words, (spread.high, position), xytext=(6, 0), textcoords="offset points", va="center")
    axes.set_xlim(low, high)
    axes.locator_params(axis="x", nbins=6)
    if column.format.endswith("%"):
        axes.set_xticks([tick for tick in axes.get_xticks() if low <= tick <= min(high, 1.0)])
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="x", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)


def _limits(spreads: Sequence[Spread]) -> tuple[float, float]:
    """Return the ends of an axis that shows these, with room for words on the right."""
    low, high = min(spread.low for spread in spreads), max(spread.high for spread in spreads)
    room = max(high - low, 0.02 * high)
    return low - 0.15 * room, high + 0.35 * room
