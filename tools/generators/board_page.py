"""The tables of ``docs/board.md``: the reference board's chips, lines, ranges and limits, from its board file."""

from __future__ import annotations

from typing import Any

from fxlstm.program.hardware import Hardware, load_board
from generators.pages import fill, table

BOARD = "reference"
_CHIPS = {
    "row_dac": "drives the rows",
    "gate_dac": "drives the selector gates of the columns",
    "column_adc": "measures the columns",
}
_PINS = {
    "range_switch": "0 read (attenuated), 1 program",
    "gain_switch": "0 fine, 1 coarse transimpedance",
    "convert": "CONVST of all ADCs",
    "busy": "BUSY of all ADCs, wired or",
    "adc_reset": "RESET of all ADCs",
    "load_dac": "LDAC of all DACs; low moves the input registers to the outputs",
}
_LIMITS = {
    "row_millivolts": "largest magnitude on a row while programming, mV",
    "gate_millivolts": "largest gate voltage, mV",
    "pulses_per_cell": "pulses on one cell since power-up",
    "pulse_nanojoules": "largest energy of one pulse, estimated for the worst case, nJ",
    "pulse_microseconds": "longest pulse, us",
    "silence_milliseconds": "without a frame from the host for so long: safe idle, ms",
}


def page(present: str) -> str:
    """Return the page with its tables renewed."""
    board = load_board(BOARD)
    tables = {
        "chips": _chips(board),
        "pins": table(("line", "GPIO", "meaning"), [(name, board["pins"][name], words) for name, words in _PINS.items()]),
        "ranges": _ranges(Hardware(board=BOARD), board["front_end"]),
        "limits": table(("limit", "value", "meaning"), [(name, board["limits"][name], words) for name, words in _LIMITS.items()]),
    }
    for name, text in tables.items():
        present = fill(present, name, text)
    return present


def _chips(board: dict[str, Any]) -> str:
    rows = []
    for name, words in _CHIPS.items():
        group = board[name]
        first = group["first_chip_select"]
        rows.append((group["chip"], group["chips"], words, f"{first} to {first + group['chips'] - 1}"))
    return table(("chip", "number", "what it does", "chip selects"), rows)


def _ranges(hardware: Hardware, front_end: dict[str, Any]) -> str:
    rows = [
        (
            index,
            f"{front_end['transimpedance_ohms'][index] / 1000:g} kohm",
            f"+-{front_end['adc_range_volts'][index]:g} V",
            f"+-{hardware.full_scale_current(index) * 1e6:g} uA",
            f"{hardware.full_scale_current(index) / 32768 / hardware.read_voltage * 1e9:.4g} nS",
        )
        for index in range(hardware.range_count)
    ]
    return table(("range", "transimpedance", "ADC range", "full scale", "one ADC code, at full read voltage"), rows)
