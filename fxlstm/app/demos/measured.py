"""A published experiment, run: float network, integer program, simulated arrays of several seeds, board; beside the paper."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import fxlstm as fx
from fxlstm.analysis.errors import Spread
from fxlstm.app.demos.experiments import Experiment, Published, Variant
from fxlstm.app.demos.stages import OnBoard, run_on_board
from fxlstm.app.demos.tasks import SHIPPED, Floats, ShippedTask
from fxlstm.program.placement import Placement

URL = "emu://host?device=ta-hfo2&seed=1"
SEEDS = 5
BOARD_TIMESTEPS = 16_000  # a board runs every n-th sequence, so that it ends within seconds
UNKNOWN = "not reported"


@dataclass(frozen=True)
class Row:
    """One line of the table: ``source`` is ``"published"``, ``"baseline"`` or ``"measured"``; metrics not known are absent.

    ``stage``: what ran. ``part``: how many sequences of the test, and of how many; ``None`` for all.
    """

    stage: str
    source: str
    metrics: Mapping[str, Spread]
    more_than: bool = False
    part: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """What ran, and of which part of the test if not all."""
        return self.stage if self.part is None else f"{self.stage}, {self.part_words} sequences"

    @property
    def part_words(self) -> str:
        """The part of the test in words, empty for all of it."""
        return "" if self.part is None else f"{self.part[0]} of {self.part[1]}"

    @classmethod
    def published(cls, result: Published) -> Row:
        """A result as the paper has it."""
        return cls(result.row, "published", _spreads([result.metrics]), result.more_than)


@dataclass(frozen=True, eq=False)
class Measured:
    """An experiment with its rows. ``outputs``: of what ran the whole task, of the first seed. ``reports``: of programming."""

    experiment: Experiment
    task: ShippedTask
    rows: tuple[Row, ...]
    placement: Placement
    outputs: Mapping[str, Floats]
    reports: Mapping[str, str]

    @property
    def heads(self) -> tuple[str, ...]:
        """Heads of the table."""
        return ("", *(column.head for column in self.experiment.columns))

    @property
    def lines(self) -> list[tuple[str, ...]]:
        """Lines of the table: medians, and the least and greatest of the seeds."""
        return [(row.name, *self._cells(row)) for row in self.rows]

    def _cells(self, row: Row) -> Iterator[str]:
        for column in self.experiment.columns:
            spread = row.metrics.get(column.metric)
            yield UNKNOWN if spread is None else "> " * row.more_than + spread.text(column.format)

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers and words, for scripts."""
        about = self.experiment
        rows = [{"name": row.name, "source": row.source, "more_than": row.more_than} | _plain(row) for row in self.rows]
        words = {"name": about.name, "title": about.title, "paper": about.paper, "differences": about.differences}
        return {**words, "rows": rows, "placement": self.placement.as_dict(), "programming": dict(self.reports)}


def measure(
    experiment: Experiment, url: str | None = URL, log: Path | bool = False, seeds: Sequence[int] = range(1, SEEDS + 1)
) -> Measured:
    """Run ``experiment`` at every stage: arrays of ``seeds``, and the board at ``url`` if any, whose readings go to ``log``.

    Variants of one device hold the same cells, which are written as if wires had no resistance.
    """
    task = SHIPPED[experiment.task]()
    program = fx.quantize(task.model, task.calibration, fx.Hardware(**experiment.hardware))
    outputs = {"float network": task.outputs(task.model), "integer program": task.outputs(fx.Engine(program).run)}
    name, metrics = task.baseline
    rows = [Row.published(result) for result in experiment.published]
    rows.append(Row(name, "baseline", _spreads([metrics])))
    rows += [Row(stage, "measured", _spreads([task.metrics(values)])) for stage, values in outputs.items()]
    devices = dict.fromkeys(variant.device for variant in experiment.variants)
    written = {device: [_write(program, device, seed) for seed in seeds] for device in devices}
    for variant in experiment.variants:
        runs = [_run(program, task, variant, array) for array, _ in written[variant.device]]
        outputs[variant.row] = runs[0]
        rows.append(Row(variant.row, "measured", _spreads([task.metrics(values) for values in runs])))
    reports = {f"simulated array, {device}": arrays[0][1] for device, arrays in written.items()}
    if url is not None:
        of_board, board = _on_board(program, task, url, log)
        rows += of_board
        reports[board.name] = board.programming
    return Measured(experiment, task, tuple(rows), program.placement(), outputs, reports)


def integer_rows(experiment: Experiment) -> list[Row]:
    """Return what needs neither arrays nor a board: the baseline, the float network and the integer program."""
    return [row for row in measure(replace(experiment, variants=()), url=None).rows if row.source != "published"]


def _write(program: fx.Program, device: str, seed: int) -> tuple[fx.SimulatedArray, str]:
    """Return an array of fresh cells with ``program`` written into it, and what programming said."""
    hardware = program.hardware
    array = fx.SimulatedArray(hardware.rows, hardware.columns, device, seed, hardware.board)
    return array, str(array.program(program))


def _run(program: fx.Program, task: ShippedTask, variant: Variant, written: fx.SimulatedArray) -> Floats:
    """Return the task's outputs on the written cells among the wires of ``variant``."""
    wires = fx.Wires(row=variant.wire, column=variant.wire)
    array = fx.SimulatedArray.holding(program, written.conductance, variant.device, written.seed, wires=wires)
    if variant.calibrated:
        array.calibrate_columns(program)
    return task.outputs(fx.Engine(program, array=array).run)


def _on_board(program: fx.Program, task: ShippedTask, url: str, log: Path | bool) -> tuple[list[Row], OnBoard]:
    """Return the row of the board at ``url``, which runs as many sequences as it can in seconds, and what it gave.

    Where these are not all, a row before it says what the integer program makes of the same: that is what the board compares with.
    """
    step = math.ceil(task.timesteps() / BOARD_TIMESTEPS)
    few = task.every(step)
    board = run_on_board(program, few.outputs, url, log, "ta-hfo2")
    if step == 1:
        return [Row(board.name, "measured", _spreads([few.metrics(board.outputs)]))], board
    outputs = {"integer program": few.outputs(fx.Engine(program).run), board.name: board.outputs}
    part = few.size, task.size
    return [Row(stage, "measured", _spreads([few.metrics(values)]), part=part) for stage, values in outputs.items()], board


def _spreads(results: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    """Return the spread of each metric."""
    return {metric: Spread.of([result[metric] for result in results]) for metric in (results[0] if results else ())}


def _plain(row: Row) -> dict[str, Any]:
    return {"metrics": {metric: asdict(spread) for metric, spread in row.metrics.items()}}
