"""Columns calibrated after programming: what a column delivers for test vectors, brought in line with what it should deliver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ArrayError
from fxlstm.program.formats import CODE_BITS, CODE_MAX, CODE_MIN, ROW_MAX, adc_grid, dac_codes
from fxlstm.program.mapping import tile_weights
from fxlstm.program.pairs import COLUMN_PAIRS, column_weights
from fxlstm.program.program import Codes, Matrix, Program, Tile

Numbers = NDArray[np.float64]
Measure = Callable[[Tile, Codes], Codes]

FRACTION = 16  # bits of a gain and an offset
LARGEST_GAIN = 256  # beyond this a column does not answer its inputs and is left alone
SPAWN_KEY = 1003  # of the test vectors among the streams of a seed


@dataclass(frozen=True, eq=False)
class ColumnCalibration:
    """Gains and offsets of a tile's converted columns, (columns,) int64 in units of 2**-16; ADC codes go in and come out."""

    gain: NDArray[np.int64]
    offset: NDArray[np.int64]

    @classmethod
    def of(cls, numbers: Mapping[str, Any]) -> ColumnCalibration:
        """Read a calibration from what :meth:`saved` gave."""
        return cls(np.array(numbers["gain"], np.int64), np.array(numbers["offset"], np.int64))

    @classmethod
    def shift(cls, offsets: Numbers) -> ColumnCalibration:
        """Add offsets, (columns,) in codes, and change nothing else."""
        return cls(np.full(len(offsets), 1 << FRACTION), np.rint(offsets * 2.0**FRACTION).astype(np.int64))

    def saved(self) -> dict[str, list[int]]:
        """Whole numbers for a file."""
        return {"gain": self.gain.tolist(), "offset": self.offset.tolist()}

    def apply(self, codes: Codes) -> tuple[Codes, int]:
        """Return corrected codes, rounded once and halves up, and how many of them saturated."""
        exact = codes * self.gain + self.offset
        return adc_grid((exact + (1 << (FRACTION - 1))) >> FRACTION, CODE_BITS)


@dataclass(frozen=True)
class CalibrationReport:
    """What a calibration of columns brought: root mean square error in 16-bit codes over its test vectors, without clipped codes.

    ``clipped``: part of the codes that were left out because they, or what they should be, lie at the end of the scale.
    """

    vectors: int
    before: float
    after: float
    clipped: float

    def __str__(self) -> str:
        return (
            f"columns calibrated with {self.vectors} vectors: rms error {self.before:.1f} codes before, {self.after:.1f} after; "
            f"{self.clipped:.1%} clipped"
        )


def calibrate(
    measure: Measure, program: Program, vectors: int, seed: int, base_units: float
) -> tuple[dict[Tile, ColumnCalibration], CalibrationReport]:
    """Fit gains and offsets of all tiles of ``program`` to random inputs.

    ``measure`` gives the ADC codes of a tile's columns uncorrected; those of a pair are calibrated one by one, each to its own
    current. ``base_units``: conductance of a device at level 0.
    """
    if isinstance(vectors, bool) or not isinstance(vectors, int) or vectors < 2:
        raise ArrayError(f"{vectors!r} test vectors: choose a whole number of 2 or more")
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(SPAWN_KEY,)))
    largest = CODE_MAX + 1 - (1 << (CODE_BITS - (program.hardware.adc_bits or CODE_BITS)))  # code of the ADC
    found, before, after, used = {}, [], [], []
    tiles = [(matrix, tile) for matrix in program.matrices for tile in matrix.tiles]
    for matrix, tile in tiles:
        inputs = random.integers(-ROW_MAX, ROW_MAX + 1, (vectors, tile.rows)).astype(np.int16)
        inputs = dac_codes(inputs, program.hardware.dac_bits).astype(np.int16)
        measured, wanted = measure(tile, inputs), exact_codes(matrix, tile, inputs, program.hardware.pairing, base_units)
        valid = (measured > CODE_MIN) & (measured < largest) & (np.abs(wanted) < largest)
        calibration = found[tile] = fit_columns(measured, wanted, valid)
        before.append((measured - wanted)[valid])
        after.append((calibration.apply(measured)[0] - wanted)[valid])
        used.append(valid.ravel())
    clipped = 1 - float(np.concatenate(used).mean())
    return found, CalibrationReport(vectors, _rms(before), _rms(after), clipped)


def exact_codes(matrix: Matrix, tile: Tile, inputs: Codes, pairing: str, base_units: float = 0.0) -> Numbers:
    """What exact cells' ADCs would measure, neither rounded nor limited, (vectors, converted columns).

    ``base_units``: conductance of a device at level 0, which columns of a pair carry each.
    """
    units = column_weights(tile_weights(matrix, tile).astype(np.float64), pairing) * tile.gain
    if pairing == COLUMN_PAIRS:
        units += base_units
    return np.asarray(inputs @ units * 2.0**-tile.gain_shift)


def fit_columns(measured: Codes, wanted: Numbers, valid: NDArray[np.bool_]) -> ColumnCalibration:
    """Least squares gain and offset per column that bring ``measured`` to ``wanted``, over the codes marked in ``valid``.

    A column that does not answer its inputs, or has fewer than two valid codes, keeps gain 1 and offset 0.
    """
    count = np.maximum(valid.sum(axis=0), 1)
    seen_mean, wanted_mean = (np.where(valid, values, 0).sum(axis=0) / count for values in (measured.astype(np.float64), wanted))
    seen, aim = np.where(valid, measured - seen_mean, 0), np.where(valid, wanted - wanted_mean, 0)
    power = (seen**2).sum(axis=0)
    gain = (seen * aim).sum(axis=0) / np.where(power > 0, power, 1)
    answers = (power > 0) & (gain > 0) & (gain < LARGEST_GAIN)
    gain, offset = np.where(answers, gain, 1), np.where(answers, wanted_mean - gain * seen_mean, 0)
    return ColumnCalibration(*(np.rint(part * 2.0**FRACTION).astype(np.int64) for part in (gain, offset)))


def _rms(errors: list[Numbers]) -> float:
    every = np.concatenate([part.ravel() for part in errors])
    return float(np.sqrt((every**2).mean())) if every.size else 0.0
