"""The emulated LTC2668 by known bytes."""

import pytest

from fxlstm.emulator.chips import LTC2668


@pytest.fixture
def reports() -> list[str]:
    return []


@pytest.fixture
def chip(reports: list[str]) -> LTC2668:
    return LTC2668(reports.append)


def send(chip: LTC2668, *frames: str) -> None:
    for frame in frames:
        chip.transfer(bytes.fromhex(frame))


def test_outputs_start_at_zero_volts(chip: LTC2668) -> None:
    assert not chip.volts.any()


def test_write_waits_for_update(chip: LTC2668) -> None:
    send(chip, "03 8000")
    assert chip.volts[3] == 0
    send(chip, "13 0000")
    assert chip.volts[3] == 2.5


def test_write_and_update_in_one_frame(chip: LTC2668) -> None:
    send(chip, "3f 4000")
    assert chip.volts[15] == 1.25
    assert not chip.volts[:15].any()


def test_write_one_update_all_moves_what_was_written_before(chip: LTC2668) -> None:
    send(chip, "00 8000", "21 4000")
    assert chip.volts[:3].tolist() == [2.5, 1.25, 0]


@pytest.mark.parametrize("frames", [("80 4000", "90 0000"), ("a0 4000",)])
def test_write_all(chip: LTC2668, frames: tuple[str, ...]) -> None:
    send(chip, *frames)
    assert chip.volts.tolist() == [1.25] * 16


@pytest.mark.parametrize(
    ("span", "low", "middle", "top"),
    [("0", 0, 2.5, 5), ("1", 0, 5, 10), ("2", -5, 0, 5), ("3", -10, 0, 10), ("4", -2.5, 0, 2.5)],
)
def test_volts_are_minimum_plus_code_over_65536_of_the_span(
    chip: LTC2668, span: str, low: float, middle: float, top: float
) -> None:
    send(chip, f"e0 000{span}", "30 0000", "31 8000", "32 ffff")
    assert chip.volts[0] == low
    assert chip.volts[1] == middle
    assert chip.volts[2] == low + 65535 * (top - low) / 65536


def test_span_and_code_take_effect_together(chip: LTC2668) -> None:
    send(chip, "67 0002", "07 8000")
    assert chip.volts[7] == 0
    send(chip, "07 c000", "90 0000")
    assert chip.volts[7] == 2.5


def test_32_bit_frames_ignore_the_first_byte_and_echo_the_frame_before(chip: LTC2668) -> None:
    assert chip.transfer(bytes.fromhex("5a 31 8000")) == bytes(4)
    assert chip.transfer(bytes.fromhex("00 f0 0000")) == bytes.fromhex("5a 31 8000")
    assert chip.volts[1] == 2.5


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_frames_of_another_length_change_nothing_and_are_reported(chip: LTC2668, reports: list[str], size: int) -> None:
    send(chip, "38 8000")
    chip.transfer(bytes([0x38] * size))
    assert chip.volts[8] == 2.5
    assert len(reports) == 1


def test_ldac_low_updates_and_stays_transparent_until_high(chip: LTC2668) -> None:
    send(chip, "02 8000")
    chip.load_dac(True)
    assert chip.volts[2] == 2.5
    send(chip, "02 4000")
    assert chip.volts[2] == 1.25
    chip.load_dac(False)
    send(chip, "02 8000")
    assert chip.volts[2] == 1.25


def test_powered_down_output_is_dead_until_its_next_update(chip: LTC2668) -> None:
    send(chip, "34 8000", "35 8000", "44 0000")
    assert chip.volts[4:6].tolist() == [0, 2.5]
    send(chip, "50 0000")
    assert not chip.volts.any()
    send(chip, "90 0000")
    assert chip.volts[4:6].tolist() == [2.5, 2.5]


def test_toggle_switches_selected_channels_between_two_codes(chip: LTC2668) -> None:
    send(chip, "36 8000", "37 8000", "c0 0040", "36 4000")
    assert chip.volts[6:8].tolist() == [2.5, 2.5]
    send(chip, "d0 0001")
    assert chip.volts[6:8].tolist() == [1.25, 2.5]
    send(chip, "d0 0000")
    assert chip.volts[6:8].tolist() == [2.5, 2.5]


@pytest.mark.parametrize("frame", ["60 0005", "e0 0100", "70 0004", "b0 0020"])
def test_reserved_codes_are_reported(chip: LTC2668, reports: list[str], frame: str) -> None:
    send(chip, frame, "90 0000")
    assert len(reports) == 1
    assert not chip.volts.any()


def test_no_operation_changes_nothing(chip: LTC2668, reports: list[str]) -> None:
    send(chip, "31 8000", "ff ffff")
    assert chip.volts[1] == 2.5
    assert not reports


def test_monitor_and_configuration_are_kept(chip: LTC2668, reports: list[str]) -> None:
    send(chip, "b0 0013", "70 0001")
    assert (chip.mux, chip.config) == (0x13, 1)
    assert not reports


def test_the_multiplexer_shows_one_output_or_none(chip: LTC2668) -> None:
    send(chip, "32 8000", "33 4000")
    assert chip.monitored is None
    for frame, volts in (("b0 0012", 2.5), ("b0 0013", 1.25), ("b0 0003", None)):
        chip.changed = False
        send(chip, frame)
        assert (chip.monitored, chip.changed) == (volts, True)


def test_dead_channel_stays_at_zero() -> None:
    chip = LTC2668([].append, dead=frozenset({5}))
    send(chip, "a0 8000")
    assert chip.volts[5] == 0
    assert chip.volts[6] == 2.5
