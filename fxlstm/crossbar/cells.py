"""The cells of a simulated array, and the ideal ones, exact in integers; the physical ones are in :mod:`physical`.

Both know the same verbs: ``set`` and ``reset`` some cells of a row, ``elapse`` lets time pass, and ``operand`` prepares a block of
cells to multiply by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fxlstm.program.formats import adc_codes
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Codes
from fxlstm.program.scheme import gate_codes


class Block(NamedTuple):
    """Cells that are multiplied at once: +V rows, -V rows if they are pairs, columns, front-end range, ADC bits."""

    positive: slice
    negative: slice | None
    columns: slice
    range: int
    bits: int


class Operand(Protocol):
    """A block of cells ready to be multiplied by; valid until a cell changes."""

    def multiply(self, codes: Codes) -> tuple[Codes, int]:
        """Return ADC codes (vectors, columns) for row codes (vectors, rows), and how many of them clipped."""


class Cells(Protocol):
    """The cells of an array, (rows, columns)."""

    @property
    def stuck(self) -> NDArray[np.bool_]:
        """The cells that are not to be moved, to be written into: what is marked stays as it is by then."""

    @property
    def timeless(self) -> bool:
        """Whether time changes nothing about the cells, nor about how they read."""

    @property
    def conductance(self) -> NDArray[np.float64]:
        """Siemens, (rows, columns)."""

    @property
    def written(self) -> NDArray[np.float64]:
        """Siemens, (rows, columns), right after each cell was last written, or as it was made."""

    def set(self, row: int, columns: NDArray[np.intp], volts: float, gates: NDArray[np.float64], seconds: float) -> None:
        """SET cells of a row by a pulse of ``volts`` on the row, each with its gate voltage."""

    def reset(self, row: int, columns: NDArray[np.intp], volts: float, gates: NDArray[np.float64], seconds: float) -> None:
        """RESET cells of a row by a pulse of magnitude ``volts``."""

    def elapse(self, seconds: float) -> None:
        """Let time pass."""

    def saved(self) -> dict[str, NDArray[Any]]:
        """The arrays that make up the cells' state, by their names in a saved file; to be written into on loading."""

    def operand(self, block: Block) -> Operand:
        """Prepare a block to multiply by."""


@dataclass(frozen=True)
class IdealOperand:
    """Unit differences of a block, (rows, columns) in int64, and the shift of its range."""

    units: NDArray[np.int64]
    shift: int
    bits: int

    def multiply(self, codes: Codes) -> tuple[Codes, int]:
        """Return ADC codes, exact but for the ADC's one rounding, and how many clipped."""
        return adc_codes(codes.astype(np.int64) @ self.units, self.shift, self.bits)


class IdealCells:
    """Cells that hold the gate DAC's code of their last SET as conductance units; all arithmetic is exact in int64."""

    def __init__(self, hardware: Hardware, rows: int, columns: int) -> None:
        self._hardware = hardware
        self.state: NDArray[Any] = np.zeros((rows, columns), np.int64)
        self.stuck = np.zeros((rows, columns), np.bool_)

    @property
    def timeless(self) -> bool:
        """Ideal cells do not age."""
        return True

    @property
    def conductance(self) -> NDArray[np.float64]:
        """Siemens, (rows, columns)."""
        return self.state * self._hardware.conductance_unit

    @property
    def written(self) -> NDArray[np.float64]:
        """Siemens, (rows, columns)."""
        return self.conductance

    def set(self, row: int, columns: NDArray[np.intp], volts: float, gates: NDArray[np.float64], seconds: float) -> None:
        """SET cells of a row, each with its gate voltage."""
        self.state[row, columns] = gate_codes(gates, self._hardware)

    def reset(self, row: int, columns: NDArray[np.intp], volts: float, gates: NDArray[np.float64], seconds: float) -> None:
        """RESET cells of a row."""
        self.state[row, columns] = 0

    def elapse(self, seconds: float) -> None:
        """Let time pass, which changes nothing."""

    def saved(self) -> dict[str, NDArray[Any]]:
        """The arrays that make up the cells' state."""
        return {"cells": self.state, "stuck": self.stuck}

    def operand(self, block: Block) -> IdealOperand:
        """Prepare a block to multiply by."""
        units = self.state[block.positive, block.columns]
        if block.negative is not None:
            units = units - self.state[block.negative, block.columns]
        return IdealOperand(np.ascontiguousarray(units), self._hardware.unit_shift(block.range), block.bits)
