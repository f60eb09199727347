"""The cells of a simulated array: ideal ones, exact in integers, and physical ones, in siemens with noise.

Both know the same verbs: ``set`` and ``reset`` some cells of a row, and ``operand`` prepares a block of cells to multiply by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar.device import Device
from fxlstm.crossbar.wires import Wires, effective_conductance
from fxlstm.program.formats import CODE_BITS, adc_codes, adc_grid
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

    def multiply(self, codes: NDArray[np.integer]) -> tuple[Codes, int]:
        """Return ADC codes (..., columns) for row codes (..., rows), and how many of them clipped."""


class Cells(Protocol):
    """The cells of an array. ``state`` and ``stuck`` are (rows, columns); cells marked in ``stuck`` are not to be moved."""

    state: NDArray[Any]
    stuck: NDArray[np.bool_]

    @property
    def conductance(self) -> NDArray[np.float64]:
        """Siemens, (rows, columns)."""

    def set(self, row: int, columns: NDArray[np.intp], gate_volts: NDArray[np.float64]) -> None:
        """SET cells of a row, each with its gate voltage."""

    def reset(self, row: int, columns: NDArray[np.intp]) -> None:
        """RESET cells of a row."""

    def operand(self, block: Block) -> Operand:
        """Prepare a block to multiply by."""


@dataclass(frozen=True)
class IdealOperand:
    """Unit differences of a block, (rows, columns) in int64, and the shift of its range."""

    units: NDArray[np.int64]
    shift: int
    bits: int

    def multiply(self, codes: NDArray[np.integer]) -> tuple[Codes, int]:
        """Return ADC codes, exact but for the ADC's one rounding, and how many clipped."""
        return adc_codes(codes.astype(np.int64) @ self.units, self.shift, self.bits)


class IdealCells:
    """Cells that hold the gate DAC's code of their last SET as conductance units; all arithmetic is exact in int64."""

    def __init__(self, hardware: Hardware, rows: int, columns: int) -> None:
        self._hardware = hardware
        self.state: NDArray[Any] = np.zeros((rows, columns), np.int64)
        self.stuck = np.zeros((rows, columns), np.bool_)

    @property
    def conductance(self) -> NDArray[np.float64]:
        """Siemens, (rows, columns)."""
        return self.state * self._hardware.conductance_unit

    def set(self, row: int, columns: NDArray[np.intp], gate_volts: NDArray[np.float64]) -> None:
        """SET cells of a row, each with its gate voltage."""
        self.state[row, columns] = gate_codes(gate_volts, self._hardware)

    def reset(self, row: int, columns: NDArray[np.intp]) -> None:
        """RESET cells of a row."""
        self.state[row, columns] = 0

    def operand(self, block: Block) -> IdealOperand:
        """Prepare a block to multiply by."""
        units = self.state[block.positive, block.columns]
        if block.negative is not None:
            units = units - self.state[block.negative, block.columns]
        return IdealOperand(np.ascontiguousarray(units), self._hardware.unit_shift(block.range), block.bits)


@dataclass(frozen=True)
class PhysicalOperand:
    """ADC codes per row code of a block, (rows, columns), the variance of that between readings, and the source of noise."""

    gain: NDArray[np.float64]
    variance: NDArray[np.float64] | None
    bits: int
    noise: np.random.Generator

    def multiply(self, codes: NDArray[np.integer]) -> tuple[Codes, int]:
        """Return ADC codes and how many clipped.

        The noise of a column's cells is drawn as one Gaussian of their summed variance, which is exact.
        """
        rows = codes.astype(np.float64)
        result = rows @ self.gain
        if self.variance is not None:
            result += np.sqrt((rows * rows) @ self.variance) * self.noise.standard_normal(result.shape)
        result += 0.5
        return adc_grid(np.floor(result, out=result), self.bits)


class PhysicalCells:
    """Cells with update noise, read noise and stuck members; conductances in siemens.

    ``variation``, ``programming`` and ``reading`` are independent random streams, so that reading more often does not change what
    programming does. What the wires leave of the conductances is worked out once per state of the cells; a cell's read noise acts
    in proportion to what is left of its conductance.
    """

    def __init__(
        self,
        hardware: Hardware,
        device: Device,
        rows: int,
        columns: int,
        streams: tuple[np.random.Generator, ...],
        wires: Wires,
        *,
        read_noise: bool,
        update_noise: bool,
        stuck: bool,
    ) -> None:
        self._hardware = hardware
        self._device = device
        variation, self._programming, self._reading = streams
        self._read_noise = device.read_noise if read_noise else 0.0
        self._update_noise = update_noise
        self.state: NDArray[Any] = variation.uniform(*device.initial, (rows, columns))
        self.stuck = variation.random((rows, columns)) < (device.stuck_fraction if stuck else 0.0)
        self.state[self.stuck] = device.stuck_conductance
        self._wires = wires
        self._effective: NDArray[np.float64] | None = None  # of the state as it is, or not yet worked out

    @property
    def conductance(self) -> NDArray[np.float64]:
        """Siemens, (rows, columns)."""
        return self.state.copy()

    def set(self, row: int, columns: NDArray[np.intp], gate_volts: NDArray[np.float64]) -> None:
        """SET cells of a row, each with its gate voltage."""
        self._effective = None
        self.state[row, columns] = self._device.after_set(self.state[row, columns], gate_volts, self._noise(columns.size))

    def reset(self, row: int, columns: NDArray[np.intp]) -> None:
        """RESET cells of a row."""
        self._effective = None
        self.state[row, columns] = self._device.after_reset(self._noise(columns.size))

    def _noise(self, size: int) -> NDArray[np.float64]:
        return self._programming.standard_normal(size) if self._update_noise else np.zeros(size)

    def operand(self, block: Block) -> PhysicalOperand:
        """Prepare a block to multiply by."""
        if self._effective is None:
            self._effective = effective_conductance(self.state, self._wires)
        cells = self._effective
        differences = cells[block.positive, block.columns]
        squares = differences**2
        if block.negative is not None:
            opposite = cells[block.negative, block.columns]
            differences, squares = differences - opposite, squares + opposite**2
        # Volts per row code over amperes per ADC code: full scale is code 32768 on the rows and 2**(bits - 1) in the ADC.
        gain = self._hardware.read_voltage / self._hardware.full_scale_current(block.range) * 2.0 ** (block.bits - CODE_BITS)
        variance = squares * (gain * self._read_noise) ** 2 if self._read_noise else None
        return PhysicalOperand(differences * gain, variance, block.bits, self._reading)
