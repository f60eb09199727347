"""What a twin takes from a board: its cells' conductances and its columns' offsets, measured with the noise averaged away."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.wires import Wires, effective_conductance
from fxlstm.errors import BoardError
from fxlstm.program.hardware import Hardware
from fxlstm.program.identity import Identity
from fxlstm.program.mapping import LEAVE, target_map
from fxlstm.program.program import Codes, Program
from fxlstm.program.scheme import READ_RANGE, code_siemens

Numbers = NDArray[np.float64]

LARGEST_CONDUCTANCE = 1.0  # siemens, that a cell may be thought to have
PRECISION = 1e-5  # root mean square, of the largest conductance
LONGEST_SEARCH = 200  # iterations, of which wires that take little need five
READS = 16  # conversions averaged for each number: a quarter of the noise of one


class Measurable(Protocol):
    """What is asked of a board."""

    @property
    def hardware(self) -> Hardware:
        """Its converters and ranges."""

    @property
    def identity(self) -> Identity:
        """Which array this is, with the preset of its cells."""

    @property
    def loaded(self) -> Program | None:
        """The program that it was last brought."""

    def read_conductance(self, *, range: int, reads: int) -> Numbers:
        """Return conductances in siemens, (rows, columns), NaN where not measured."""

    def multiply(self, codes: Codes, range: int = 0) -> Codes:
        """Return ADC codes (batch, columns) for codes (batch, rows)."""


def measured_offsets(board: Measurable, range_index: int) -> Numbers:
    """What the columns give in a range when no row is driven, in ADC codes, (columns,)."""
    nothing = np.zeros((READS, board.identity.rows), np.int16)
    return np.asarray(board.multiply(nothing, range_index).mean(axis=0))


def measured_conductance(board: Measurable) -> Numbers:
    """Conductances in siemens, (rows, columns), without what the columns' offsets add to their readings; NaN beyond the range."""
    siemens_per_code = code_siemens(np.ones(1, np.int16), READ_RANGE, board.hardware)
    offsets = measured_offsets(board, READ_RANGE) * siemens_per_code
    return np.maximum(board.read_conductance(range=READ_RANGE, reads=READS) - offsets, 0.0)


def without_wires(measured: Numbers, wires: Wires) -> Numbers:
    """Return the conductances, siemens, of which ``wires`` leave those that were measured one row at a time.

    Cells beyond the range of a reading (NaN) are taken to be at its end.
    Raises :class:`BoardError` where no cells behind such wires could give these readings.
    """
    measured = np.where(np.isnan(measured), np.nanmax(measured), measured)
    cells = measured.copy()
    for _ in range(LONGEST_SEARCH):
        left = effective_conductance(cells, wires)
        if np.sqrt(np.mean((left - measured) ** 2)) <= PRECISION * measured.max():
            return cells
        cells *= np.divide(measured, left, out=np.ones_like(left), where=left > 0)
        np.minimum(cells, LARGEST_CONDUCTANCE, out=cells)
    raise BoardError(f"the measured conductances are not what {wires} leave of any cells; give the resistances of this board")


def check_measured(conductance: Numbers, program: Program) -> None:
    """Raise :class:`BoardError` for a map with gaps where the program has weights."""
    used = target_map(program) != LEAVE
    missing = used & ~np.isfinite(conductance)
    if missing.any():
        row, column = np.argwhere(missing)[0].tolist()
        raise BoardError(
            f"{np.count_nonzero(missing)} of the program's {np.count_nonzero(used)} cells were not measured, or beyond the range "
            f"(first: row {row}, column {column}); read the board's conductances again"
        )
