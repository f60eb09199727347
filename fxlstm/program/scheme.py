"""How cells are programmed: the parameters of write-verify, and what came of it for every cell. Plain data in device codes.

The array that does it (simulated or a board) takes these numbers as they stand; they are the fields of the link's
``campaign_scheme``. The algorithm in plain Python is :mod:`fxlstm.crossbar.programming`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ArrayError
from fxlstm.program.device import Preset, load_device
from fxlstm.program.formats import CODE_MAX
from fxlstm.program.hardware import Hardware, load_board

Progress = Callable[[int, int], None]  # called with how much is done, of how much

# What can have become of a cell in a campaign; the numbers travel over the link.
CELL_STATES: dict[str, int] = {"untouched": 0, "pending": 1, "in_tolerance": 2, "gave_up": 3, "budget_spent": 4}

GATE_CODES = 65536  # codes of the gate DAC's span
READ_CODE = 32767  # row code that reads a conductance
READ_RANGE = 0  # front-end range that reads a single cell: its full scale is 1.25 mS
MAX_CYCLES = 65535  # 16 bits on the link
GATE_SCHEMES = ("open-loop", "write-verify")  # that a :class:`Scheme` describes and boards know


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
    verify: bool | None = None,
) -> Scheme:
    """Return how to program cells of preset ``device`` on the board that ``hardware`` names.

    ``tolerance``: accepted error of a reading in siemens, ``max_cycles``: RESET-SET-read cycles per cell, both by default from the
    preset. ``verify``: write-verify, or else the two-pulse open loop; by default as the preset says.
    Raises :class:`ArrayError` for an unknown preset, a bad number, and cells that gate voltages do not lead to their targets.
    """
    preset = load_device(device)
    if preset.scheme not in GATE_SCHEMES:
        raise ArrayError(
            f"cells of device {device!r} are programmed by scheme {preset.scheme!r}, which only simulated arrays know; "
            "a board needs cells of a gate voltage, for instance 'ta-hfo2'"
        )
    cycles = int(preset["programming.cycles"]) if max_cycles is None else max_cycles
    if not 1 <= cycles <= MAX_CYCLES:
        raise ArrayError(f"max_cycles = {max_cycles}: choose 1 to {MAX_CYCLES}")
    accepted = accepted_error(preset, tolerance)
    return Scheme(
        verify=int(preset.scheme == "write-verify" if verify is None else verify),
        skip=int(not preset.integer),  # an ideal cell is written even when its reading, coarser than its units, looks right
        range=READ_RANGE,
        log2_reads=int(preset["programming.log2_reads"]),
        tolerance=round(accepted / _code_siemens(READ_RANGE, hardware)),
        max_cycles=cycles,
        base_units=round(preset["conductance.base"] / hardware.conductance_unit),
        set_millivolts=round(preset["set.voltage"] * 1000),
        reset_millivolts=-round(preset["reset.voltage"] * 1000),
        set_microseconds=round(preset["set.width"] * 1e6),
        reset_microseconds=round(preset["reset.width"] * 1e6),
        reset_gate=_gate_code(preset["reset.gate"], hardware),
        **(_IDEAL_GATES if preset.integer else _gates(preset, hardware)),
    )


def accepted_error(preset: Preset, tolerance: float | None) -> float:
    """The error in siemens that programming accepts: the preset's, unless ``tolerance`` is given and sensible."""
    accepted = preset["programming.tolerance"] if tolerance is None else tolerance
    if not 0 <= accepted < 1:
        raise ArrayError(f"tolerance = {tolerance}: give siemens, for instance 1e-6")
    return accepted


# An ideal cell takes its gate code as its conductance in units.
_IDEAL_GATES = {"gate_min": 0, "gate_max": GATE_CODES - 1, "gate_offset": 0, "gate_slope": 65536, "gate_correction": 0}


def _gates(preset: Preset, hardware: Hardware) -> dict[str, int]:
    """How gate codes follow from targets and from errors, by the preset's straight line of conductance over gate voltage."""
    base_volts = preset["gate.reference_voltage"]
    base_volts += (preset["conductance.base"] - preset["gate.reference_conductance"]) / preset["gate.slope"]
    codes_per_siemens = _gate_codes_per_volt(hardware) / preset["gate.slope"]
    correction = preset["programming.correction"] * codes_per_siemens * _code_siemens(READ_RANGE, hardware)
    return {
        "gate_min": _gate_code(preset["gate.minimum"], hardware),
        "gate_max": _gate_code(preset["gate.maximum"], hardware),
        "gate_offset": _gate_code(base_volts, hardware),
        "gate_slope": round(codes_per_siemens * hardware.conductance_unit * 65536),
        "gate_correction": round(correction * 65536),
    }


def _gate_codes_per_volt(hardware: Hardware) -> float:
    return GATE_CODES / float(load_board(hardware.board)["gate_dac"]["span_volts"][1])


def _gate_code(volts: float, hardware: Hardware) -> int:
    return min(round(volts * _gate_codes_per_volt(hardware)), GATE_CODES - 1)


def gate_volts(codes: NDArray[np.int64], hardware: Hardware) -> NDArray[np.float64]:
    """Volts of gate DAC codes."""
    return codes / _gate_codes_per_volt(hardware)


def gate_codes(volts: NDArray[np.float64], hardware: Hardware) -> NDArray[np.int64]:
    """Gate DAC codes nearest to voltages."""
    return np.rint(volts * _gate_codes_per_volt(hardware)).astype(np.int64)


def _code_siemens(range_index: int, hardware: Hardware) -> float:
    """Siemens of one ADC code when a conductance is read."""
    return 2.0 ** hardware.unit_shift(range_index) / READ_CODE * hardware.conductance_unit


def code_siemens(codes: NDArray[np.integer], range_index: int, hardware: Hardware) -> NDArray[np.float64]:
    """The conductances in siemens that readings in ADC codes stand for."""
    return codes.astype(np.float64) * _code_siemens(range_index, hardware)


def target_codes(units: NDArray[np.int64], scheme: Scheme, hardware: Hardware) -> NDArray[np.int64]:
    """The reading, in ADC codes, of a cell that is ``units`` above the scheme's base."""
    shift = hardware.unit_shift(scheme.range)
    codes: NDArray[np.int64] = (READ_CODE * (scheme.base_units + units) + (1 << (shift - 1))) >> shift
    return np.minimum(codes, CODE_MAX)


@dataclass(frozen=True, eq=False)
class ProgrammingReport:
    """What became of every cell; arrays are (rows, columns) and cells without a target have state ``untouched``.

    ``state``: CELL_STATES. ``cycles``: RESET-SET-read cycles used. ``pulses``: pulses given. ``reading``: the conductance
    that the last verdict on the cell rests on, and ``error``: reading minus target; siemens, NaN where nothing was measured.
    ``seconds``: time it took; on a simulated array that of its pulses and readings, row after row, cells of a row side by side.
    """

    state: NDArray[np.uint8]
    cycles: NDArray[np.int64]
    pulses: NDArray[np.int64]
    reading: NDArray[np.float64]
    error: NDArray[np.float64]
    seconds: float = 0.0

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
