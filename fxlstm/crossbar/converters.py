"""The converters in front of physical cells: row codes to driven rows, currents to ADC codes, with every channel's own errors."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.cells import Block
from fxlstm.crossbar.front_end import Converter, FrontEnd
from fxlstm.crossbar.physical import PhysicalCells, PhysicalOperand
from fxlstm.program.formats import CODE_BITS, adc_grid, dac_codes
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
        ranges = {range_index, self._finest(range_index)}
        total, count, clipped = self._measured(row_codes.astype(np.float64), columns, ranges, range_index, bits)
        return ((total + (count >> 1)) // count).astype(np.int16), int(np.count_nonzero(clipped))

    def multiply(self, row_codes: NDArray[np.integer], columns: slice, range_index: int, bits: int) -> tuple[Codes, int]:
        """Return as :meth:`convert`, codes being applied bit by bit if the front end says so, most significant first.

        A pulse of full amplitude may give more than the code it is part of: where it clips it is converted in a coarser range.
        """
        if not self._front_end.serial_bits:
            return self.convert(row_codes, columns, range_index, bits)
        weights, planes = bit_planes(row_codes, self._front_end.serial_bits)
        ranges = set(range(self._finest(range_index), self._hardware.range_count))
        pulses = planes.reshape(-1, planes.shape[-1]).astype(np.float64) * HALF_SCALE
        total, count, clipped = self._measured(pulses, columns, ranges, range_index, bits)
        parts = *planes.shape[:2], total.shape[1]
        added = (total.reshape(parts) * weights[:, np.newaxis]).sum(axis=1)
        count <<= CODE_BITS - 1  # a pulse of full amplitude stands for a code of that size
        exact = (added + (count >> 1)) // count
        codes, _ = adc_grid(exact, CODE_BITS)
        return codes, int(np.count_nonzero(clipped.reshape(parts).any(axis=1) | (codes != exact)))

    def _finest(self, range_index: int) -> int:
        """The finest range that is tried for what was asked for in a range."""
        return fine_range(self._hardware, range_index) if self._front_end.automatic_range else range_index

    def _measured(
        self, row_codes: Numbers, columns: slice, ranges: set[int], range_index: int, bits: int
    ) -> tuple[NDArray[np.int64], int, NDArray[np.bool_]]:
        """Drive rows and return sums of readings, how many make one code of ``range_index``, and what clipped in all ``ranges``.

        Each column is measured in the finest range in which it does not clip.
        """
        rows = self._settled(self._dacs.transfer(row_codes))
        finest, *coarser = sorted(ranges)
        total, clipped = self._reads(rows, columns, finest, bits)
        shift = self._hardware.unit_shift
        for coarse in coarser:
            if clipped.any():
                again, beyond = self._reads(rows, columns, coarse, bits)
                total, clipped = np.where(clipped, again << (shift(coarse) - shift(finest)), total), clipped & beyond
        return total, self._front_end.reads << (shift(range_index) - shift(finest)), clipped

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


def bit_planes(codes: NDArray[np.integer], bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the weights of the magnitude's bits, most significant first, and the signed bits (vectors, bits - 1, rows) of codes.

    Codes (vectors, rows) are rounded to ``bits`` bits, the sign among them, as by a DAC: their bits times the weights.
    """
    driven = dac_codes(codes, bits)  # type: ignore[arg-type]
    places = np.arange(CODE_BITS - 2, CODE_BITS - 1 - bits, -1)
    planes = (np.abs(driven)[:, np.newaxis] >> places[:, np.newaxis]) & 1
    return 1 << places, planes * np.sign(driven)[:, np.newaxis]


def fine_range(hardware: Hardware, range_index: int) -> int:
    """The range of the amplifiers' fine gain and the same ADC span; ``range_index`` itself when that has the fine gain."""
    front_end = load_board(hardware.board)["front_end"]
    ohms, volts = front_end["transimpedance_ohms"], front_end["adc_range_volts"]
    return max((index for index in range(len(ohms)) if volts[index] == volts[range_index]), key=lambda index: ohms[index])
