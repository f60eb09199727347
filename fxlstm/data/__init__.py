"""Data sets that ship with fxlstm.

``airline.csv``: international airline passengers per month, January 1949 to December 1960, in thousands; series G of
G. E. P. Box and G. M. Jenkins, "Time Series Analysis: Forecasting and Control", Holden-Day 1976.

``japanese_vowels.npz``: 640 utterances of two Japanese vowels by nine male speakers, 12 LPC cepstrum coefficients per frame, from
the UEA and UCI archives; M. Kudo, J. Toyama and M. Shimbo, "Multidimensional Curve Classification Using Passing-Through
Regions", Pattern Recognition Letters 20 (11-13), 1103-1111, 1999.

``wafer.npz``: 7163 records of one sensor while semiconductor wafers were processed, normal or abnormal, from the UCR archive;
R. T. Olszewski, "Generalized Feature Extraction for Structural Pattern Recognition in Time-Series Data", CMU-CS-01-108, 2001.
The archive's first normal test record is missing here: 6163 of its 6164 test records are in the file.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Sequences and the number of the class of each.

    ``sequences``: (time, features) each, every one of its own length. ``labels``: (sequences,), from 0.
    """

    sequences: tuple[Array, ...]
    labels: NDArray[np.int64]


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


def _arrays(name: str) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of a shipped ``.npz`` file."""
    with as_file(files(__name__) / name) as path, np.load(path, allow_pickle=False) as archive:
        return dict(archive)
