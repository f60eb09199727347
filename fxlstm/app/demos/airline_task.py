"""The airline task: what the network sees each month, what it answers, and how good the answer is.

The network is shown the relative change of the latest month and predicts the next one; both are logarithmic changes divided by
one scale, taken from the months to learn from. Logarithms make the growing seasonal swing a constant one, and changes
keep unseen, higher months inside the range of the seen ones. No prediction uses a month after the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.app.demos.shipped import load_shipped
from fxlstm.data import load_airline
from fxlstm.network import Network

LEARNED_MONTHS = 96
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """Root-mean-square error of predictions: in thousands of passengers, and as a fraction of the series' range."""

    thousands: float
    fraction: float


@dataclass(frozen=True, eq=False)
class AirlineTask:
    """The series with the scale between logarithmic change and the network's numbers.

    ``passengers``: thousands, one per month. ``learned``: how many of the first months the network and the scale may know.
    """

    months: NDArray[np.datetime64]
    passengers: Array
    learned: int = LEARNED_MONTHS

    @classmethod
    def load(cls, learned: int = LEARNED_MONTHS) -> AirlineTask:
        """Return the task on the series that ships with fxlstm."""
        return cls(*load_airline(), learned)

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
    def persistence(self) -> Array:
        """The baseline, (months - 1,): each month is as the one before."""
        return self.passengers[:-1]

    def predict(self, outputs: Array) -> Array:
        """Return the passengers in thousands that the network's ``outputs`` predict for months 1.., (months - 1,)."""
        return self.passengers[:-1] * np.exp(outputs.reshape(-1) * self.scale)

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


def load_trained() -> Network:
    """Return the network that ships with fxlstm; its metadata says how ``tools/train_airline.py`` made it."""
    return load_shipped("airline")
