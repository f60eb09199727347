"""The emulated AD7606C by known bytes."""

import pytest

from fxlstm.emulator.chips import AD7606C
from fxlstm.emulator.chips.crc import crc8, crc16

SAMPLES = bytes(range(0x10, 0x20))
LATER = 1_000_000
ENTER, LEAVE = "6f 00", "00 00"
ENABLE_CRC = ("61 00", "21 05")


def bitwise_crc(data: bytes, polynomial: int, width: int) -> int:
    """The remainder by long division of the message, one bit at a time."""
    message = int.from_bytes(data, "big") << width
    divisor = polynomial | 1 << width
    for bit in range(8 * len(data) + width - 1, width - 1, -1):
        if message >> bit & 1:
            message ^= divisor << bit - width
    return message


@pytest.fixture
def reports() -> list[str]:
    return []


@pytest.fixture
def chip(reports: list[str]) -> AD7606C:
    return AD7606C(reports.append)


def send(chip: AD7606C, *frames: str) -> list[str]:
    return [chip.transfer(bytes.fromhex(frame), LATER).hex() for frame in frames]


def with_crc(frame: str) -> str:
    data = bytes.fromhex(frame)
    return (data + bytes([bitwise_crc(data, 0x07, 8)])).hex()


def test_crcs_are_remainders_of_their_polynomials() -> None:
    for data in (b"\x01", b"\x80\x00", SAMPLES, b"\xff" * 16):
        assert crc8(data) == bitwise_crc(data, 0x07, 8)
        assert crc16(data) == bitwise_crc(data, 0x755B, 16)


def test_register_value_comes_in_the_frame_after_the_question(chip: AD7606C) -> None:
    assert send(chip, ENTER, ENTER)[1] == "0031"


def test_power_on_range_is_ten_volts(chip: AD7606C) -> None:
    assert chip.range_volts == (10.0,) * 8


@pytest.mark.parametrize(("code", "volts"), [("00", 2.5), ("11", 5), ("22", 6.25), ("33", 10), ("44", 12.5)])
def test_range_registers_hold_two_channels_each(chip: AD7606C, code: str, volts: float) -> None:
    send(chip, ENTER, f"04 {code}", LEAVE)
    assert chip.range_volts == (10.0, 10.0, volts, volts, 10.0, 10.0, 10.0, 10.0)


def test_low_nibble_is_the_even_channel(chip: AD7606C) -> None:
    send(chip, ENTER, "03 10", LEAVE)
    assert chip.range_volts[:2] == (2.5, 5.0)


def test_unipolar_ranges_have_no_bipolar_full_scale(chip: AD7606C) -> None:
    send(chip, ENTER, "03 55", LEAVE)
    assert chip.range_volts[0] is None


def test_writing_outside_register_mode_is_ignored_and_reported(chip: AD7606C, reports: list[str]) -> None:
    send(chip, "03 00")
    assert chip.range_volts[0] == 10
    assert "outside register mode" in reports[0]


def test_samples_follow_a_conversion(chip: AD7606C, reports: list[str]) -> None:
    chip.convert(SAMPLES, 0)
    assert chip.transfer(bytes(16), LATER) == SAMPLES
    assert not reports


def test_samples_may_be_read_again(chip: AD7606C, reports: list[str]) -> None:
    chip.convert(SAMPLES, 0)
    assert chip.transfer(bytes(16), LATER) == chip.transfer(bytes(16), LATER)
    assert not reports


def test_crc_16_follows_the_samples_when_enabled(chip: AD7606C) -> None:
    send(chip, *ENABLE_CRC, with_crc(LEAVE))
    chip.convert(SAMPLES, 0)
    assert chip.transfer(bytes(18), LATER) == SAMPLES + bitwise_crc(SAMPLES, 0x755B, 16).to_bytes(2, "big")


def test_register_frames_carry_crc_8_when_enabled(chip: AD7606C, reports: list[str]) -> None:
    send(chip, *ENABLE_CRC)
    answer = send(chip, with_crc(ENTER), with_crc(ENTER))[1]
    assert answer == with_crc("00 31")
    assert not reports


def test_wrong_register_crc_is_ignored_and_sets_the_error_bit(chip: AD7606C, reports: list[str]) -> None:
    send(chip, *ENABLE_CRC, "03 00 ff")
    assert chip.range_volts[0] == 10
    assert send(chip, with_crc("62 00"), with_crc("62 00"))[1] == with_crc("00 04")
    assert "CRC-8" in reports[0]


def test_error_bits_are_cleared_by_writing_ones(chip: AD7606C) -> None:
    send(chip, *ENABLE_CRC, "03 00 ff", with_crc("22 04"))
    assert send(chip, with_crc("62 00"), with_crc("62 00"))[1] == with_crc("00 00")


@pytest.mark.parametrize("frame", ["6f 00 00", "6f"])
def test_register_frames_of_another_length_are_reported(chip: AD7606C, reports: list[str], frame: str) -> None:
    send(chip, ENTER, frame)
    assert len(reports) == 1


def test_busy_lasts_for_the_conversion_time(chip: AD7606C) -> None:
    chip.convert(SAMPLES, 500)
    assert chip.busy(1_499)
    assert not chip.busy(1_500)


def test_oversampling_lengthens_the_conversion(chip: AD7606C) -> None:
    send(chip, ENTER, "08 04", LEAVE)
    chip.convert(SAMPLES, 0)
    assert chip.busy(19_999)
    assert not chip.busy(20_000)


def test_reading_while_busy_is_reported(chip: AD7606C, reports: list[str]) -> None:
    chip.convert(SAMPLES, LATER)
    assert chip.transfer(bytes(16), LATER) == bytes(16)
    assert "BUSY" in reports[0]


def test_reading_before_any_conversion_is_reported(chip: AD7606C, reports: list[str]) -> None:
    chip.transfer(bytes(16), LATER)
    assert "before any conversion" in reports[0]


def test_converting_while_busy_keeps_the_first_samples(chip: AD7606C, reports: list[str]) -> None:
    chip.convert(SAMPLES, 0)
    chip.convert(bytes(16), 10)
    assert chip.transfer(bytes(16), LATER) == SAMPLES
    assert len(reports) == 1


@pytest.mark.parametrize(("width", "volts"), [(3_000, 10.0), (2_999, 5.0)])
def test_only_a_long_reset_pulse_loses_the_registers(chip: AD7606C, width: int, volts: float) -> None:
    send(chip, ENTER, "03 11", LEAVE)
    chip.reset_pin(True, 100)
    chip.reset_pin(False, 100 + width)
    assert chip.range_volts[0] == volts


@pytest.mark.parametrize("frame", ["2f 00", "01 ff", "70 00", "02 08", "08 09"])
def test_writes_that_the_chip_or_the_board_cannot_take_are_reported(chip: AD7606C, reports: list[str], frame: str) -> None:
    send(chip, ENTER, frame)
    assert len(reports) == 1


def test_every_nth_crc_can_be_spoiled(reports: list[str]) -> None:
    chip = AD7606C(reports.append, bad_crc_every=3)
    send(chip, *ENABLE_CRC, with_crc(LEAVE))
    chip.convert(SAMPLES, 0)
    frames = [chip.transfer(bytes(18), LATER) for _ in range(6)]
    assert [crc16(frame) == 0 for frame in frames] == [True, True, False] * 2


def test_busy_can_be_stuck(reports: list[str]) -> None:
    assert AD7606C(reports.append, stuck_busy=True).busy(0)
