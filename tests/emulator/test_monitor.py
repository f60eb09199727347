"""The monitor net of the DACs and the known current for the amplifiers, by hand-written frames on the bus."""

import numpy as np
import pytest
from test_bus import GATE_DAC, PINS, ROW_DAC, RecordingArray, convert, ready, row, send

from fxlstm.emulator.amplifiers import OFFSET, WEAK
from fxlstm.emulator.bus import Bus
from fxlstm.emulator.faults import ChipFaults
from fxlstm.program.hardware import load_board

BOARD = load_board("reference")
MONITOR_ADC = BOARD["monitor_adc"]["first_chip_select"]
NET, BUS = (BOARD["monitor_adc"][f"{name}_channel"] for name in ("net", "bus"))
COLUMN_OHMS = BOARD["monitor"]["column_ohms"]


class Silent(RecordingArray):
    """An array whose cells conduct nothing."""

    def convert(self, row_codes: np.ndarray, range_index: int) -> np.ndarray:
        super().convert(row_codes, range_index)
        return np.zeros(64, np.int16)


def bus_with(board: str = "reference", **faults: int) -> Bus:
    """Rows at 0 V, gates closed, as while the board tests itself."""
    bus = ready(Bus(Silent(), board, faults=ChipFaults(**faults)))
    for chip in range(GATE_DAC, GATE_DAC + 4):
        send(bus, chip, "a0 0000")
    return bus


def monitored(bus: Bus) -> tuple[float, float]:
    """Volts of the monitor net and of the calibration bus."""
    convert(bus)
    codes = np.frombuffer(bus.transfer(MONITOR_ADC, bytes(16)), ">i2")
    return tuple(float(codes[channel]) * 10 / 32768 for channel in (NET, BUS))  # type: ignore[return-value]


def give_current(bus: Bus, code: int = 0x8000 + 0x4000) -> float:
    """Let row 5's output, 2.5 V, drive the calibration bus; return the amperes of a column."""
    row(bus, 5, code)
    send(bus, ROW_DAC, "b0 0015")
    bus.pin_write(PINS["calibrate"], True)
    return monitored(bus)[1] / COLUMN_OHMS


def test_nothing_drives_the_monitor_net_while_all_multiplexers_are_off() -> None:
    bus = bus_with()
    row(bus, 5, 0xC000)
    assert monitored(bus) == (0, 0)


@pytest.mark.parametrize(
    ("chip", "frames", "volts"), [(ROW_DAC + 3, ("37 e000", "b0 0017"), 3.75), (GATE_DAC, ("3f 8000", "b0 001f"), 2.5)]
)
def test_an_output_is_seen_at_the_net_less_what_the_pull_down_takes(chip: int, frames: tuple[str, ...], volts: float) -> None:
    bus = bus_with()
    send(bus, chip, *frames)
    net, calibration = monitored(bus)
    assert net == pytest.approx(volts / (1 + 2200 / 10e6), abs=10 / 32768)
    assert calibration == 0
    assert not bus.violations


def test_two_multiplexers_on_at_once_are_a_violation() -> None:
    bus = bus_with()
    send(bus, ROW_DAC, "b0 0010")
    send(bus, GATE_DAC, "b0 0010")
    assert bus.violations == ["the monitor outputs of chip selects [0, 8] are on at once; they drive one net"]


def test_a_conversion_right_after_the_multiplexer_or_the_switch_moved_is_a_violation() -> None:
    for move in (lambda bus: send(bus, ROW_DAC, "b0 0010"), lambda bus: bus.pin_write(PINS["calibrate"], True)):
        bus = bus_with()
        bus.delay(100)
        move(bus)
        convert(bus, settling=10)
        assert "settled" in bus.violations[0]


@pytest.mark.parametrize(("high", "ohms"), [(False, 10_000), (True, 1250)])
def test_every_column_gets_the_current_that_the_bus_gives_through_its_resistor(high: bool, ohms: float) -> None:
    bus = bus_with()
    bus.pin_write(PINS["gain_switch"], high)
    amperes = give_current(bus)
    assert amperes == pytest.approx(2.5 / (COLUMN_OHMS + 64 * 2.1), rel=2e-3)
    assert convert(bus) == pytest.approx([amperes * ohms / 2.5 * 32768] * 64, abs=1 + 32768 * ohms / 2.5 * 10 / 32768 / COLUMN_OHMS)
    assert not bus.violations


def test_the_current_ends_with_the_line() -> None:
    bus = bus_with()
    give_current(bus)
    bus.pin_write(PINS["calibrate"], False)
    assert not any(convert(bus))


def test_a_current_beyond_the_scale_stops_at_its_end() -> None:
    for code, end in ((0xFFFF, 32767), (0, -32768)):
        bus = bus_with("reference-110k")
        give_current(bus, code)
        assert convert(bus) == [end] * 64


def test_calibrating_with_open_gates_or_while_programming_is_a_violation() -> None:
    for move in (lambda bus: send(bus, GATE_DAC, "a0 ffff"), lambda bus: bus.pin_write(PINS["range_switch"], True)):
        bus = bus_with()
        move(bus)
        bus.pin_write(PINS["calibrate"], True)
        assert "calibration" in bus.violations[0]


def test_a_reset_lets_go_of_the_switch() -> None:
    bus = bus_with()
    give_current(bus)
    bus.release()
    assert monitored(bus)[1] == 0


def test_faults_of_amplifiers_switch_and_pins_show_in_what_is_measured() -> None:
    well, weak, off, full = (bus_with(**{name: 9}) for name in ("missing_chip", "weak_column", "offset_column", "saturated_column"))
    for bus in (well, weak, off, full):
        bus.pin_write(PINS["gain_switch"], True)
        give_current(bus)
    right = convert(well)[9]
    assert convert(weak)[9] == pytest.approx(WEAK * right, abs=1)
    assert convert(off)[9] == right + OFFSET
    assert convert(full)[9] == 32767
    assert give_current(bus_with(dead_calibration=1)) == 0
    unseen = bus_with(dead_monitor=0)
    give_current(unseen)
    assert monitored(unseen) == (0, 0)


def test_an_open_row_gets_nothing_of_what_its_output_gives() -> None:
    bus = bus_with(open_row=5)
    row(bus, 5, 0xC000)
    row(bus, 6, 0xC000)
    send(bus, ROW_DAC, "b0 0015")
    assert monitored(bus)[0] == pytest.approx(2.5, abs=1e-3)
    assert bus.array.conversions[-1][0][5:7] == [0, 0x4000]  # type: ignore[attr-defined]
    for chip in range(GATE_DAC, GATE_DAC + 4):
        send(bus, chip, "a0 ffff")
    bus.pin_write(PINS["range_switch"], True)
    bus.pin_write(PINS["range_switch"], False)
    ((volts, _, _),) = bus.array.pulses  # type: ignore[attr-defined]
    assert np.flatnonzero(volts).tolist() == [6]
