"""Classification tasks with data and trained networks that ship: who speaks (JapaneseVowels), which wafer is faulty (Wafer).

The network's largest output at a sequence's last timestep names its class. ``tools/train_tasks.py`` made the networks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.app.demos.shipped import load_shipped
from fxlstm.data import Array, Labelled, load_japanese_vowels, load_wafer
from fxlstm.network import Network

WAFER_STEPS = 19  # of 8 readings each
CALIBRATION_SEQUENCES = 60
HELD_BACK = 5  # every so manieth training sequence, when choosing

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Metrics:
    """Share of sequences put into their class; ``recall``: the same among those of the rare class alone, ``None`` without one."""

    accuracy: float
    recall: float | None = None


@dataclass(frozen=True, eq=False)
class ClassificationTask:
    """Sequences to learn from and to test with, for a network that ends in one output per class.

    ``name``: of the network's file. ``cells``: of its LSTM. ``rare``: the class whose recall counts beside the accuracy. ``bias``:
    whether the network has biases. ``choice``: sequences to learn and to compare settings with; by default every fifth of ``train``
    is held back.
    """

    name: str
    title: str
    train: Labelled
    test: Labelled
    cells: int
    rare: int | None = None
    bias: bool = True
    choice: tuple[Labelled, Labelled] | None = None

    @property
    def inputs(self) -> int:
        """Features at each timestep."""
        return int(self.train.sequences[0].shape[1])

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.train.labels.max()) + 1

    @property
    def for_choosing(self) -> tuple[Labelled, Labelled]:
        """Training sequences to learn, and others to compare settings with before the test."""
        if self.choice is not None:
            return self.choice
        held_back = np.arange(len(self.train.sequences)) % HELD_BACK == 0
        return self.train.part(~held_back), self.train.part(held_back)

    @property
    def calibration(self) -> Array:
        """Every n-th training sequence, 60 or a few more, (batch, time, features); shorter ones go on with their last timestep."""
        chosen = self.train.sequences[:: len(self.train.sequences) // CALIBRATION_SEQUENCES]
        return held_to_one_length(chosen)

    def load_network(self) -> Network:
        """Return the trained network that ships with fxlstm; its metadata says how it was made."""
        return load_shipped(self.name)

    def metrics(self, predicted: Labels) -> Metrics:
        """Return how well labels predicted for the test sequences agree with the true ones."""
        right = predicted == self.test.labels
        return Metrics(float(right.mean()), None if self.rare is None else float(right[self.test.labels == self.rare].mean()))


def japanese_vowels() -> ClassificationTask:
    """Return the task of telling nine speakers apart: 12 coefficients per frame, 7 to 29 frames."""
    return ClassificationTask("japanese_vowels", "JapaneseVowels", *load_japanese_vowels(), cells=14)


def wafer() -> ClassificationTask:
    """Return the task of finding abnormal wafers: 19 timesteps of 8 successive readings."""
    train, test = (_folded(part, WAFER_STEPS) for part in load_wafer())
    return ClassificationTask("wafer", "Wafer", train, test, cells=8, rare=1)


def wafer_single_step() -> ClassificationTask:
    """Return the task of finding abnormal wafers from all 152 readings at one timestep, with four cells."""
    train, test = (_folded(part, 1) for part in load_wafer())
    return ClassificationTask("wafer_single_step", "Wafer, 1 step of 152", train, test, cells=4, rare=1)


def wafer_sequence() -> ClassificationTask:
    """Return the task of finding abnormal wafers from 152 timesteps of one reading, with one cell."""
    return ClassificationTask("wafer_sequence", "Wafer, 152 steps of 1", *load_wafer(), cells=1, rare=1)


def _folded(data: Labelled, steps: int) -> Labelled:
    return Labelled(tuple(sequence.reshape(steps, -1) for sequence in data.sequences), data.labels)


def held_to_one_length(sequences: tuple[Array, ...]) -> Array:
    """Return sequences as one array (batch, time, features): after its end, each goes on with its last timestep."""
    longest = max(len(sequence) for sequence in sequences)
    return np.stack([np.pad(sequence, ((0, longest - len(sequence)), (0, 0)), mode="edge") for sequence in sequences])


def classify(run: Callable[[Array], Array], sequences: tuple[Array, ...]) -> Labels:
    """Return the class of each sequence, ``run`` being a network or :meth:`Engine.run` that returns its last output.

    Sequences of one length run as one batch, so none is padded.
    """
    lengths = np.array([len(sequence) for sequence in sequences])
    labels = np.zeros(len(sequences), dtype=np.int64)
    for length in np.unique(lengths):
        members = np.flatnonzero(lengths == length)
        labels[members] = run(np.stack([sequences[index] for index in members])).argmax(axis=-1)
    return labels
