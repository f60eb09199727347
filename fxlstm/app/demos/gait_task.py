"""The gait task: who walks, told from twelve and a half seconds of acceleration in the shape of a published experiment.

Li et al. 2019 told persons apart by silhouettes: 25 frames of 50 numbers, 14 LSTM cells without bias, 8 classes, thus 128 x 56 and
28 x 8 devices. Their silhouettes are not public; here a frame is half a second of a telephone's acceleration: 16 samples along
three axes, and mean and deviation of their magnitude.

Each person's recordings are split by time: the network learns from the first three quarters and is tested on the last. All numbers
are normalised by what the learned part says of them. Sequences overlap within a part, never across.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fxlstm.app.demos.classification import ClassificationTask
from fxlstm.data import Array, Labelled, load_walking

FRAMES, FRAME_SAMPLES = 25, 16
SAMPLES = FRAMES * FRAME_SAMPLES
LEARNED, LEARNED_WHEN_CHOOSING = 0.75, 0.6  # parts of each person's time
TRAIN_SEQUENCES, TEST_SEQUENCES = 90, 40  # of each person
DEVIATIONS = 3.0  # an input of 1 is so many standard deviations


def gait() -> ClassificationTask:
    """Return the task of telling eight walking persons apart: 25 frames of 50 numbers."""
    recordings = load_walking()
    train, test = _split(recordings, LEARNED, 1.0)
    choice = _split(recordings, LEARNED_WHEN_CHOOSING, LEARNED)
    return ClassificationTask("gait", "Gait", train, test, cells=14, bias=False, choice=choice)


def _split(recordings: Labelled, middle: float, end: float) -> tuple[Labelled, Labelled]:
    """Return sequences of each person's time up to ``middle`` and from there to ``end``, normalised by the first."""
    parts = ((0.0, middle, TRAIN_SEQUENCES), (middle, end, TEST_SEQUENCES))
    learned, tested = (_spread(recordings, *part) for part in parts)
    scale = _Scale(np.concatenate(learned.sequences))
    return scale(learned), scale(tested)


def _spread(recordings: Labelled, begin: float, end: float, count: int) -> Labelled:
    """Return ``count`` sequences of each person, their starts spread evenly over a part of the person's time."""
    sequences, labels = [], []
    for person in np.unique(recordings.labels):
        own = [values for values, label in zip(recordings.sequences, recordings.labels, strict=True) if label == person]
        starts = _starts([len(values) for values in own], begin, end)
        chosen = starts[np.rint(np.linspace(0, len(starts) - 1, count)).astype(np.int64)]
        samples = np.concatenate(own)
        sequences += [frames(samples[start : start + SAMPLES]) for start in chosen]
        labels += [person] * count
    return Labelled(tuple(sequences), np.array(labels))


def _starts(lengths: Sequence[int], begin: float, end: float) -> NDArray[np.int64]:
    """Return where sequences may start that stay inside one recording and inside a part of all."""
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    first, last = round(begin * bounds[-1]), round(end * bounds[-1])
    pieces = [np.arange(max(first, low), min(last, high) - SAMPLES + 1) for low, high in pairwise(bounds)]
    return np.concatenate(pieces)


def frames(samples: Array) -> Array:
    """Return acceleration (400, 3) as 25 frames of 50 numbers: 16 samples of three axes, mean and deviation of the magnitude."""
    magnitude = np.linalg.norm(samples, axis=1).reshape(FRAMES, FRAME_SAMPLES)
    statistics = np.stack([magnitude.mean(axis=1), magnitude.std(axis=1)], axis=1)
    return np.concatenate([samples.reshape(FRAMES, -1), statistics], axis=1)


class _Scale:
    """Mean and deviation of each axis and each statistic in learned frames."""

    def __init__(self, learned: Array) -> None:
        axes, statistics = learned[:, :-2].reshape(-1, 3), learned[:, -2:]
        self.mean, self.deviation = (
            np.concatenate([np.tile(function(axes, axis=0), FRAME_SAMPLES), function(statistics, axis=0)])
            for function in (np.mean, np.std)
        )

    def __call__(self, data: Labelled) -> Labelled:
        """Return sequences as the network sees them, limited to -1..1 as a row voltage is."""
        values = (np.array(data.sequences) - self.mean) / (DEVIATIONS * self.deviation)
        return Labelled(tuple(np.clip(values, -1.0, 1.0)), data.labels)
