"""The tasks that a plan may name: those that ship, and a network or program with inputs in files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import fxlstm
from fxlstm.app.demos.airline_task import AirlineTask, load_trained
from fxlstm.app.demos.classification import ClassificationTask, held_to_one_length, japanese_vowels, wafer
from fxlstm.app.demos.shipped import weights_digest
from fxlstm.app.files import load_array
from fxlstm.errors import ModelError, SweepError
from fxlstm.network import Network, load_network
from fxlstm.program.program import Program
from fxlstm.sweep import SequenceTask, Task
from fxlstm.sweep.task import Runs, identity_of

Floats = NDArray[np.float64]
MODELS = ("network", "program")
FILES = (*MODELS, "inputs", "calibration", "targets")


@dataclass(frozen=True, eq=False)
class AirlineSweep:
    """Airline passengers one month ahead; ``rmse`` of the unseen months and ``rmse_seen``, in thousands of passengers."""

    series: AirlineTask
    model: Network
    identity: str

    @property
    def calibration(self) -> Floats:
        """The months learned from."""
        return self.series.inputs[: self.series.learned - 1]

    def outputs(self, run: Runs) -> Floats:
        """Return the predicted changes."""
        return run(self.series.inputs)

    def metrics(self, outputs: Floats) -> Mapping[str, float]:
        """Return the errors over unseen and seen months."""
        task, predicted = self.series, self.series.predict(outputs)
        return {"rmse": task.score(predicted, task.unseen).thousands, "rmse_seen": task.score(predicted, task.seen).thousands}


@dataclass(frozen=True, eq=False)
class ClassificationSweep:
    """Sequences put into classes: ``accuracy``, and ``recall`` of the rare class where there is one."""

    data: ClassificationTask
    model: Network
    identity: str

    @property
    def calibration(self) -> Floats:
        """Training sequences."""
        return self.data.calibration

    @cached_property
    def _inputs(self) -> tuple[Floats, NDArray[np.int64]]:
        sequences = self.data.test.sequences
        return held_to_one_length(sequences), np.array([len(sequence) for sequence in sequences])

    def outputs(self, run: Runs) -> Floats:
        """Return the last output of every test sequence."""
        x, lengths = self._inputs
        return run(x, lengths)

    def metrics(self, outputs: Floats) -> Mapping[str, float]:
        """Return accuracy and recall."""
        found = asdict(self.data.metrics(outputs.argmax(axis=-1)))
        return {name: value for name, value in found.items() if value is not None}


def _airline() -> Task:
    network = load_trained()
    return AirlineSweep(AirlineTask.load(), network, _identity("airline", network))


def _classification(make: Callable[[], ClassificationTask]) -> Task:
    data = make()
    network = data.load_network()
    return ClassificationSweep(data, network, _identity(data.name, network))


def _identity(name: str, network: Network) -> str:
    return identity_of(name, weights_digest(network), fxlstm.__version__)


SHIPPED: dict[str, Callable[[], Task]] = {
    "airline": _airline,
    "japanese_vowels": lambda: _classification(japanese_vowels),
    "wafer": lambda: _classification(wafer),
}


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
