"""The ways of programming cells, by name, and what carries each of them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.array import Writable
from fxlstm.crossbar.incremental import IncrementalPulses
from fxlstm.crossbar.programming import write
from fxlstm.errors import ArrayError
from fxlstm.program.device import load_device
from fxlstm.program.hardware import Hardware
from fxlstm.program.scheme import GATE_SCHEMES, ProgrammingReport, Progress, Scheme, scheme_for

SCHEMES = (*GATE_SCHEMES, "incremental", "refined")


class Aging(Writable, Protocol):
    """An array whose cells are written to and age."""

    def elapse(self, seconds: float) -> None:
        """Let time pass."""


@dataclass(frozen=True)
class Refinement:
    """Repeated programming against relaxation: write, wait until cells have relaxed, write those again that left their tolerance.

    ``basis``: how each pass writes; its tolerance is the one that decides. ``passes``: how often, the first included. ``wait``:
    seconds before each pass but the first.
    """

    basis: Scheme | IncrementalPulses
    passes: int
    wait: float

    def __post_init__(self) -> None:
        if self.passes < 1 or not 0 <= self.wait < np.inf:
            raise ArrayError(f"Refinement of {self.passes} passes, {self.wait} s apart: choose 1 pass or more, 0 s or more apart")

    @property
    def base_units(self) -> int:
        """Conductance of target 0, in the board's units."""
        return self.basis.base_units

    def write(self, array: Aging, targets: NDArray[np.uint16], progress: Progress | None = None) -> ProgrammingReport:
        """Bring cells to their targets; the report counts the pulses of all passes and gives the verdict of the last."""
        before, cycles = array.pulse_counts.copy(), np.zeros(targets.shape, np.int64)
        for number in range(self.passes):
            if number:
                array.elapse(self.wait)
            report = carry_out(array, targets, self.basis, progress)
            cycles += report.cycles
        return ProgrammingReport(report.state, cycles, array.pulse_counts - before, report.reading, report.error)


AnyScheme = Scheme | IncrementalPulses | Refinement


def programming_scheme(
    device: str, hardware: Hardware | None = None, name: str | None = None, *, tolerance: float | None = None
) -> AnyScheme:
    """Return the parameters by which cells of preset ``device`` are programmed behind the front end of ``hardware``'s board.

    ``name``: ``"open-loop"`` (RESET, SET), ``"write-verify"`` (gate voltages follow the error), ``"incremental"`` (growing pulses
    with reversals of polarity), ``"refined"`` (the preset's own scheme, repeated after the cells have relaxed); by default the
    preset's own. ``tolerance``: accepted error of a reading in siemens, by default the preset's. Boards know the first two.
    Raises :class:`ArrayError` for an unknown name and for a preset that lacks a number that the scheme needs.
    """
    preset, hardware = load_device(device), hardware or Hardware()
    name = name or preset.scheme
    if name not in SCHEMES:
        raise ArrayError(f"programming scheme {name!r}: choose one of {', '.join(SCHEMES)}")
    if name == "incremental":
        return IncrementalPulses.of(preset, hardware, tolerance)
    if name != "refined":
        return scheme_for(device, hardware, tolerance=tolerance, verify=name == "write-verify")
    basis = programming_scheme(device, hardware, tolerance=tolerance)
    if isinstance(basis, Refinement):
        raise ArrayError(
            f"device preset {device!r}: its own scheme is 'refined', which says not how each pass writes; name that one"
        )
    return Refinement(basis, int(preset["programming.passes"]), preset["programming.wait"])


def carry_out(array: Aging, targets: NDArray[np.uint16], scheme: AnyScheme, progress: Progress | None = None) -> ProgrammingReport:
    """Bring the cells of ``array`` to ``targets`` (rows, columns), units above the scheme's base, 65535 = leave alone."""
    if isinstance(scheme, Scheme):
        return write(array, targets, scheme, progress)
    return scheme.write(array, targets, progress)
