"""How cells are programmed: the parameters of write-verify, and what came of it for every cell. Plain data in device codes.

The array that does it (simulated or a board) takes these numbers as they stand; they are the fields of the link's
``campaign_scheme``. The algorithm in plain Python is :mod:`fxlstm.crossbar.programming`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ArrayError
from fxlstm.program.device import Preset, load_device
from fxlstm.program.hardware import Hardware, load_board

# What can have become of a cell in a campaign; the numbers travel over the link.
CELL_STATES: dict[str, int] = {"untouched": 0, "pending": 1, "in_tolerance": 2, "gave_up": 3, "budget_spent": 4}

GATE_CODES = 65536  # codes of the gate DAC's span
READ_CODE = 32767  # row code that reads a conductance


@dataclass(frozen=True)
class Scheme:
    """Parameters of programming, in the units of the device; names and meanings as in the link's ``campaign_scheme``.

    ``verify`` 0 is the two-pulse open loop, 1 write-verify. ``tolerance`` is in ADC codes of ``range``.
    Gate fields are gate DAC codes; slope and correction are fixed-point factors times 65536.
    """

    verify: int
    skip: int
    range: int
    log2_reads: int
    tolerance: int
    max_cycles: int
    base_units: int
    set_millivolts: int
    reset_millivolts: int
    set_microseconds: int
    reset_microseconds: int
    reset_gate: int
    gate_min: int
    gate_max: int
    gate_offset: int
    gate_slope: int
    gate_correction: int


def scheme_for(
    device: str,
    hardware: Hardware,
    *,
    tolerance: float | None = None,
    max_cycles: int | None = None,
    verify: bool = True,
) -> Scheme:
    """Return how to program cells of preset ``device`` on the board that ``hardware`` names.

    ``tolerance``: accepted error of a reading in siemens, ``max_cycles``: RESET-SET-read cycles per cell, both by default from the
    preset. ``verify=False`` gives the two-pulse open loop. Raises :class:`ArrayError` for an unknown preset or a bad number.
    """
    preset = load_device(device)
    cycles = int(preset["programming.cycles"]) if max_cycles is None else max_cycles
    if not 1 <= cycles <= 65535:
        raise ArrayError(f"max_cycles = {max_cycles}: choose 1 to 65535")
    if tolerance is not None and not 0 <= tolerance < 1:
        raise ArrayError(f"tolerance = {tolerance}: give siemens, for instance 1e-6")
    if preset.integer:
        return _ideal_scheme(preset, hardware, cycles, verify, tolerance or 0.0)
    per_siemens = 1.0 / hardware.conductance_unit
    codes_per_volt = _codes_per_volt(hardware)
    codes_per_unit = codes_per_volt / preset["gate.slope"] / per_siemens
    base = round(preset["conductance.base"] * per_siemens)
    offset_volts = (
        preset["gate.reference_voltage"]
        + (preset["conductance.base"] - preset["gate.reference_conductance"]) / preset["gate.slope"]
    )
    accepted = preset["programming.tolerance"] if tolerance is None else tolerance
    return Scheme(
        verify=int(verify),
        skip=1,
        log2_reads=int(preset["programming.log2_reads"]),
        tolerance=_tolerance_codes(accepted, hardware),
        max_cycles=cycles,
        base_units=base,
        gate_min=round(preset["gate.minimum"] * codes_per_volt),
        gate_max=round(preset["gate.maximum"] * codes_per_volt),
        gate_offset=round(offset_volts * codes_per_volt),
        gate_slope=round(codes_per_unit * 65536),
        gate_correction=round(preset["programming.correction"] * codes_per_unit * _units_per_code(hardware) * 65536),
        **_pulses(preset, hardware),
    )


def _ideal_scheme(preset: Preset, hardware: Hardware, cycles: int, verify: bool, tolerance: float) -> Scheme:
    """The gate code is the conductance in units, so one SET is exact."""
    return Scheme(
        verify=int(verify),
        skip=0,
        log2_reads=0,
        tolerance=_tolerance_codes(tolerance, hardware),
        max_cycles=cycles,
        base_units=0,
        gate_min=0,
        gate_max=GATE_CODES - 1,
        gate_offset=0,
        gate_slope=65536,
        gate_correction=0,
        **_pulses(preset, hardware),
    )


def _pulses(preset: Preset, hardware: Hardware) -> dict[str, int]:
    """Voltages and widths of the pulses, and the range that reads them back."""
    return {
        "range": 0,
        "set_millivolts": round(preset["set.voltage"] * 1000),
        "reset_millivolts": -round(preset["reset.voltage"] * 1000),
        "set_microseconds": round(preset["set.width"] * 1e6),
        "reset_microseconds": round(preset["reset.width"] * 1e6),
        "reset_gate": min(round(preset["reset.gate"] * _codes_per_volt(hardware)), GATE_CODES - 1),
    }


def _codes_per_volt(hardware: Hardware) -> float:
    return GATE_CODES / float(load_board(hardware.board)["gate_dac"]["span_volts"][1])


def gate_volts(codes: NDArray[np.int64], hardware: Hardware) -> NDArray[np.float64]:
    """Volts of gate DAC codes."""
    return codes / _codes_per_volt(hardware)


def gate_codes(volts: NDArray[np.float64], hardware: Hardware) -> NDArray[np.int64]:
    """Gate DAC codes nearest to voltages."""
    return np.rint(volts * _codes_per_volt(hardware)).astype(np.int64)


def _units_per_code(hardware: Hardware) -> float:
    """Conductance units per ADC code of a reading in range 0."""
    return float(2 ** hardware.unit_shift(0)) / READ_CODE


def _tolerance_codes(siemens: float, hardware: Hardware) -> int:
    return round(siemens / hardware.conductance_unit / _units_per_code(hardware))


def target_codes(units: NDArray[np.int64], scheme: Scheme, hardware: Hardware) -> NDArray[np.int64]:
    """The reading, in ADC codes, of a cell that is ``units`` above the scheme's base."""
    shift = hardware.unit_shift(scheme.range)
    return (READ_CODE * (scheme.base_units + units) + (1 << (shift - 1))) >> shift


