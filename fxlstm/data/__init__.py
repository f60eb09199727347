"""Data sets that ship with fxlstm.

``airline.csv``: international airline passengers per month, January 1949 to December 1960, in thousands; series G of
G. E. P. Box and G. M. Jenkins, "Time Series Analysis: Forecasting and Control", Holden-Day 1976.
"""

from __future__ import annotations

import csv
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray


def load_airline() -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """Return the 144 months and their airline passengers in thousands."""
    rows = list(csv.DictReader((files(__name__) / "airline.csv").read_text().splitlines()))
    months = np.array([row["month"] for row in rows], dtype="datetime64[M]")
    return months, np.array([row["passengers_thousands"] for row in rows], dtype=np.float64)
