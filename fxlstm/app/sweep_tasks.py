"""The tasks that a plan may name: those that ship, and a network or program with inputs in files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import fxlstm
from fxlstm.app.demos.tasks import SHIPPED
from fxlstm.app.files import load_array
from fxlstm.errors import ModelError, SweepError
from fxlstm.network import Network, load_network
from fxlstm.program.program import Program
from fxlstm.sweep import SequenceTask, Task
from fxlstm.sweep.task import identity_of

MODELS = ("network", "program")
FILES = (*MODELS, "inputs", "calibration", "targets")


def load_task(written: str | Mapping[str, str], folder: Path) -> Task:
    """Return the task that a plan names; paths are relative to the ``folder`` of the plan.

    Raises :class:`SweepError` for an unknown task, :class:`ModelError` for files that hold no network or no inputs for it.
    """
    if isinstance(written, str):
        if written not in SHIPPED:
            raise SweepError(f"no task {written!r}; choose from {', '.join(SHIPPED)}, or name files: {', '.join(FILES)}")
        return SHIPPED[written]()
    if unknown := sorted(written.keys() - set(FILES)):
        raise SweepError(f"task: {unknown[0]!r} is no file of a task; it has {', '.join(FILES)}")
    if "inputs" not in written or len(written.keys() & set(MODELS)) != 1:
        raise SweepError("task: give inputs and either a network or a program")
    return _task_of_files({name: folder / path for name, path in written.items()})


def _task_of_files(paths: Mapping[str, Path]) -> Task:
    arrays = {name: load_array(path) for name, path in paths.items() if name not in MODELS}
    inputs, targets = arrays["inputs"], arrays.get("targets")
    model = Program.load(paths["program"]) if "program" in paths else load_network(paths["network"])
    if not isinstance(model, Network | Program):
        raise ModelError(f"{os.fspath(paths['network'])!r} takes more than sequences; a sweep runs on those alone")
    file = paths.get("program") or paths["network"]
    parts = [f"{name} {identity_of(array)}" for name, array in sorted(arrays.items())]
    identity = identity_of(file.read_bytes(), *parts, fxlstm.__version__)
    task = SequenceTask(identity, model, inputs, arrays.get("calibration", inputs), targets)
    _check(task)
    return task


def _check(task: SequenceTask) -> None:
    """Run the task once without an array, so that what does not fit is said before the sweep."""
    from fxlstm.core.engine import Engine

    model = task.model
    outputs = task.outputs(model if isinstance(model, Network) else Engine(model).run)
    if task.targets is not None and task.targets.shape != outputs.shape:
        raise SweepError(f"the targets have shape {task.targets.shape}, the outputs {outputs.shape}; give targets of that shape")
