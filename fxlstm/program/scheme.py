"""How the cells of a preset are programmed on a board: the parameters of a scheme from their numbers in volts and siemens.

The algorithms in plain Python begin at :mod:`fxlstm.crossbar.programming`.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ArrayError
from fxlstm.program.device import Preset, load_device
from fxlstm.program.formats import CODE_MAX
from fxlstm.program.hardware import Hardware, load_board
from fxlstm.program.scheme_parameters import GATE_CODES, GateScheme, IncrementalScheme, Ladder, Scheme

# What can have become of a cell in a campaign; the numbers travel over the link.
CELL_STATES: dict[str, int] = {"untouched": 0, "pending": 1, "in_tolerance": 2, "gave_up": 3, "budget_spent": 4}

ROW_CODES = 65536  # codes of the row DAC's span
READ_CODE = 32767  # row code that reads a conductance
READ_RANGE = 0  # front-end range that reads a single cell: its full scale is 1.25 mS
GATE_SCHEMES = ("open-loop", "write-verify")  # that a :class:`GateScheme` describes
SCHEMES = (*GATE_SCHEMES, "incremental", "refined")


def scheme_for(
    device: str,
    hardware: Hardware,
    *,
    tolerance: float | None = None,
    max_cycles: int | None = None,
    verify: bool | None = None,
) -> GateScheme:
    """Return how to program cells of preset ``device`` by gate voltages on the board that ``hardware`` names.

    ``tolerance``: accepted error of a reading in siemens, ``max_cycles``: RESET-SET-read cycles per cell, both by default from the
    preset. ``verify``: write-verify, or else the two-pulse open loop; by default as the preset says.
    Raises :class:`ArrayError` for an unknown preset, a bad number, and cells that gate voltages do not lead to their targets.
    """
    preset = load_device(device)
    if preset.scheme not in GATE_SCHEMES:
        raise ArrayError(
            f"cells of device {device!r} are programmed by scheme {preset.scheme!r}, as their gate voltage does not say what they "
            "become; leave the scheme out, or choose 'incremental' or 'refined'"
        )
    return GateScheme(
        **_readings(preset, hardware, tolerance),
        verify=int(preset.scheme == "write-verify" if verify is None else verify),
        skip=int(not preset.integer),  # an ideal cell is written even when its reading, coarser than its units, looks right
        max_cycles=int(preset["programming.cycles"]) if max_cycles is None else max_cycles,
        set_millivolts=round(preset["set.voltage"] * 1000),
        reset_millivolts=-round(preset["reset.voltage"] * 1000),
        set_microseconds=_microseconds(preset["set.width"]),
        reset_microseconds=_microseconds(preset["reset.width"]),
        reset_gate=_gate_code(preset["reset.gate"], hardware),
        **(_IDEAL_GATES if preset.integer else _gates(preset, hardware)),
    )


def programming_scheme(
    device: str, hardware: Hardware | None = None, name: str | None = None, *, tolerance: float | None = None
) -> Scheme:
    """Return the parameters by which cells of preset ``device`` are programmed behind the front end of ``hardware``'s board.

    ``name``: ``"open-loop"`` (RESET, SET), ``"write-verify"`` (gate voltages follow the error), ``"incremental"`` (growing pulses
    with reversals of polarity), ``"refined"`` (the preset's own scheme, repeated after the cells have relaxed); by default the
    preset's own. ``tolerance``: accepted error of a reading in siemens, by default the preset's. Simulated arrays and boards carry
    out the same numbers. Raises :class:`ArrayError` for an unknown name and for a preset that lacks a number that the scheme needs.
    """
    preset, hardware = load_device(device), hardware or Hardware()
    name = name or preset.scheme
    if name not in SCHEMES:
        raise ArrayError(f"programming scheme {name!r}: choose one of {', '.join(SCHEMES)}")
    if name == "incremental":
        return _incremental(preset, hardware, tolerance)
    if name != "refined":
        return scheme_for(device, hardware, tolerance=tolerance, verify=name == "write-verify")
    if preset.scheme == "refined":
        raise ArrayError(
            f"device preset {device!r}: its own scheme is 'refined', which says not how each pass writes; name that one"
        )
    wait = round(preset["programming.wait"] * 1000)
    basis = programming_scheme(device, hardware, tolerance=tolerance)
    return replace(basis, passes=int(preset["programming.passes"]), wait_milliseconds=wait)


def chosen_scheme(device: str, hardware: Hardware, scheme: Scheme | str | None, tolerance: float | None) -> Scheme:
    """Return a scheme as it is given, or that of a name, by default the preset's own, with a tolerance in siemens.

    Raises :class:`ArrayError` for a tolerance beside a scheme, which holds one.
    """
    if not isinstance(scheme, Scheme):
        return programming_scheme(device, hardware, scheme, tolerance=tolerance)
    if tolerance is not None:
        raise ArrayError("both tolerance and scheme are given; put the tolerance into the scheme")
    return scheme


def _incremental(preset: Preset, hardware: Hardware, tolerance: float | None) -> IncrementalScheme:
    return IncrementalScheme(
        **_readings(preset, hardware, tolerance),
        reversals=int(preset["programming.reversals"]),
        most_pulses=int(preset["programming.pulses"]),
        up=_ladder(preset, "set", 1, hardware),
        down=_ladder(preset, "reset", -1, hardware),
    )


def _ladder(preset: Preset, polarity: str, sign: int, hardware: Hardware) -> Ladder:
    first, step, most = (sign * round(preset[f"{polarity}.{key}"] * 1000) for key in ("voltage", "step", "most"))
    return Ladder(first, step, most, _gate_code(preset[f"{polarity}.gate"], hardware), _microseconds(preset[f"{polarity}.width"]))


def _readings(preset: Preset, hardware: Hardware, tolerance: float | None) -> dict[str, int]:
    """What all schemes have in common."""
    accepted = preset["programming.tolerance"] if tolerance is None else tolerance
    if not 0 <= accepted < 1:
        raise ArrayError(f"tolerance = {tolerance}: give siemens, for instance 1e-6")
    return {
        "range": READ_RANGE,
        "log2_reads": int(preset["programming.log2_reads"]),
        "tolerance": round(accepted / _code_siemens(READ_RANGE, hardware)),
        "base_units": round(preset["conductance.base"] / hardware.conductance_unit),
    }


def _microseconds(seconds: float) -> int:
    """A pulse width as a timer gives it: whole microseconds, at least one."""
    return max(round(seconds * 1e6), 1)


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


def row_volts(millivolts: int, hardware: Hardware) -> float:
    """Volts that the row DAC gives when asked for millivolts: rounded towards 0, so that no limit is exceeded."""
    low, high = load_board(hardware.board)["row_dac"]["span_volts"]
    span = float(high - low)
    return math.trunc(millivolts * ROW_CODES / (1000 * span)) * span / ROW_CODES


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
