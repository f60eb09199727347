"""The airline tasks: what a network sees each month, what it answers, and how good the answer is.

:class:`AirlineTask` shows the relative change of the latest month and asks for the next one; both are logarithmic changes divided
by one scale, taken from the months to learn from. Logarithms make the growing seasonal swing a constant one, and changes
keep unseen, higher months inside the range of the seen ones. No prediction uses a month after the one before it.

:class:`LookBackTask` shows the three latest months and asks for the next, all of them levels, as circuit papers do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fxlstm.app.demos.shipped import load_shipped
from fxlstm.data import load_airline
from fxlstm.network import Network

LEARNED_MONTHS = 96
LOOK_BACK = 3  # months
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """Root-mean-square error of predictions: in thousands of passengers, and as a fraction of the series' range."""

    thousands: float
    fraction: float


@dataclass(frozen=True, eq=False)
class AirlineSeries(ABC):
    """The series, what a network is given and asked of it, and how good its predictions are.

    ``passengers``: thousands, one per month. ``learned``: how many of the first months the network and its scale may know.
    """

    months: NDArray[np.datetime64]
    passengers: Array
    learned: int = LEARNED_MONTHS

    @classmethod
    def load(cls, learned: int = LEARNED_MONTHS) -> Self:
        """Return the task on the series that ships with fxlstm."""
        return cls(*load_airline(), learned)

    @property
    @abstractmethod
    def inputs(self) -> Array:
        """The network's input, month by month."""

    @property
    @abstractmethod
    def targets(self) -> Array:
        """The output wanted for each input."""

    @property
    @abstractmethod
    def calibration(self) -> Array:
        """The inputs of the months learned from."""

    @abstractmethod
    def predict(self, outputs: Array) -> Array:
        """Return the passengers in thousands that ``outputs`` predict for months 1.., (months - 1,), NaN where they do not."""

    @property
    def persistence(self) -> Array:
        """The baseline, (months - 1,): each month is as the one before."""
        return self.passengers[:-1]

    def score(self, predictions: Array, months: slice) -> Score:
        """Return the error of ``predictions`` (for months 1..) over the ``months`` of the series."""
        errors = np.concatenate([[np.nan], predictions - self.passengers[1:]])[months]
        thousands = float(np.sqrt(np.nanmean(errors**2)))
        return Score(thousands, thousands / float(np.ptp(self.passengers)))

    @property
    def seen(self) -> slice:
        """The months learned from, without the first, which nothing predicts."""
        return slice(1, self.learned)

    @property
    def unseen(self) -> slice:
        """The months kept away from training."""
        return slice(self.learned, len(self.passengers))


class AirlineTask(AirlineSeries):
    """One long sequence of logarithmic changes."""

    @property
    def scale(self) -> float:
        """Logarithmic change that the network sees as 1: the largest one among the learned months."""
        return float(np.abs(np.diff(np.log(self.passengers[: self.learned]))).max())

    @property
    def changes(self) -> Array:
        """Scaled logarithmic change from each month to the next, (months - 1,), limited to -1..1 as a row voltage is."""
        return np.clip(np.diff(np.log(self.passengers)) / self.scale, -1.0, 1.0)

    @property
    def inputs(self) -> Array:
        """The network's input, (months - 1, 1): the change that led to each month but the last, 0 for the first."""
        return np.concatenate([[0.0], self.changes[:-1]])[:, np.newaxis]

    @property
    def targets(self) -> Array:
        """The output wanted for each input, (months - 1, 1): the change to the next month."""
        return self.changes[:, np.newaxis]

    @property
    def calibration(self) -> Array:
        """The inputs of the months learned from, (learned - 1, 1)."""
        return self.inputs[: self.learned - 1]

    def predict(self, outputs: Array) -> Array:
        """Return the passengers in thousands that the network's ``outputs`` predict for months 1.., (months - 1,)."""
        return self.passengers[:-1] * np.exp(outputs.reshape(-1) * self.scale)


class LookBackTask(AirlineSeries):
    """Short sequences of three months, each as a level between the least and the most of the whole series, 0 to 1.

    The most is a month that the network has not seen: so do the papers that this is compared with.
    """

    @property
    def levels(self) -> Array:
        """The series between 0 and 1, (months,)."""
        levels: Array = (self.passengers - self.passengers.min()) / np.ptp(self.passengers)
        return levels

    @property
    def inputs(self) -> Array:
        """The network's inputs, (months - 3, 3, 1): the three months before each but the first three."""
        windows = np.lib.stride_tricks.sliding_window_view(self.levels[:-1], LOOK_BACK)
        return windows[:, :, np.newaxis]

    @property
    def targets(self) -> Array:
        """The output wanted for each input, (months - 3, 1): the month after it."""
        return self.levels[LOOK_BACK:, np.newaxis]

    @property
    def calibration(self) -> Array:
        """The inputs whose next month is learned, and the same stretched to the whole range, which the scaling promises."""
        learned = self.inputs[: self.learned - LOOK_BACK]
        return np.concatenate([learned, learned / learned.max()])

    def predict(self, outputs: Array) -> Array:
        """Return the passengers in thousands that ``outputs`` predict for months 1.., (months - 1,), NaN for the first two."""
        first = np.full(LOOK_BACK - 1, np.nan)
        return np.concatenate([first, outputs.reshape(-1) * np.ptp(self.passengers) + self.passengers.min()])


def load_trained() -> Network:
    """Return the network of :class:`AirlineTask` that ships; its metadata says how ``tools/train_airline.py`` made it."""
    return load_shipped("airline")
