"""What an error budget is asked of: a network in files, or a task that ships, with the metric by which it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fxlstm.app.demos.tasks import SHIPPED, Floats
from fxlstm.app.files import load_array
from fxlstm.errors import ModelError
from fxlstm.network import load_network


@dataclass(frozen=True)
class Question:
    """``arguments``: those of :func:`fxlstm.error_budget` that say what is run; ``metric_name``: empty without a metric."""

    arguments: dict[str, Any]
    metric_name: str


def question(network: str, calibrate: Path | None, inputs: Path | None, targets: Path | None) -> Question:
    """Return what is asked by a network's file with its arrays, or by the name of a task that ships.

    Raises :class:`ModelError` for what is neither, for a file without inputs, and for targets that do not fit the outputs.
    """
    if network in SHIPPED and not Path(network).exists():
        if calibrate or inputs or targets:
            raise ModelError(f"the task {network!r} has its own data; leave --calibrate, --inputs and --targets out")
        return _shipped(network)
    if calibrate is None:
        raise ModelError(f"{network!r} is no task that ships ({', '.join(SHIPPED)}); for a network's file give --calibrate X.npy")
    loaded, x = load_network(network), load_array(inputs or calibrate)
    arguments = {"network": loaded, "x": x, "calibration": load_array(calibrate)}
    if targets is None:
        return Question(arguments, "")
    wanted = load_array(targets)

    def error(outputs: Floats) -> float:
        if outputs.shape != wanted.shape:
            raise ModelError(f"the targets have shape {wanted.shape}, the outputs {outputs.shape}; give targets of that shape")
        return float(np.sqrt(np.mean((outputs - wanted) ** 2)))

    return Question(arguments | {"metric": error}, "RMSE about the targets")


def _shipped(name: str) -> Question:
    """A task's data is what it gives its network; of its metrics the first counts."""
    task = SHIPPED[name]()
    arguments: dict[str, Any] = {"network": task.model, "calibration": task.calibration}

    def run(x: Any, lengths: Any = None) -> Floats:
        arguments.update(x=x, lengths=lengths)
        outputs: Floats = arguments["network"](x, lengths)
        return outputs

    metric_name = next(iter(task.metrics(task.outputs(run))))
    return Question(arguments | {"metric": lambda outputs: task.metrics(outputs)[metric_name]}, metric_name)
