"""What the points of a sweep say about a metric at each value of a parameter: its mean, and how well that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fxlstm.errors import SweepError

Floats = NDArray[np.float64]
Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, eq=False)
class Band:
    """A metric over the values ``x`` of a parameter, ascending: arrays of one length.

    ``low`` and ``high`` bound the mean with the confidence asked for (NaN where there is one point only); ``points``: how many each
    value has. ``label``: the value of the parameter by which bands are told apart, empty without one.
    """

    label: str
    x: Floats
    mean: Floats
    low: Floats
    high: Floats
    points: NDArray[np.int64]


def find_column(columns: Columns, name: str) -> str:
    """Return the column that ``name`` means: its whole name or its end, ``_`` standing for ``.`` too; one that varies goes first.

    Raises :class:`SweepError` with the list for no column, and for several.
    """
    if name in columns:
        return name
    wanted = name.replace(".", "_")
    found = [column for column in columns if f"_{column.replace('.', '_')}".endswith(f"_{wanted}")]
    varying = [column for column in found if len(set(columns[column])) > 1]
    chosen = varying if len(varying) == 1 else found
    if len(chosen) != 1:
        several = f"{name!r} may be {' or '.join(found)}; write one in full" if found else None
        raise SweepError(several or f"no column {name!r} in the results; choose from {', '.join(columns)}")
    return chosen[0]


def bands(columns: Columns, x: str, y: str, by: str | None = None, confidence: float = 0.95) -> tuple[Band, ...]:
    """Return metric ``y`` over parameter ``x``, one band for each value of ``by``; all else that varies is averaged over.

    ``confidence``: of the mean's interval, by Student's t. Points without a finite ``y`` are left out.
    Raises :class:`SweepError` for columns that are not there or are no numbers, and when no point is left.
    """
    if not 0 < confidence < 1:
        raise SweepError(f"confidence = {confidence}: choose a number between 0 and 1, for instance 0.95")
    places, values = (_numbers(columns, name) for name in (x, y))
    labels = [_label(value) for value in columns[by]] if by else [""] * len(values)
    usable = np.isfinite(values) & np.isfinite(places)
    if not usable.any():
        raise SweepError(f"no point has a finite {y} over {x}; see the column error of the results")
    present = dict.fromkeys(label for label, use in zip(labels, usable, strict=True) if use)
    members = {label: usable & np.array([other == label for other in labels]) for label in present}
    return tuple(_band(label, places[chosen], values[chosen], confidence) for label, chosen in members.items())


def _band(label: str, places: Floats, values: Floats, confidence: float) -> Band:
    x = np.unique(places)
    groups = [values[places == place] for place in x]
    mean = np.array([group.mean() for group in groups])
    half = np.array([_half_width(group, confidence) for group in groups])
    return Band(label, x, mean, mean - half, mean + half, np.array([group.size for group in groups]))


def _half_width(group: Floats, confidence: float) -> float:
    if group.size < 2:
        return float("nan")
    quantile = float(stats.t.ppf((1 + confidence) / 2, group.size - 1))
    return quantile * float(group.std(ddof=1)) / float(np.sqrt(group.size))


def _numbers(columns: Columns, name: str) -> Floats:
    values = columns[name]
    if any(isinstance(value, str) for value in values):
        raise SweepError(f"{name} holds words, not numbers; give it as --by")
    return np.array([np.nan if value is None else float(value) for value in values])


def _label(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
