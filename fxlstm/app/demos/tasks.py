"""The tasks that ship, as sweeps and experiments run them: inputs, the trained network, and how good outputs are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

import fxlstm
from fxlstm.app.demos.airline_task import AirlineSeries, AirlineTask, LookBackTask
from fxlstm.app.demos.classification import (
    ClassificationTask,
    Labels,
    held_to_one_length,
    japanese_vowels,
    wafer,
    wafer_sequence,
    wafer_single_step,
)
from fxlstm.app.demos.gait_task import gait
from fxlstm.app.demos.shipped import load_shipped, weights_digest
from fxlstm.network import Network
from fxlstm.sweep import Task
from fxlstm.sweep.task import Runs, identity_of

Floats = NDArray[np.float64]


class ShippedTask(Task, Protocol):
    """A task that ships: it has a baseline, and can be made short."""

    @property
    def baseline(self) -> tuple[str, Mapping[str, float]]:
        """What needs no network, in a word, and its metrics."""

    @property
    def model(self) -> Network:
        """The trained network."""

    @property
    def size(self) -> int:
        """Number of sequences."""

    def every(self, step: int) -> Self:
        """Return the task with every ``step``-th sequence alone, or as it is where a series is not cut."""

    def timesteps(self) -> int:
        """Return how many timesteps all sequences have together."""


@dataclass(frozen=True, eq=False)
class AirlineRun:
    """Airline passengers one month ahead: ``rmse`` of the unseen months and ``rmse_seen``, in thousands of passengers.

    ``rmse_of_range`` is the first as a fraction of the series' range.
    """

    series: AirlineSeries
    model: Network
    identity: str

    @property
    def calibration(self) -> Floats:
        """The months learned from."""
        return self.series.calibration

    @property
    def baseline(self) -> tuple[str, Mapping[str, float]]:
        """Each month is as the one before."""
        return "persistence", self._scores(self.series.persistence)

    @property
    def size(self) -> int:
        """One series, as a whole or in windows."""
        return 1

    def timesteps(self) -> int:
        """Return how many timesteps there are."""
        return int(np.prod(self.series.inputs.shape[:-1]))

    def every(self, step: int) -> Self:
        """Return the task as it is: a series is not cut."""
        return self

    def outputs(self, run: Runs) -> Floats:
        """Return what the network says of the next months."""
        return run(self.series.inputs)

    def metrics(self, outputs: Floats) -> Mapping[str, float]:
        """Return the errors over unseen and seen months."""
        return self._scores(self.series.predict(outputs))

    def _scores(self, predicted: Floats) -> Mapping[str, float]:
        unseen, seen = (self.series.score(predicted, months) for months in (self.series.unseen, self.series.seen))
        return {"rmse": unseen.thousands, "rmse_seen": seen.thousands, "rmse_of_range": unseen.fraction}


@dataclass(frozen=True, eq=False)
class ClassificationRun:
    """Sequences put into classes: ``accuracy``, and ``recall`` of the rare class where there is one."""

    data: ClassificationTask
    model: Network
    identity: str

    @property
    def calibration(self) -> Floats:
        """Training sequences."""
        return self.data.calibration

    @property
    def baseline(self) -> tuple[str, Mapping[str, float]]:
        """Every sequence is of the class that is most frequent in training."""
        most_frequent = np.bincount(self.data.train.labels).argmax()
        return "always the most frequent class", self._named(np.full_like(self.data.test.labels, most_frequent))

    @property
    def size(self) -> int:
        """Number of test sequences."""
        return len(self.data.test.labels)

    def timesteps(self) -> int:
        """Return how many timesteps all test sequences have together."""
        return int(self._inputs[1].sum())

    def every(self, step: int) -> Self:
        """Return the task with every ``step``-th test sequence of each class alone, so that classes keep their shares."""
        labels, chosen = self.data.test.labels, np.zeros(self.size, np.bool_)
        for label in np.unique(labels):
            chosen[np.flatnonzero(labels == label)[::step]] = True
        few = self.data.test.part(chosen)
        return replace(self, data=replace(self.data, test=few), identity=identity_of(self.identity, step))

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
        return self._named(outputs.argmax(axis=-1))

    def _named(self, predicted: Labels) -> Mapping[str, float]:
        return {name: value for name, value in asdict(self.data.metrics(predicted)).items() if value is not None}


def _airline(name: str, kind: type[AirlineSeries]) -> ShippedTask:
    network = load_shipped(name)
    return AirlineRun(kind.load(), network, _identity(name, network))


def _classification(make: Callable[[], ClassificationTask]) -> ShippedTask:
    data = make()
    network = data.load_network()
    return ClassificationRun(data, network, _identity(data.name, network))


def _identity(name: str, network: Network) -> str:
    return identity_of(name, weights_digest(network), fxlstm.__version__)


SHIPPED: dict[str, Callable[[], ShippedTask]] = {
    "airline": lambda: _airline("airline", AirlineTask),
    "airline_look_back": lambda: _airline("airline_look_back", LookBackTask),
    "gait": lambda: _classification(gait),
    "japanese_vowels": lambda: _classification(japanese_vowels),
    "wafer": lambda: _classification(wafer),
    "wafer_single_step": lambda: _classification(wafer_single_step),
    "wafer_sequence": lambda: _classification(wafer_sequence),
}
