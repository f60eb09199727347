"""``fxlstm demo airline``: an LSTM with 15 cells on the 128x64 array predicts airline passengers month by month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fxlstm.analysis import canvas
from fxlstm.app import plots
from fxlstm.app.console import print_table
from fxlstm.app.demos.airline_task import AirlineTask, Array, Score, load_trained
from fxlstm.app.demos.experiments import EXPERIMENTS
from fxlstm.app.demos.report import show_setting
from fxlstm.app.demos.stages import Stages, run_stages
from fxlstm.app.files import make_folder

URL = "emu://host?device=ta-hfo2&seed=1"
OUTPUT = Path("demo-output")


@dataclass(frozen=True, eq=False)
class Result:
    """What the demonstration found: predictions in thousands of passengers for months 1.., by stage, and where the plot is."""

    task: AirlineTask
    stages: Stages
    predictions: Mapping[str, Array]
    plot: Path

    def scores(self) -> dict[str, dict[str, Score]]:
        """Return the errors by stage, persistence first, over the months seen in training and the unseen ones."""
        rows = {"persistence": self.task.persistence, **self.predictions}
        return {
            name: {"seen": self.task.score(values, self.task.seen), "unseen": self.task.score(values, self.task.unseen)}
            for name, values in rows.items()
        }

    def added_thousands(self, rms: float) -> float:
        """Return an output error in thousands of passengers at the mean of the unseen months."""
        return rms * self.task.scale * float(self.task.passengers[self.task.unseen].mean())

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers, for scripts."""
        return {
            "rmse": {name: {part: asdict(score) for part, score in parts.items()} for name, parts in self.scores().items()},
            "stages": [asdict(error) for error in self.stages.errors],
            "devices": dict(self.stages.devices),
            "programming": dict(self.stages.programming),
            "months": [str(month) for month in self.task.months[1:]],
            "passengers": self.task.passengers[1:],
            "predictions": dict(self.predictions),
            "plot": str(self.plot),
        }


def run(url: str = URL, output: Path = OUTPUT, device: str = "ta-hfo2", seed: int = 1) -> Result:
    """Run the shipped network at every stage, the board at ``url`` included, and draw ``airline.png`` in folder ``output``.

    The board's measurement log goes into that folder too. ``device`` and ``seed`` are those of the simulated array.
    Print the result with :func:`show`.
    """
    task = AirlineTask.load()
    make_folder(output)
    stages = run_stages(load_trained(), task.inputs, task.calibration, url, output / "measurements.db", device, seed)
    predictions = {name: task.predict(values) for name, values in stages.outputs.items()}
    result = Result(task, stages, predictions, output / "airline.png")
    draw(result)
    return result


def show(result: Result) -> None:
    """Print the errors of every stage and where they come from."""
    rows = [
        (name, *(text for part in ("seen", "unseen") for text in (f"{parts[part].thousands:.1f}", f"{parts[part].fraction:.4f}")))
        for name, parts in result.scores().items()
    ]
    heads = ("RMSE", "seen, thousand", "of range", "unseen, thousand", "of range")
    passengers = result.task.passengers
    print_table(
        f"Airline passengers, {passengers.min():.0f} to {passengers.max():.0f} thousand, predicted one month ahead", heads, rows
    )
    errors = [
        (error.stage, f"{error.rms:.5f}", f"{result.added_thousands(error.rms):.2f}", f"{error.signal_to_noise:.1f}")
        for error in result.stages.errors
    ]
    print_table("Where the error comes from", ("stage", "added to output, RMS", "thousand passengers", "SNR, dB"), errors)
    show_setting(EXPERIMENTS["airline"])
    for name, report in result.stages.programming.items():
        print(f"Programming the {name}: {report}.")
    print(f"Picture: {result.plot}")


def draw(result: Result) -> None:
    """Draw predictions, their errors, each stage's error, and the array's conductances into one picture."""
    task = result.task
    first = np.array([np.nan])
    series = {name: np.concatenate([first, values]) for name, values in result.predictions.items()}
    baseline = np.concatenate([first, task.persistence])
    errors = {name: values - task.passengers for name, values in series.items()}
    with canvas.style():
        figure = canvas.new_figure(10.5, 8.6)
        grid = figure.add_gridspec(3, 3, height_ratios=(1.35, 0.8, 1.0))
        top = figure.add_subplot(grid[0, :])
        plots.draw_predictions(top, task.months, task.passengers, series, baseline, task.learned)
        top.set_title("a  Airline passengers, predicted one month ahead")
        middle = figure.add_subplot(grid[1, :2], sharex=top)
        plots.draw_errors(middle, task.months, errors, baseline - task.passengers, task.learned, "thousands")
        middle.set_title("b  Error of each prediction (bars: persistence)")
        stages = figure.add_subplot(grid[1, 2])
        names = [error.stage for error in result.stages.errors]
        words = [f"{error.signal_to_noise:.0f} dB" for error in result.stages.errors]
        plots.draw_stages(stages, names, [error.rms for error in result.stages.errors], words)
        stages.set(title="c  Error added to the output, by stage", xlabel="RMS, output full scale = 1")
        maps = [figure.add_subplot(grid[2, column]) for column in range(3)]
        plots.draw_conductance_maps(figure, maps, result.stages.target, result.stages.measured)
        for letter, axes in zip("def", maps, strict=True):
            axes.set_title(f"{letter}  {axes.get_title(loc='left')}")
        canvas.save(figure, result.plot)
