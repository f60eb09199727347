"""The wiring between chips, pins, time and the array, by hand-written frames."""

import numpy as np
import pytest

from fxlstm.emulator.bus import Bus
from fxlstm.emulator.faults import ChipFaults
from fxlstm.errors import ArrayError
from fxlstm.program.hardware import load_board

ROWS, COLUMNS = 128, 64
BOARD = load_board("reference")
PINS = BOARD["pins"]
ROW_DAC, GATE_DAC, ADC = (BOARD[section]["first_chip_select"] for section in ("row_dac", "gate_dac", "column_adc"))


class RecordingArray:
    """Remembers what it was asked; converts to column number plus the sum of all row codes."""

    def __init__(self) -> None:
        self.conversions: list[tuple[list[int], int]] = []
        self.pulses: list[tuple[np.ndarray, np.ndarray, float]] = []
        self.seconds = 0.0

    def convert(self, row_codes: np.ndarray, range_index: int) -> np.ndarray:
        self.conversions.append((row_codes.tolist(), range_index))
        return (row_codes.sum() + np.arange(COLUMNS)).astype(np.int16)

    def pulse(self, row_volts: np.ndarray, gate_volts: np.ndarray, seconds: float) -> None:
        if np.abs(row_volts).max() > 4.5:
            raise ArrayError("too much")
        self.pulses.append((row_volts, gate_volts, seconds))

    def elapse(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def array() -> RecordingArray:
    return RecordingArray()


@pytest.fixture
def bus(array: RecordingArray) -> Bus:
    return ready(Bus(array))


def ready(bus: Bus) -> Bus:
    """Rows at +-5 V span and 0 V, gates open, ADC range +-2.5 V."""
    for chip in range(ROW_DAC, ROW_DAC + 8):
        send(bus, chip, "e0 0002", "a0 8000")
    for chip in range(GATE_DAC, GATE_DAC + 4):
        send(bus, chip, "a0 ffff")
    for chip in range(ADC, ADC + 8):
        send(bus, chip, "6f 00", "03 00", "04 00", "05 00", "06 00", "00 00")
    return bus


def send(bus: Bus, chip: int, *frames: str) -> None:
    for frame in frames:
        bus.transfer(chip, bytes.fromhex(frame))


def row(bus: Bus, number: int, code: int) -> None:
    """Write and update one row DAC channel."""
    send(bus, ROW_DAC + number // 16, f"{0x30 | number % 16:02x} {code:04x}")


def convert(bus: Bus, settling: int = 20) -> list[int]:
    bus.delay(settling)
    bus.pin_write(PINS["convert"], False)
    bus.pin_write(PINS["convert"], True)
    while bus.pin_read(PINS["busy"]):
        pass
    return [int(code) for chip in range(8) for code in np.frombuffer(bus.transfer(ADC + chip, bytes(16)), ">i2")]


def test_a_conversion_before_the_outputs_have_settled_is_a_violation(bus: Bus) -> None:
    convert(bus)
    row(bus, 3, 40000)
    convert(bus, settling=18)
    assert len(bus.violations) == 1 and "settled" in bus.violations[0]


def test_every_row_dac_channel_drives_its_own_row(bus: Bus, array: RecordingArray) -> None:
    for number in range(ROWS):
        row(bus, number, 32768 + 100 * number)
    convert(bus)
    assert array.conversions == [([100 * number for number in range(ROWS)], 0)]
    assert not bus.violations


@pytest.mark.parametrize("code", [0, 1, 12345, 32767, 32768, 65535])
def test_row_code_is_dac_code_minus_32768_exactly(bus: Bus, array: RecordingArray, code: int) -> None:
    row(bus, 77, code)
    convert(bus)
    assert array.conversions[0][0][77] == code - 32768


def test_every_adc_channel_measures_its_own_column(bus: Bus) -> None:
    assert convert(bus) == list(range(COLUMNS))


@pytest.mark.parametrize(
    ("coarse", "code", "range_index"),
    [(False, "00", 0), (False, "11", 1), (False, "33", 2), (True, "00", 3), (True, "11", 4), (True, "33", 5)],
)
def test_gain_switch_and_adc_range_choose_the_front_end_range(
    bus: Bus, array: RecordingArray, coarse: bool, code: str, range_index: int
) -> None:
    bus.pin_write(PINS["gain_switch"], coarse)
    for chip in range(ADC, ADC + 8):
        send(bus, chip, "6f 00", f"03 {code}", f"04 {code}", f"05 {code}", f"06 {code}", "00 00")
    convert(bus)
    assert [asked for _, asked in array.conversions] == [range_index]
    assert not bus.violations


def test_column_with_a_closed_gate_reads_zero(bus: Bus) -> None:
    send(bus, GATE_DAC + 1, "34 0000")
    assert convert(bus) == [0 if column == 20 else column for column in range(COLUMNS)]


def test_converting_while_programming_is_a_violation(bus: Bus) -> None:
    bus.pin_write(PINS["range_switch"], True)
    convert(bus)
    assert "range switch" in bus.violations[0]


def test_an_adc_range_the_board_has_no_gain_for_is_a_violation(bus: Bus) -> None:
    send(bus, ADC, "6f 00", "03 22", "00 00")
    convert(bus)
    assert "6.25" in bus.violations[0]


def test_a_pulse_lasts_from_one_change_of_the_outputs_to_the_next(bus: Bus, array: RecordingArray) -> None:
    bus.pin_write(PINS["range_switch"], True)
    row(bus, 5, 32768 + 16384)
    bus.delay(100)
    row(bus, 5, 32768)
    ((rows, gates, seconds),) = array.pulses
    assert rows[5] == 2.5
    assert np.count_nonzero(rows) == 1
    assert gates.tolist() == [5 * 65535 / 65536] * COLUMNS
    assert seconds == pytest.approx(100e-6, abs=2e-6)
    assert not bus.violations


def test_load_dac_starts_and_ends_a_pulse_on_many_chips_at_once(bus: Bus, array: RecordingArray) -> None:
    bus.pin_write(PINS["range_switch"], True)
    for volts in (0xC000, 0x8000):
        send(bus, ROW_DAC, f"00 {volts:04x}")
        send(bus, ROW_DAC + 7, f"0f {volts:04x}")
        bus.pin_write(PINS["load_dac"], False)
        bus.pin_write(PINS["load_dac"], True)
        bus.delay(50)
    ((rows, _, _),) = array.pulses
    assert np.flatnonzero(rows).tolist() == [0, 127]


def test_writing_the_same_outputs_again_does_not_split_a_pulse(bus: Bus, array: RecordingArray) -> None:
    bus.pin_write(PINS["range_switch"], True)
    row(bus, 5, 49152)
    row(bus, 5, 49152)
    row(bus, 5, 32768)
    assert len(array.pulses) == 1


def test_no_pulse_while_reading_or_with_all_gates_closed(bus: Bus, array: RecordingArray) -> None:
    row(bus, 5, 49152)
    row(bus, 5, 32768)
    for chip in range(GATE_DAC, GATE_DAC + 4):
        send(bus, chip, "a0 0000")
    bus.pin_write(PINS["range_switch"], True)
    row(bus, 5, 49152)
    row(bus, 5, 32768)
    assert not array.pulses


def test_turning_the_range_switch_with_driven_rows_is_a_pulse(bus: Bus, array: RecordingArray) -> None:
    row(bus, 5, 49152)
    bus.pin_write(PINS["range_switch"], True)
    bus.delay(10)
    bus.pin_write(PINS["range_switch"], False)
    assert len(array.pulses) == 1


def test_pulses_beyond_the_limits_are_violations(bus: Bus) -> None:
    bus.pin_write(PINS["range_switch"], True)
    row(bus, 0, 65535)
    row(bus, 0, 32768)
    assert any("limits" in violation for violation in bus.violations)
    assert "too much" in bus.violations


@pytest.mark.parametrize(
    ("code", "microseconds", "borne"),
    [(49152, 150, True), (49152, 200, False), (34406, 9_900, True), (34406, 10_100, False)],  # 2.5 V: energy; 0.25 V: width
)
def test_how_long_a_pulse_may_last_follows_from_its_energy_and_its_width(
    bus: Bus, code: int, microseconds: int, borne: bool
) -> None:
    row(bus, 5, code)
    bus.pin_write(PINS["range_switch"], True)
    bus.delay(microseconds)
    bus.pin_write(PINS["range_switch"], False)
    assert (bus.violations == []) == borne


def test_time_passes_with_transfers_pins_and_delays(bus: Bus) -> None:
    start = bus.microseconds()
    bus.delay(1000)
    for _ in range(100):
        bus.transfer(0, bytes(4))
    assert bus.microseconds() - start == pytest.approx(1160, abs=2)


def test_missing_chip_answers_ones() -> None:
    bus = Bus(RecordingArray(), faults=ChipFaults(missing_chip=9))
    assert bus.transfer(9, bytes(4)) == b"\xff" * 4
    assert bus.transfer(8, bytes(4)) == bytes(4)


def test_chip_selects_and_pins_the_board_lacks_are_violations(bus: Bus) -> None:
    bus.transfer(21, bytes(4))
    bus.pin_write(99, True)
    assert len(bus.violations) == 2


def test_dead_row_stays_at_zero() -> None:
    array = RecordingArray()
    bus = ready(Bus(array, faults=ChipFaults(dead_row=40)))
    row(bus, 40, 40000)
    row(bus, 41, 40000)
    convert(bus)
    assert array.conversions[0][0][40:42] == [0, 40000 - 32768]
