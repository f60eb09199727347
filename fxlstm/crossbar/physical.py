"""Cells of a device preset in siemens: they answer pulses, vary, age and are read with noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar._cells import CellBlock, Readings
from fxlstm.crossbar.cells import Block
from fxlstm.crossbar.device import Device
from fxlstm.crossbar.laws import Pulse, Relative, Stable
from fxlstm.crossbar.plain import exact_gain
from fxlstm.crossbar.wires import ChangingConductance, Wires, cubic_currents
from fxlstm.program.formats import CODE_BITS, adc_grid
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Codes

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class PhysicalOperand:
    """ADC codes per row code of a block, (rows, columns), the variance of that between readings, and where the noise is from.

    ``cubic``: part by which the current of a row code grows per code squared. ``solved``: gives the codes for rows where wires lie
    around such cells, so that they are no sum over rows.
    """

    gain: Numbers
    variance: Numbers | None
    cubic: float
    bits: int
    readings: Readings
    solved: Callable[[Numbers], Numbers] | None = None

    @cached_property
    def block(self) -> CellBlock:
        """The same cells for reading in C, which straight cells behind ideal converters allow."""
        return CellBlock(exact_gain(self.gain), self.variance, self.bits, self.readings)

    def currents(self, rows: Numbers) -> Numbers:
        """Return what an ADC without limits or steps would measure, (vectors, columns) in its codes, for driven rows in codes.

        The noise of a column's cells is drawn as one Gaussian of their summed variance, which is exact.
        """
        if self.solved is not None:
            result = self.solved(rows)
        else:
            result = (rows * (1 + self.cubic * rows * rows) if self.cubic else rows) @ self.gain
        if self.variance is not None:
            result += np.sqrt((rows * rows) @ self.variance) * self.readings.normals(*result.shape)
        return result

    def multiply(self, codes: Codes) -> tuple[Codes, int]:
        """Return ADC codes and how many clipped."""
        if not self.cubic:
            return self.block.read(np.ascontiguousarray(codes))
        result = self.currents(codes.astype(np.float64))
        result += 0.5
        return adc_grid(np.floor(result, out=result), self.bits)


class PhysicalCells:
    """Cells with update noise, read noise, ageing and stuck members; conductances in siemens.

    ``streams``: random generators for what cells are like, programming and ageing; ``readings``: the noise of reading. Every cell
    keeps what was last written into it, how long ago (infinite: never, and so settled) and a number that says how it will fare;
    time acts on these, so that one long wait and many short ones give the same cells, and acts only when a cell is looked at or
    pulsed. What the wires leave of the conductances is worked out once per state of the cells; a cell's read noise acts in
    proportion to what is left of its conductance.
    """

    def __init__(
        self,
        hardware: Hardware,
        device: Device,
        rows: int,
        columns: int,
        streams: tuple[np.random.Generator, ...],
        readings: Readings,
        wires: Wires,
        *,
        read_noise: bool,
        update_noise: bool,
        stuck: bool,
        ageing: bool,
    ) -> None:
        self._hardware = hardware
        self._device = device
        variation, self._programming, self._fates = streams
        self._readings = readings
        self._read_noise = read_noise
        self._update_noise = update_noise
        self._ageing = ageing
        shape = rows, columns
        self.state: NDArray[Any] = variation.uniform(*device.initial, shape)  # as it was when last looked at
        chances = variation.random(shape)
        self._stuck = device.defects.strike(self.state, chances) if stuck else np.zeros(shape, np.bool_)
        self._character = variation.standard_normal((2, *shape))
        self._written = self.state.copy()
        self._age = np.full(shape, np.inf)
        self._due = 0.0  # seconds that have passed and not yet acted
        self._fate = np.zeros(shape)
        self._wires = wires
        self._left_by_wires = ChangingConductance(wires)

    @property
    def conductance(self) -> Numbers:
        """Siemens, (rows, columns)."""
        return self._live() * self._device.warmth.conductance

    @property
    def written(self) -> Numbers:
        """Siemens, (rows, columns), right after each cell was last written, or as it was made."""
        return self._written * self._device.warmth.conductance

    @property
    def stuck(self) -> NDArray[np.bool_]:
        """The cells that are not to be moved; they stand where they are as this is asked for."""
        self._live()
        return self._stuck

    @property
    def timeless(self) -> bool:
        """Whether the preset says nothing about time: neither that cells age nor that their noise does."""
        return isinstance(self._device.ageing, Stable) and isinstance(self._device.reading, Relative)

    def set(self, row: int, columns: NDArray[np.intp], volts: float, gates: Numbers, seconds: float) -> None:
        """SET cells of a row by a pulse of ``volts`` on the row, each with its gate voltage."""
        before = self._live()[row, columns]
        self._write(row, columns, self._device.law.after_set(before, self._pulse(row, columns, volts, gates, seconds)))

    def reset(self, row: int, columns: NDArray[np.intp], volts: float, gates: Numbers, seconds: float) -> None:
        """RESET cells of a row by a pulse of magnitude ``volts``."""
        before = self._live()[row, columns]
        self._write(row, columns, self._device.law.after_reset(before, self._pulse(row, columns, volts, gates, seconds)))

    def _pulse(self, row: int, columns: NDArray[np.intp], volts: float, gates: Numbers, seconds: float) -> Pulse:
        size = columns.size
        noise = self._programming.standard_normal(size) if self._update_noise else np.zeros(size)
        return Pulse(volts, gates, seconds, self._character[:, row, columns], noise)

    def _write(self, row: int, columns: NDArray[np.intp], conductance: Numbers) -> None:
        self.state[row, columns] = self._written[row, columns] = self._device.inside(conductance)
        self._age[row, columns] = 0.0
        self._fate[row, columns] = self._fates.standard_normal(columns.size)

    def stand(self, conductance: Numbers, seconds: float) -> None:
        """Put cells at siemens (rows, columns), but those that are NaN, as if all had been written ``seconds`` ago."""
        known = ~np.isnan(conductance)
        self.state[known] = self._written[known] = conductance[known] / self._device.warmth.conductance
        self._age[:] = seconds

    def elapse(self, seconds: float) -> None:
        """Let time pass: cells relax, decay or drift by their preset's law, but not stuck ones nor ones never written."""
        self._due += seconds

    def _live(self) -> NDArray[Any]:
        """The conductances as they are now."""
        if not self._due:
            return self.state
        self._age += self._due
        self._due = 0.0
        if self._ageing:
            ageing = np.isfinite(self._age) & ~self._stuck
            moved = self._device.ageing.after(self._written[ageing], self._age[ageing], self._fate[ageing])
            self.state[ageing] = self._device.inside(moved)
        return self.state

    def saved(self) -> dict[str, NDArray[Any]]:
        """The arrays that make up the cells' state."""
        state = {"cells": self._live(), "stuck": self._stuck, "character": self._character}
        return state | {"written": self._written, "age": self._age, "fate": self._fate}

    def operand(self, block: Block) -> PhysicalOperand:
        """Prepare a block to multiply by."""
        conductance = self.conductance
        cells = self._left_by_wires(conductance)
        noise = self._device.reading.noise(conductance, self._age) if self._read_noise else 0.0
        weighted, part = (cells, noise) if isinstance(noise, float) else (cells * noise, 1.0)
        differences = cells[block.positive, block.columns]
        squares = weighted[block.positive, block.columns] ** 2
        if block.negative is not None:
            differences = differences - cells[block.negative, block.columns]
            squares = squares + weighted[block.negative, block.columns] ** 2
        # Volts per row code over amperes per ADC code: full scale is code 32768 on the rows and 2**(bits - 1) in the ADC.
        gain = self._hardware.read_voltage / self._hardware.full_scale_current(block.range) * 2.0 ** (block.bits - CODE_BITS)
        variance = squares * (gain * part) ** 2 if part else None
        cubic = self._device.cubic * (self._hardware.read_voltage / 2.0 ** (CODE_BITS - 1)) ** 2
        solved = partial(self._solved, block, gain) if cubic and not self._wires.ideal else None
        return PhysicalOperand(differences * gain, variance, cubic, block.bits, self._readings, solved)

    def _solved(self, block: Block, gain: float, rows: Numbers) -> Numbers:
        """What an ADC without limits or steps would measure of a block of cells that are not straight, behind wires."""
        driven = np.zeros((*rows.shape[:-1], len(self._stuck)))
        driven[..., block.positive] = rows
        if block.negative is not None:
            driven[..., block.negative] = -rows
        volts = driven * (self._hardware.read_voltage / 2.0 ** (CODE_BITS - 1))
        amperes = cubic_currents(self.conductance, self._device.cubic, self._wires, volts)[..., block.columns]
        return amperes * (gain / self._hardware.read_voltage * 2.0 ** (CODE_BITS - 1))
