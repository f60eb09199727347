"""Data sets that ship with fxlstm.

``airline.csv``: international airline passengers per month, January 1949 to December 1960, in thousands; series G of
G. E. P. Box and G. M. Jenkins, "Time Series Analysis: Forecasting and Control", Holden-Day 1976.

``japanese_vowels.npz``: 640 utterances of two Japanese vowels by nine male speakers, 12 LPC cepstrum coefficients per frame, from
the UEA and UCI archives; M. Kudo, J. Toyama and M. Shimbo, "Multidimensional Curve Classification Using Passing-Through
Regions", Pattern Recognition Letters 20 (11-13), 1103-1111, 1999.

``wafer.npz``: 7163 records of one sensor while semiconductor wafers were processed, normal or abnormal, from the UCR archive;
R. T. Olszewski, "Generalized Feature Extraction for Structural Pattern Recognition in Time-Series Data", CMU-CS-01-108, 2001.
The archive's first normal test record is missing here: 6163 of its 6164 test records are in the file.

``walking.npz``: eight persons walking with a telephone in the chest pocket, its acceleration along three axes, from "User
Identification From Walking Activity" of the UCI archive; P. Casale, O. Pujol and P. Radeva, "Personalization and User Verification
in Wearable Systems Using Biometric Walking Patterns", Personal and Ubiquitous Computing 16 (5), 563-580, 2012. Of the 22 persons
the eight with the longest recordings; ``tools/make_walking.py`` cut these at gaps and where a person stands still, and
interpolated them to equal distances.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

WALKING_RATE = 32  # samples per second
WALKING_UNIT = 0.001  # m/s2 per integer in the file, far below the resolution of the sensor


@dataclass(frozen=True, eq=False)
class Labelled:
    """Sequences and the number of the class of each.

    ``sequences``: (time, features) each, every one of its own length. ``labels``: (sequences,), from 0.
    """

    sequences: tuple[Array, ...]
    labels: NDArray[np.int64]

    def part(self, chosen: NDArray[np.bool_]) -> Labelled:
        """Return the sequences that are chosen, with their labels."""
        indices = np.flatnonzero(chosen)
        return Labelled(tuple(self.sequences[index] for index in indices), self.labels[indices])


def load_airline() -> tuple[NDArray[np.datetime64], Array]:
    """Return the 144 months and their airline passengers in thousands."""
    rows = list(csv.DictReader((files(__name__) / "airline.csv").read_text().splitlines()))
    months = np.array([row["month"] for row in rows], dtype="datetime64[M]")
    return months, np.array([row["passengers_thousands"] for row in rows], dtype=np.float64)


def load_japanese_vowels() -> tuple[Labelled, Labelled]:
    """Return 270 utterances to learn from and 370 to test with: 7 to 29 frames of 12 coefficients; label: speaker 0..8."""
    arrays = _arrays("japanese_vowels.npz")
    train, test = (
        Labelled(
            tuple(np.split(arrays[f"{part}_values"].astype(np.float64), np.cumsum(arrays[f"{part}_lengths"], dtype=np.int64)[:-1])),
            arrays[f"{part}_labels"].astype(np.int64),
        )
        for part in ("train", "test")
    )
    return train, test


def load_wafer() -> tuple[Labelled, Labelled]:
    """Return 1000 records to learn from and 6163 to test with: (152, 1) each, mean 0, deviation 1; label: 1 where abnormal."""
    arrays = _arrays("wafer.npz")
    train, test = (
        Labelled(tuple(arrays[f"{part}_values"].astype(np.float64)[:, :, np.newaxis]), arrays[f"{part}_labels"].astype(np.int64))
        for part in ("train", "test")
    )
    return train, test


def load_walking() -> Labelled:
    """Return unbroken recordings of acceleration, (time, 3) each, in m/s2, 32 samples per second, as they follow; label: person."""
    arrays = _arrays("walking.npz")
    values = arrays["values"].astype(np.float64) * WALKING_UNIT
    recordings = np.split(values, np.cumsum(arrays["lengths"], dtype=np.int64)[:-1])
    return Labelled(tuple(recordings), np.unique(arrays["persons"], return_inverse=True)[1])


def _arrays(name: str) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of a shipped ``.npz`` file."""
    with as_file(files(__name__) / name) as path, np.load(path, allow_pickle=False) as archive:
        return dict(archive)
