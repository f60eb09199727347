"""Target maps corrected for wires before programming: conductances whose effective matrix is nearest to the wanted one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.wires import Wires, effective_conductance
from fxlstm.errors import ArrayError
from fxlstm.program.device import load_device
from fxlstm.program.hardware import LARGEST_UNITS
from fxlstm.program.mapping import target_map, tile_weights
from fxlstm.program.pairs import pair_regions
from fxlstm.program.program import Program

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CorrectedTargets:
    """A target map corrected for wires, and how well it does.

    ``targets``: (rows, columns) of the board, uint16, for ``SimulatedArray.program(program, targets=...)``. ``errors``: root mean
    square error of the effective weights relative to the wanted ones, uncorrected first, then after each iteration; the map is that
    of the least. ``uncorrected`` and ``error`` are the first and the least. ``gains``: what the wires leave of all weights of
    a column, (columns,), NaN where no weight stands; a calibration of the columns takes it back. ``limited``: part of the weights
    that would have needed a conductance beyond the window.
    """

    targets: NDArray[np.uint16]
    errors: tuple[float, ...]
    gains: Numbers
    limited: float

    @property
    def uncorrected(self) -> float:
        """Relative error of the map as it was."""
        return self.errors[0]

    @property
    def error(self) -> float:
        """Relative error of the corrected map."""
        return min(self.errors)

    def __str__(self) -> str:
        steps = len(self.errors) - 1
        return (
            f"wire error {self.uncorrected:.2%}, {self.error:.2%} after {steps} iterations; {self.limited:.1%} of weights limited"
        )


def corrected_targets(
    program: Program,
    wires: Wires,
    device: str = "ta-hfo2",
    *,
    elsewhere: float | Numbers | None = None,
    column_gains: bool = True,
    iterations: int = 10,
    array: int = 0,
) -> CorrectedTargets:
    """Return the target map of ``program`` corrected for what ``wires`` take of cells of preset ``device``.

    With ``column_gains`` the weights of a column are wanted up to one gain, the one that the wires leave on average, because
    cells far from the converters could only be raised beyond the window; without, as they are. ``elsewhere``: siemens of cells
    that hold no weight, one number or (rows, columns), by default the preset's base. Meant for programming that does not read
    through the same wires (open loop): write-verify reads what the wires leave of a cell and corrects part of it by itself, but
    cells written later change that.
    Raises :class:`ArrayError` for a program that does not fit and for fewer than one iteration.
    """
    if iterations < 1:
        raise ArrayError(f"iterations = {iterations}: choose 1 or more")
    base = load_device(device)["conductance.base"]
    pairs = _Pairs.of(program, array)
    most = min(LARGEST_UNITS, int((load_device(device)["conductance.maximum"] - base) / program.hardware.conductance_unit))
    targets = target_map(program, array)
    cells = np.array(np.broadcast_to(base if elsewhere is None else elsewhere, targets.shape), np.float64)

    def reached(weights: Numbers) -> Numbers:
        """What the wires leave of weights."""
        pairs.write(cells, weights, program.hardware.conductance_unit, base)
        return pairs.read(effective_conductance(cells, wires)) / program.hardware.conductance_unit

    weights = best = pairs.wanted
    left = reached(weights)
    gains = pairs.column_gains(left, targets.shape[1]) if column_gains else np.ones(targets.shape[1])
    wanted = gains[pairs.column] * pairs.wanted
    errors = [_relative(left, wanted)]
    for _ in range(iterations):
        weights = np.clip(np.rint(weights + wanted - left), -most, most)
        left = reached(weights)
        errors.append(_relative(left, wanted))
        best = weights if errors[-1] == min(errors) else best
    pairs.write(targets, best, 1, 0)
    left_of = np.full(targets.shape[1], np.nan)
    for place in (pairs.positive, pairs.negative):
        left_of[place % targets.shape[1]] = gains[pairs.column]
    limited = float((np.abs(best) == most).mean())
    return CorrectedTargets(targets, tuple(errors), left_of, limited)


def _relative(reached: Numbers, wanted: Numbers) -> float:
    return float(np.sqrt(((reached - wanted) ** 2).sum() / (wanted**2).sum()))


@dataclass(frozen=True, eq=False)
class _Pairs:
    """All weights of an array: wanted units with their sign, the column of the first cell, and where both stand in the flat map."""

    wanted: Numbers
    column: NDArray[np.intp]
    positive: NDArray[np.intp]
    negative: NDArray[np.intp]

    @classmethod
    def of(cls, program: Program, array: int) -> _Pairs:
        """Collect the weights of the tiles on one array; raises :class:`ArrayError` when all are zero or none stands there."""
        hardware = program.hardware
        place = np.arange(hardware.rows * hardware.columns).reshape(hardware.rows, hardware.columns)
        parts = []
        for matrix in program.matrices:
            for tile in (tile for tile in matrix.tiles if tile.array == array):
                positive, negative = (place[region].ravel() for region in pair_regions(tile, hardware.pairing))
                parts.append((tile_weights(matrix, tile).astype(np.float64).ravel() * hardware.level_units, positive, negative))
        if not any(part[0].any() for part in parts):
            raise ArrayError(f"no weight of the program but zeros stands on array {array}: there is nothing to correct")
        wanted, positive, negative = (np.concatenate(some) for some in zip(*parts, strict=True))
        return cls(wanted, positive % hardware.columns, positive, negative)

    def write(self, cells: NDArray[Any], weights: Numbers, unit: float, base: float) -> None:
        """Put weights into a map of cells: the one of a pair above the base, the other at it."""
        cells.flat[self.positive] = base + np.maximum(weights, 0) * unit
        cells.flat[self.negative] = base + np.maximum(-weights, 0) * unit

    def read(self, cells: Numbers) -> Numbers:
        """The differences of all pairs."""
        return np.asarray(cells.flat[self.positive] - cells.flat[self.negative])

    def column_gains(self, reached: Numbers, columns: int) -> Numbers:
        """Least squares gains of what is reached over what is wanted, (columns,); 1 where nothing is wanted."""
        power = np.bincount(self.column, self.wanted**2, columns)
        return np.where(power > 0, np.bincount(self.column, reached * self.wanted, columns) / np.where(power > 0, power, 1), 1.0)
