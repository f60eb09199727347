"""The converters in front of physical cells: row codes to driven rows, currents to ADC codes, with every channel's own errors."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.cells import Block
from fxlstm.crossbar.front_end import Converter, FrontEnd
from fxlstm.crossbar.physical import PhysicalCells, PhysicalOperand
from fxlstm.program.formats import CODE_BITS, adc_grid
from fxlstm.program.hardware import Hardware, load_board
from fxlstm.program.program import Codes

Numbers = NDArray[np.float64]

HALF_SCALE = 2.0 ** (CODE_BITS - 1)
KNOTS = 65  # codes at which a channel's integral non-linearity is drawn; it is straight between them
SPAWN_KEYS = (1000, 1001, 1002)  # DACs, ADCs, noise: far from those of the cells, so that a front end changes no cell


class Channels:
    """``count`` channels of a family of converters as they were made: ``transfer`` is what one conversion does to values."""

    def __init__(self, errors: Converter, count: int, made: np.random.Generator) -> None:
        self._ideal = errors.ideal
        self._noise = errors.noise
        self._offset = errors.offset * made.standard_normal(count)
        self._gain = 1 + errors.gain * made.standard_normal(count)
        scale = np.linspace(-1, 1, KNOTS)
        ripple = errors.ripple * made.standard_normal((count, KNOTS))
        ripple[:, [0, -1]] = 0
        self._bent = bool(errors.bow or errors.ripple)
        self._bend = errors.bow * (1 - scale**2) + ripple

    def transfer(self, values: Numbers, channels: slice = slice(None)) -> Numbers:
        """Return what the channels make of values (..., channels) in 16-bit steps, but for the noise."""
        if self._ideal:
            return values
        result = values * self._gain[channels] + self._offset[channels]
        if self._bent:
            result += self._non_linearity(values, self._bend[channels])
        return result

    def _non_linearity(self, values: Numbers, bend: Numbers) -> Numbers:
        """Straight lines between the knots of each channel; beyond full scale as at its end."""
        place = (np.clip(values / HALF_SCALE, -1, 1) + 1) * ((KNOTS - 1) / 2)
        knot = np.minimum(place.astype(np.intp), KNOTS - 2)
        channel = np.arange(len(bend))
        low = bend[channel, knot]
        return np.asarray(low + (bend[channel, knot + 1] - low) * (place - knot))

    def noisy(self, values: Numbers, noise: np.random.Generator) -> Numbers:
        """Return values with the noise of one conversion."""
        return values + self._noise * noise.standard_normal(values.shape) if self._noise else values


class Converters:
    """A front end in front of ``cells``: all rows are driven, also those at code 0, and some columns are measured.

    The vectors of a call are driven one after another; all reads of a vector follow once it has settled. ``driven``: where the rows
    stand, in 16-bit steps. ``noise``: the random stream of the converters. The same ``seed`` makes the same channels and noise.
    """

    def __init__(self, front_end: FrontEnd, hardware: Hardware, cells: PhysicalCells, seed: int) -> None:
        rows, columns = cells.stuck.shape
        made = (np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key,))) for key in SPAWN_KEYS)
        dacs, adcs, self.noise = made
        self._dacs, self._adcs = Channels(front_end.dac, rows, dacs), Channels(front_end.adc, columns, adcs)
        self._front_end, self._hardware, self._cells = front_end, hardware, cells
        time = load_board(hardware.board)["settling"]["read_microseconds"] * 1e-6
        self._residual = math.exp(-time / front_end.settling) if front_end.settling else 0.0
        self.driven = np.zeros(rows)
        self._operands: dict[tuple[int, int, int], PhysicalOperand] = {}  # by first and last column, and range

    def cells_changed(self) -> None:
        """Forget what was prepared of the cells."""
        self._operands.clear()

    def rest(self) -> None:
        """Put all rows at 0 V, where a pulse leaves them."""
        self.driven[:] = 0

    def convert(self, row_codes: NDArray[np.integer], columns: slice, range_index: int, bits: int) -> tuple[Codes, int]:
        """Return ADC codes (vectors, columns) for codes (vectors, rows) of all rows, and how many clipped.

        A code counts as clipped when one of its reads was. Averages are rounded once, halves up, on the 16-bit grid.
        """
        rows = self._settled(self._dacs.transfer(row_codes.astype(np.float64)))
        total, clipped = self._reads(rows, columns, range_index, bits)
        octaves = 0
        if self._front_end.automatic_range:
            fine = fine_range(self._hardware, range_index)
            octaves = self._hardware.unit_shift(range_index) - self._hardware.unit_shift(fine)
            if octaves:
                fine_total, beyond = self._reads(rows, columns, fine, bits)
                total, clipped = np.where(beyond, total << octaves, fine_total), clipped & beyond
        count = self._front_end.reads << octaves
        return ((total + (count >> 1)) // count).astype(np.int16), int(np.count_nonzero(clipped))

    def _settled(self, wanted: Numbers) -> Numbers:
        """Rows after the settling time, for vectors driven one after another."""
        if not self._residual:
            return wanted
        reached = np.empty_like(wanted)
        for index, vector in enumerate(wanted):
            reached[index] = self.driven = vector + self._residual * (self.driven - vector)
        return reached

    def _reads(self, rows: Numbers, columns: slice, range_index: int, bits: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Sum of all reads in one range, and which codes clipped in any of them."""
        operand = self._operand(columns, range_index)
        total = np.zeros((len(rows), columns.stop - columns.start), np.int64)
        clipped = np.zeros(total.shape, np.bool_)
        limit = 1 << (bits - 1)
        for _ in range(self._front_end.reads):
            currents = operand.currents(self._dacs.noisy(rows, self.noise))
            seen = self._adcs.noisy(self._adcs.transfer(currents, columns), self.noise)
            exact = np.floor(seen * 2.0 ** (bits - CODE_BITS) + 0.5)
            total += adc_grid(exact, bits)[0]
            clipped |= (exact < -limit) | (exact >= limit)
        return total, clipped

    def _operand(self, columns: slice, range_index: int) -> PhysicalOperand:
        key = columns.start, columns.stop, range_index
        operand = self._operands.get(key)
        if operand is None:
            block = Block(slice(0, len(self.driven)), None, columns, range_index, CODE_BITS)
            operand = self._operands[key] = self._cells.operand(block)
        return operand


def fine_range(hardware: Hardware, range_index: int) -> int:
    """The range of the amplifiers' fine gain and the same ADC span; ``range_index`` itself when that has the fine gain."""
    front_end = load_board(hardware.board)["front_end"]
    ohms, volts = front_end["transimpedance_ohms"], front_end["adc_range_volts"]
    return max((index for index in range(len(ohms)) if volts[index] == volts[range_index]), key=lambda index: ohms[index])
