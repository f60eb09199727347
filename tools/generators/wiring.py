"""C header of the board: sizes, chip selects, pins, limits and front-end ranges, from its board file."""

from __future__ import annotations

from typing import Any

from fxlstm.program.hardware import Hardware, load_board
from generators.core import BANNER

BOARD = "reference"

# Register codes of the converters for what the board file says in volts.
_SOFTSPAN_CODES = {(0.0, 5.0): 0, (0.0, 10.0): 1, (-5.0, 5.0): 2, (-10.0, 10.0): 3, (-2.5, 2.5): 4}  # LTC2668-16
_ADC_RANGE_CODES = {2.5: 0, 5.0: 1, 10.0: 3}  # AD7606C-16, bipolar single-ended, +-volts
_CHANNELS = {"LTC2668-16": 16, "AD7606C-16": 8}


def _define(name: str, value: object) -> str:
    return f"#define FW_{name.upper()} {value}"


def _chips(section: str, board: dict[str, Any], lines_name: str) -> list[str]:
    """Counts and chip selects of one group of converters, checked against the lines that they must serve."""
    group = board[section]
    channels, wanted = _CHANNELS[group["chip"]], board["array"][lines_name]
    if channels * group["chips"] < wanted:
        raise ValueError(f"{section}: {group['chips']} chips of {channels} channels cannot serve {wanted} {lines_name}")
    values = {"chips": group["chips"], "channels": channels, "first_chip_select": group["first_chip_select"]}
    return [_define(f"{section}_{name}", f"{value}u") for name, value in values.items()]


def _span(section: str, board: dict[str, Any]) -> list[str]:
    low, high = board[section]["span_volts"]
    return [
        _define(f"{section}_span", f"{_SOFTSPAN_CODES[low, high]}u /* softspan code of {low:g} to {high:g} V */"),
        _define(f"{section}_span_millivolts", f"{round((high - low) * 1000)} /* codes 0 to 65536 */"),
        _define(f"{section}_zero_code", f"{round(-low / (high - low) * 65536)} /* 0 V */"),
    ]


def _ranges(board: dict[str, Any]) -> list[str]:
    """One X-macro over the front-end ranges."""
    front_end, hardware = board["front_end"], Hardware(board=BOARD)
    resistances = sorted(set(front_end["transimpedance_ohms"]), reverse=True)
    if len(resistances) > 2:
        raise ValueError(f"front_end: {len(resistances)} transimpedances, but the gain switch has two positions")
    rows = []
    for index, (volts, ohms) in enumerate(zip(front_end["adc_range_volts"], front_end["transimpedance_ohms"], strict=True)):
        rows.append(f"    X({index}, {_ADC_RANGE_CODES[volts]}u, {resistances.index(ohms)}, {hardware.unit_shift(index)}u)")
    head = "/* X(range, ADC range code, level of the gain switch, unit shift: code = sum(row code * units) >> shift) */"
    return ["", head, "#define FW_RANGES(X) \\", " \\\n".join(rows), _define("range_count", f"{len(rows)}u")]


def header(_: str) -> str:
    """Text of firmware/gen/wiring.h."""
    board = load_board(BOARD)
    lines = [
        BANNER.format(source=f"fxlstm/boards/{BOARD}.toml"),
        "/* clang-format off */",
        "#ifndef FW_WIRING_H",
        "#define FW_WIRING_H",
        "",
        _define("board_name", f'"{board["name"]}"'),
        _define("rows", f"{board['array']['rows']}u"),
        _define("columns", f"{board['array']['columns']}u"),
    ]
    lines += ["", *_chips("row_dac", board, "rows"), *_span("row_dac", board)]
    lines += ["", *_chips("gate_dac", board, "columns"), *_span("gate_dac", board)]
    lines += ["", *_chips("column_adc", board, "columns"), *_ranges(board), ""]
    lines += [_define(f"pin_{name}", f"{pin}u") for name, pin in board["pins"].items()]
    lines += ["", *(_define(f"limit_{name}", value) for name, value in board["limits"].items())]
    lines += ["", _define("worst_microsiemens", board["cells"]["worst_microsiemens"])]
    lines += ["", *(_define(f"settling_{name}", f"{value}u") for name, value in board["settling"].items())]
    return "\n".join([*lines, "", "#endif", ""])
