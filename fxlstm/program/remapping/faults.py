"""Which cells of an array do not obey, and where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ArrayError
from fxlstm.program.device import load_device
from fxlstm.program.hardware import LARGEST_UNITS, Hardware
from fxlstm.program.mapping import array_count, tiles_of
from fxlstm.program.program import Program
from fxlstm.program.programming_report import ProgrammingReport

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Faults:
    """Cells of one array that no pulse brings where they should be.

    ``cells``: bool, (rows, columns). ``conductance``: siemens at which these stand, (rows, columns), NaN where that is not known;
    such a cell is taken to stand at level 0, an assumption. Raises :class:`ArrayError` for maps of different shapes or of more or
    fewer than two axes, and for negative or infinite conductances.
    """

    cells: NDArray[np.bool_]
    conductance: Numbers

    def __post_init__(self) -> None:
        if self.cells.ndim != 2 or self.cells.shape != self.conductance.shape:
            raise ArrayError(
                f"faults of shape {self.cells.shape} with conductances of shape {self.conductance.shape}: give both (rows, columns)"
            )
        standing = self.conductance[self.cells]
        if np.isinf(standing).any() or (standing < 0).any():
            raise ArrayError(
                f"a cell that stands at {np.nanmin(standing):g} to {np.nanmax(standing):g} S: give siemens, 0 or more; "
                "NaN where the cell obeys"
            )

    @classmethod
    def of(cls, found: Faults | ProgrammingReport | NDArray[np.bool_] | Numbers) -> Faults:
        """Faults as something tells of them.

        ``found``: what :meth:`SimulatedArray.program` or :meth:`Board.program` returned (its cells out of tolerance, at their last
        reading), a bool map of cells whose conductance is not known, or a map of siemens that is NaN where a cell obeys. To test
        all cells, program one target into all: ``Faults.of(array.program(np.full((rows, columns), 30000, np.uint16)))``.
        """
        if isinstance(found, Faults):
            return found
        if isinstance(found, ProgrammingReport):
            missed = np.zeros(found.state.shape, np.bool_)
            for cell in found.failed:
                missed[cell] = True
            return cls(missed, np.where(missed, found.reading, np.nan))
        values = np.asarray(found)
        if values.dtype == np.bool_:
            return cls(values.astype(np.bool_), np.full(values.shape, np.nan))
        if values.dtype.kind != "f":
            raise ArrayError(f"faults of type {values.dtype}: give a bool map, or siemens that are NaN where a cell obeys")
        siemens = values.astype(np.float64)
        if siemens.size and not np.isnan(siemens).any():
            raise ArrayError("a map of siemens in which no cell obeys: give siemens of faulty cells alone, NaN for all others")
        return cls(~np.isnan(siemens), siemens)

    def units(self, device: str, hardware: Hardware) -> Numbers:
        """Where the faulty cells stand, in conductance units above the base of preset ``device``; NaN where a cell obeys."""
        above = (self.conductance - load_device(device)["conductance.base"]) / hardware.conductance_unit
        return np.where(self.cells, np.where(np.isnan(above), 0.0, above), np.nan)


AnyFaults = Faults | ProgrammingReport | NDArray[np.bool_] | Numbers


def standing(program: Program, faults: AnyFaults | Sequence[AnyFaults], device: str) -> list[Numbers]:
    """:meth:`Faults.units` of every array that a program stands on; ``faults`` of one array, or a sequence of all.

    Raises :class:`ArrayError` for a program without tiles, for too few maps, and for maps of another size than the arrays.
    """
    hardware = program.hardware
    if not tiles_of(program):
        raise ArrayError("a digital program stands on no array and has nothing to avoid; quantize it with adc_bits")
    single = isinstance(faults, Faults | ProgrammingReport | np.ndarray)
    maps = [Faults.of(each) for each in cast(Sequence[AnyFaults], [faults] if single else faults)]
    if len(maps) < array_count(program):
        raise ArrayError(f"the program stands on {array_count(program)} arrays and there are faults of {len(maps)}; give a list")
    for each in maps:
        if each.cells.shape != (hardware.rows, hardware.columns):
            raise ArrayError(f"faults of shape {each.cells.shape}: the array has {hardware.rows} x {hardware.columns} cells")
    return [each.units(device, hardware) for each in maps]


def most_units(device: str, hardware: Hardware) -> int:
    """The largest target of a cell of preset ``device``, in units above its base."""
    preset = load_device(device)
    above = (preset["conductance.maximum"] - preset["conductance.base"]) / hardware.conductance_unit
    return min(LARGEST_UNITS, int(above + 0.5))