def code_siemens(codes: NDArray[np.integer], range_index: int, hardware: Hardware) -> NDArray[np.float64]:
    """The conductance in siemens that a reading in ADC codes stands for."""
    return codes.astype(np.float64) * (2.0 ** hardware.unit_shift(range_index) / READ_CODE * hardware.conductance_unit)


@dataclass(frozen=True)
class ProgrammingReport:
    """What became of every cell; arrays are (rows, columns) and cells without a target have state ``untouched``.

    ``state``: CELL_STATES. ``cycles``: RESET-SET-read cycles used. ``pulses``: pulses given. ``reading``: the conductance
    that the last verdict on the cell rests on, and ``error``: reading minus target; siemens, NaN where nothing was measured.
    """

    state: NDArray[np.uint8]
    cycles: NDArray[np.int64]
    pulses: NDArray[np.int64]
    reading: NDArray[np.float64]
    error: NDArray[np.float64]

    @property
    def targeted(self) -> NDArray[np.bool_]:
        """Cells that had a target."""
        return np.asarray(self.state != CELL_STATES["untouched"])

    @property
    def success_rate(self) -> float:
        """Part of the targeted cells that ended within tolerance; 1 when there were none."""
        cells = int(np.count_nonzero(self.targeted))
        return int(np.count_nonzero(self.state == CELL_STATES["in_tolerance"])) / cells if cells else 1.0

    @property
    def failed(self) -> list[tuple[int, int]]:
        """(row, column) of every targeted cell that is not within tolerance."""
        missed = self.targeted & (self.state != CELL_STATES["in_tolerance"])
        return [(int(row), int(column)) for row, column in np.argwhere(missed)]

    def __str__(self) -> str:
        cells = int(np.count_nonzero(self.targeted))
        if not cells:
            return "no cell had a target"
        cycles = float(self.cycles[self.targeted].mean())
        spread = float(np.nanstd(self.error[self.state == CELL_STATES["in_tolerance"]])) if self.success_rate else float("nan")
        return (
            f"{cells - len(self.failed)} of {cells} cells in tolerance ({100 * self.success_rate:.2f} %), "
            f"{cycles:.2f} cycles per cell, {int(self.pulses.sum())} pulses, "
            f"spread of the accepted readings {spread * 1e6:.2f} uS"
        )
