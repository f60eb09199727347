"""What an array is to its users: the verbs that the integer array, the simulated array and a board share."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.hardware import Hardware
from fxlstm.program.identity import Identity
from fxlstm.program.program import Codes, Program
from fxlstm.program.programming_report import ProgrammingReport, Progress
from fxlstm.program.reference import MultipliesTiles
from fxlstm.program.scheme_parameters import Scheme


@runtime_checkable
class Array(MultipliesTiles, Protocol):
    """A crossbar with cells to program, measure and multiply by; an engine needs no more of it than ``multiply_tile``."""

    @property
    def identity(self) -> Identity:
        """Which array this is."""

    def read_conductance(self) -> NDArray[np.float64]:
        """Return measured conductances in siemens, (rows, columns), NaN where not measured."""

    def program(
        self,
        target: Program | NDArray[np.uint16],
        tolerance: float | None = None,
        scheme: Scheme | str | None = None,
        progress: Progress | None = None,
    ) -> ProgrammingReport:
        """Write a program's weights, or a target map in conductance units above the base, into the cells."""

    def multiply(self, codes: Codes, range: int = 0) -> Codes:
        """Return ADC codes (..., columns) for codes (..., rows) of all physical rows."""


class Writable(Protocol):
    """What programming needs of an array."""

    hardware: Hardware
    pulse_counts: NDArray[np.int64]

    def convert(self, row_codes: NDArray[np.integer], range_index: int) -> Codes:
        """Drive the rows with codes, all gates open, and return the columns' ADC codes."""

    def pulse(self, row_volts: NDArray[np.float64], gate_volts: NDArray[np.float64], seconds: float) -> None:
        """Give one pulse to the cells of driven rows whose gate is open."""

    def elapse(self, seconds: float) -> None:
        """Let time pass."""
