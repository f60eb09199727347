"""The tables of ``docs/board.md``: the reference board's chips, lines, ranges and limits, from its board file."""

from __future__ import annotations

from typing import Any

from fxlstm.analysis.timing.times import HEADS, board_times
from fxlstm.app.demos.airline_task import AirlineTask, load_trained
from fxlstm.program.hardware import Hardware, load_board
from fxlstm.program.quantize import quantize
from generators.pages import fill, table
from generators.wiring import chip_selects, pin

BOARD = "reference"
_CHIPS = {
    "row_dac": "drives the rows",
    "gate_dac": "drives the selector gates of the columns",
    "column_adc": "measures the columns",
    "monitor_adc": "measures the monitor net and the calibration bus, for the self-test",
}
_PINS = {
    "range_switch": "0 read (attenuated), 1 program",
    "gain_switch": "0 fine, 1 coarse transimpedance",
    "convert": "CONVST of all ADCs",
    "busy": "BUSY of all ADCs, wired or",
    "adc_reset": "RESET of all ADCs",
    "load_dac": "LDAC of all DACs; low moves the input registers to the outputs",
    "calibrate": "1 ties the calibration bus to the buffer of the monitor net, 0 to ground",
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
        "pins": _lines(board),
        "pin-map": _pin_map(board),
        "wiring": _wiring(board),
        "ranges": _ranges(Hardware(board=BOARD), board["front_end"]),
        "limits": table(("limit", "value", "meaning"), [(name, board["limits"][name], words) for name, words in _LIMITS.items()]),
    }
    for name, text in (tables | _times()).items():
        present = fill(present, name, text)
    return present


def _chips(board: dict[str, Any]) -> str:
    rows = [(board["microcontroller"]["part"], 1, "runs the firmware", "", "", "")]
    for name, words in _CHIPS.items():
        group = board[name]
        first, clock = group["first_chip_select"], f"{group['spi_hertz'] / 1e6:g} MHz"
        selects = str(first) if group["chips"] == 1 else f"{first} to {first + group['chips'] - 1}"
        rows.append((group["chip"], group["chips"], words, selects, group["spi_mode"], clock))
    monitor, columns = board["monitor"], board["array"]["columns"]
    rows += [
        (f"{monitor['buffer']} or like it", 1, "follows the monitor net, drives the calibration bus", "", "", ""),
        (monitor["switch"], 1, "ties the calibration bus to the buffer or to ground", "", "", ""),
        (f"{monitor['column_ohms'] / 1000:g} kohm, 0.1 %", columns, "gives a column's amplifier a known current", "", "", ""),
    ]
    return table(("chip", "number", "what it does", "chip selects", "SPI mode", "SPI clock at most"), rows)


def _lines(board: dict[str, Any]) -> str:
    pins = dict(zip(board["pins"], board["microcontroller"]["line_pins"], strict=True))
    return table(("line", "pin", "meaning"), [(name, pins[name], words) for name, words in _PINS.items()])


def _pin_map(board: dict[str, Any]) -> str:
    """Every pin that is wired, port after port."""
    wired = board["microcontroller"]
    used = dict(zip(wired["serial_pins"], ("USART1 transmit, to the host", "USART1 receive, from the host"), strict=True))
    used |= dict(zip(wired["spi_pins"], ("SPI1 clock", "SPI1 data from the chips", "SPI1 data to the chips"), strict=True))
    used |= dict(zip(wired["line_pins"], board["pins"], strict=True))
    for index, (section, name) in enumerate(chip_selects(board)):
        used[name] = f"chip select {index}: {section.replace('_', ' ')} {index - board[section]['first_chip_select']}"
    return table(("pin", "wired to"), [(name, used[name]) for name in sorted(used, key=pin)])


def _wiring(board: dict[str, Any]) -> str:
    """The board as a figure in Mermaid's words."""
    wired, size = board["microcontroller"], board["array"]
    selects = chip_selects(board)
    lines = ["```mermaid", "graph LR", f'    host["host"] <-->|"{" ".join(wired["serial_pins"])}"| mcu["{wired["part"]}"]']
    for section, target in (("row_dac", "rows"), ("gate_dac", "gates"), ("column_adc", "columns")):
        pins = [name for group, name in selects if group == section]
        chips = f"{board[section]['chips']} x {board[section]['chip']}"
        lines.append(f'    mcu ---|"SPI1, selects {pins[0]} to {pins[-1]}"| {section}["{chips}"]')
        lines.append(f"    {section} --- {target}")
    monitor_select = next(name for group, name in selects if group == "monitor_adc")
    lines += [
        f'    rows["{size["rows"]} rows, behind the range switch"] --- array["{size["rows"]} x {size["columns"]} cells"]',
        f'    gates["{size["columns"]} gates"] --- array',
        f'    columns["{size["columns"]} transimpedance amplifiers"] --- array',
        '    row_dac & gate_dac ---|"MUX pins"| monitor["monitor net, buffer"]',
        f'    mcu ---|"SPI1, select {monitor_select}"| monitor_adc["{board["monitor_adc"]["chip"]}"]',
        "    monitor --- monitor_adc",
        f'    monitor ---|"switch"| bus["calibration bus, {size["columns"]} x {board["monitor"]["column_ohms"] / 1000:g} kohm"]',
        "    bus --- monitor_adc",
        "    bus --- columns",
    ]
    return "\n".join([*lines, "```"])


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


def _times() -> dict[str, str]:
    """What the airline network is expected to take on the board: all of it in a line each, and a timestep step by step."""
    inputs = AirlineTask.load().inputs
    times = board_times(quantize(load_trained(), inputs, Hardware(board=BOARD)), inputs)
    rows = [(part.title, part.time, f"{part.dominant.step}, {part.share(part.dominant):.0%}") for part in times.tables]
    return {"times": table(("what", "expected", "what dominates"), rows), "timestep": table(HEADS, times.timestep.table())}
