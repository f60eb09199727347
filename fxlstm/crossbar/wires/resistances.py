"""The resistances around the cells of a crossbar, and on which sides it is driven and sensed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ArrayError

End = Literal["first", "last", "both"]  # of a line of cells, counted from row 0 or column 0

_DRIVEN: dict[str, End] = {"left": "first", "right": "last", "both": "both"}
_SENSED: dict[str, End] = {"top": "first", "bottom": "last", "both": "both"}


@dataclass(frozen=True)
class Line:
    """A family of parallel wires: ohms between neighbouring cells, ohms of the converter, and the ends where converters are.

    Another segment lies between a converter and its first cell.
    """

    segment: float
    converter: float
    end: End

    @property
    def reach(self) -> float:
        """Ohms between the converter and the first cell."""
        return self.segment + self.converter

    @property
    def simplest(self) -> Line:
        """The same wires with one converter where two meet in one node."""
        return Line(0.0, self.converter / 2, "first") if self.end == "both" and not self.segment else self


@dataclass(frozen=True)
class Wires:
    """What lies between the converters and the cells of a crossbar, in ohms; 0, the default, is ideal and exact.

    ``row`` and ``column`` are the resistances of a wire from one cell to the next; the same again lies between a row's driver, or
    a column's amplifier, and its first cell. ``driver`` is the output resistance of row drivers, ``amplifier`` the input resistance
    of column amplifiers. Rows are driven from the ``"left"`` (column 0), the ``"right"``, or ``"both"`` ends at one voltage;
    columns are sensed at the ``"bottom"`` (last row), the ``"top"``, or at ``"both"`` ends, whose currents are added.
    ``source`` belongs to 1T1R arrays whose rows are gates: ohms per segment of the source line beside each column, which
    :func:`solve_gated` uses. Raises :class:`ArrayError` for negative or non-finite resistances and unknown sides.
    """

    row: float = 0.0
    column: float = 0.0
    source: float = 0.0
    driver: float = 0.0
    amplifier: float = 0.0
    drive: str = "left"
    sense: str = "bottom"

    def __post_init__(self) -> None:
        for field in fields(self)[:5]:
            _check_resistance(field.name, getattr(self, field.name))
        if self.drive not in _DRIVEN:
            raise ArrayError(f"rows driven from {self.drive!r}: choose one of {', '.join(_DRIVEN)}")
        if self.sense not in _SENSED:
            raise ArrayError(f"columns sensed at {self.sense!r}: choose one of {', '.join(_SENSED)}")

    @property
    def rows(self) -> Line:
        """The rows with their drivers."""
        return Line(self.row, self.driver, _DRIVEN[self.drive]).simplest

    @property
    def columns(self) -> Line:
        """The columns with their amplifiers."""
        return Line(self.column, self.amplifier, _SENSED[self.sense]).simplest

    @property
    def ideal(self) -> bool:
        """Whether nothing here has resistance."""
        return not any((self.row, self.column, self.source, self.driver, self.amplifier))

    def check_rows_are_driven(self) -> None:
        """Raise :class:`ArrayError` for source lines, which an array with driven rows does not have."""
        if self.source:
            raise ArrayError(
                f"source lines of {self.source:g} ohm: arrays with driven rows have none; set source=0 or use solve_gated"
            )


def _check_resistance(name: str, ohms: object) -> None:
    if isinstance(ohms, bool) or not isinstance(ohms, int | float) or not 0 <= ohms < float("inf"):
        raise ArrayError(f"{name} = {ohms!r} ohm: give a finite resistance of 0 or more")


def checked_conductance(conductance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return conductances as float64, or raise :class:`ArrayError` unless they are (rows, columns), finite and not negative."""
    conductance = np.asarray(conductance, np.float64)
    if conductance.ndim != 2 or not conductance.size:
        raise ArrayError(f"conductances of shape {conductance.shape}: give (rows, columns), with one cell at least")
    wrong = np.argwhere(~((conductance >= 0) & (conductance < np.inf)))
    if len(wrong):
        row, column = wrong[0]
        raise ArrayError(
            f"a conductance of {conductance[row, column]} S at row {row}, column {column}: give finite ones of 0 or more"
        )
    return conductance
