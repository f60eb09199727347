"""C header of the board: sizes, chip selects, pins, limits and front-end ranges, from its board file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fxlstm.program.hardware import Hardware, converter_sections, load_board
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


def _monitor(board: dict[str, Any]) -> list[str]:
    adc = board["monitor_adc"]
    return [
        _define("monitor_adc_chip_select", f"{adc['first_chip_select']}u"),
        _define("monitor_adc_range", f"{_ADC_RANGE_CODES[adc['range_volts']]}u /* range code of +-{adc['range_volts']:g} V */"),
        _define("monitor_net_channel", f"{adc['net_channel']}u"),
        _define("monitor_bus_channel", f"{adc['bus_channel']}u"),
    ]


def pin(name: str) -> tuple[int, int]:
    """Port number (A is 0) and number in the port of a pin such as ``PA9``."""
    return ord(name[1]) - ord("A"), int(name[2:])


def chip_selects(board: dict[str, Any]) -> list[tuple[str, str]]:
    """The section of the chip at each chip select, and the microcontroller's pin that selects it."""
    return list(zip(converter_sections(board), board["microcontroller"]["select_pins"], strict=True))


def _check_pins(microcontroller: dict[str, Any]) -> None:
    pins = [name for key, names in microcontroller.items() if key.endswith("_pins") for name in names]
    twice = {name for name in pins if pins.count(name) > 1}
    if twice:
        raise ValueError(f"microcontroller: {', '.join(sorted(twice))} is wired twice")


def _microcontroller(board: dict[str, Any]) -> list[str]:
    """The pins, as X-macros over ports and numbers."""
    wired = board["microcontroller"]
    _check_pins(wired)
    selects = []
    for section, name in chip_selects(board):
        selects.append((*pin(name), board[section]["spi_mode"], int(board[section]["spi_hertz"])))
    lines = [(*pin(name), int(line != "busy")) for line, name in zip(board["pins"], wired["line_pins"], strict=True)]
    return [
        _define("crystal_hertz", f"{wired['crystal_hertz']}u"),
        _define("serial_baud", f"{wired['serial_baud']}u"),
        *_rows("serial_pins", "port, pin", map(pin, wired["serial_pins"])),
        *_rows("spi_pins", "port, pin", map(pin, wired["spi_pins"])),
        *_rows("line_pins", "port, pin, 1: output", lines),
        *_rows("select_pins", "port, pin, SPI mode, highest SPI clock in Hz", selects),
    ]


def _rows(name: str, columns: str, rows: Iterable[tuple[int, ...]]) -> list[str]:
    """One X-macro."""
    text = " \\\n".join(f"    X({', '.join(f'{value}u' for value in row)})" for row in rows)
    return ["", f"/* X({columns}), port A is 0 */", f"#define FW_{name.upper()}(X) \\", text]


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
    lines += ["", *_chips("column_adc", board, "columns"), *_ranges(board)]
    lines += ["", *_monitor(board), "", _define("chip_selects", f"{len(chip_selects(board))}u"), ""]
    lines += [_define(f"pin_{name}", f"{pin}u") for name, pin in board["pins"].items()]
    lines += ["", *(_define(f"limit_{name}", value) for name, value in board["limits"].items())]
    lines += ["", _define("rest_codes", board["front_end"]["rest_codes"])]
    lines += ["", _define("worst_microsiemens", board["cells"]["worst_microsiemens"])]
    lines += ["", *(_define(f"settling_{name}", f"{value}u") for name, value in board["settling"].items())]
    lines += ["", *_microcontroller(board)]
    return "\n".join([*lines, "", "#endif", ""])
