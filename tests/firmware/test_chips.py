"""What the drivers notice: chips that are missing, damaged frames, converters that stay busy."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from device import Device, Refused

from fxlstm.board.messages import records
from fxlstm.board.protocol import NO_CHIP, SELFTEST_CHIP_KINDS
from fxlstm.emulator.faults import ChipFaults
from fxlstm.status import STATUSES

STATUS = {status.symbol: status.code for status in STATUSES}
GATES = np.full(64, 30000, "<u2").tobytes()
VERBS = {
    "read_conductance": {"row": 9, "rows": 1, "range": 0, "log2_reads": 0},
    "multiply": {"range": 0, "codes": np.full(128, 20000, np.int16)},
    "pulse": {"row": 40, "millivolts": 2500, "microseconds": 5, "gates": GATES},
}
ADCS = [("column_adc", index) for index in range(8)] + [("monitor_adc", 0)]


def read(device, row=0, range=0, log2_reads=0):
    return device.request("read_conductance", row=row, rows=1, range=range, log2_reads=log2_reads)["codes"]


def failing(device):
    chips = records("chip_result", device.request("selftest")["chips"])
    assert len(chips) == 21
    return [(int(chip["kind"]), int(chip["index"]), int(chip["status"])) for chip in chips if chip["status"]]


def test_a_healthy_board_passes_the_selftest(device):
    start = device.request("start_report")
    assert (start["start_chip"], start["start_status"]) == (NO_CHIP, 0)
    assert failing(device) == []
    assert device.bus.violations == []


@pytest.mark.parametrize(
    ("select", "kind", "index", "status"),
    [(3, "row_dac", 3, "DAC_ECHO"), (10, "gate_dac", 2, "DAC_ECHO"), (19, "column_adc", 7, "ADC_IDENTITY")],
)
def test_a_missing_chip_is_named_by_the_selftest_and_by_readings(select, kind, index, status):
    device = Device(faults=ChipFaults(missing_chip=select)).open()
    start = device.request("start_report")
    assert (start["start_chip"], start["start_status"]) == (select, STATUS[status])
    assert failing(device) == [(SELFTEST_CHIP_KINDS[kind], index, STATUS[status])]
    with pytest.raises(Refused) as refusal:
        read(device)
    assert (refusal.value.status, refusal.value.detail) == (status, select)


def test_of_several_failing_chips_the_first_is_named():
    device = Device(faults=ChipFaults(missing_chip=2, bad_crc=1))
    missing = device.bus._chips[2]
    device.bus._chips[5] = device.bus._chips[17] = missing
    device.open()
    with pytest.raises(Refused) as refusal:
        read(device)
    assert (refusal.value.status, refusal.value.detail) == ("DAC_ECHO", 2)


def test_nothing_is_pulsed_through_a_missing_dac():
    device = Device(faults=ChipFaults(missing_chip=0)).open()
    with pytest.raises(Refused, match="DAC_ECHO"):
        device.request("pulse", row=0, millivolts=2500, microseconds=5, gates=bytes([0, 128]) * 64)
    assert device.pulses == 0
    assert not device.cells(0)["pulses"].any()


def test_a_conversion_frame_with_a_wrong_crc_is_read_again_and_counted():
    device = Device(faults=ChipFaults(bad_crc=3)).open()
    for _ in range(4):
        assert not read(device).any()
    assert device.request("snapshot")["adc_crc_errors"] > 0


def test_frames_that_always_fail_their_crc_end_the_reading_with_the_chip():
    device = Device(faults=ChipFaults(bad_crc=1)).open()
    with pytest.raises(Refused) as refusal:
        read(device)
    assert (refusal.value.status, refusal.value.detail) == ("ADC_CRC", 12)


@pytest.mark.parametrize(("fault", "status"), [({"bad_crc": 1}, "ADC_CRC"), ({"stuck_busy": True}, "ADC_BUSY")])
def test_the_selftest_reads_a_frame_of_every_adc(fault, status):
    device = Device(faults=ChipFaults(**fault)).open()
    assert failing(device) == [(SELFTEST_CHIP_KINDS[kind], index, STATUS[status]) for kind, index in ADCS]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("select", "status"), [(0, "DAC_ECHO"), (2, "DAC_ECHO"), (9, "DAC_ECHO"), (14, "ADC_CRC")])
def test_a_chip_that_restarts_alone_is_noticed_by_the_next_request_and_brought_up_anew_for_the_one_after(
    device, verb, select, status
):
    device.request("pulse", row=9, millivolts=2500, microseconds=5, gates=GATES)
    before = read(device, 9)
    device.bus._chips[select].power_on()
    if verb != "pulse" or status != "ADC_CRC":  # which no pulse needs
        with pytest.raises(Refused) as refusal:
            device.request(verb, **VERBS[verb])
        assert (refusal.value.status, refusal.value.detail) == (status, select)
    device.request(verb, **VERBS[verb])
    with contextlib.suppress(Refused):
        read(device, 9)
    np.testing.assert_array_equal(read(device, 9), before)
    assert np.flatnonzero(device.array.pulse_counts.any(axis=1)).tolist() == ([9, 40] if verb == "pulse" else [9])
    assert failing(device) == []


@pytest.mark.parametrize("select", [2, 5])
def test_a_dac_that_restarts_in_a_pulse_gives_no_row_another_voltage_while_the_switch_stands_at_programming(device, select):
    bus, seen, restarting = device.bus, [], [select]
    transfer, follow = bus.transfer, bus._follow_outputs

    def restarted(chip, frame):
        if bus._applied is not None and restarting:
            bus._chips[restarting.pop()].power_on()
        return transfer(chip, frame)

    def watched():
        follow()
        if bus._programming:
            seen.extend((int(row), float(bus._row_outputs[row])) for row in np.flatnonzero(bus._row_outputs))

    bus.transfer, bus._follow_outputs = restarted, watched
    with pytest.raises(Refused, match="DAC_ECHO"):
        device.request("pulse", row=40, millivolts=1000, microseconds=20, gates=GATES)
    assert not restarting and {row for row, _ in seen} == {40}
    assert max(volts for _, volts in seen) <= 1


@pytest.mark.parametrize(
    ("select", "kind", "index", "status"), [(2, "row_dac", 2, "DAC_ECHO"), (14, "column_adc", 2, "ADC_IDENTITY")]
)
def test_the_selftest_names_a_chip_that_has_restarted_once(device, select, kind, index, status):
    device.bus._chips[select].power_on()
    assert failing(device) == [(SELFTEST_CHIP_KINDS[kind], index, STATUS[status])]
    assert failing(device) == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_data_line_stuck_low_is_seen_by_the_echo_of_the_dacs_though_zeros_pass_the_crc(device, verb):
    transfer = device.bus.transfer
    device.bus.transfer = lambda chip, frame: bytes(len(transfer(chip, frame)))
    with pytest.raises(Refused, match="DAC_ECHO"):
        device.request(verb, **VERBS[verb])


def test_a_converter_that_stays_busy_ends_the_reading():
    with pytest.raises(Refused, match="ADC_BUSY"):
        read(Device(faults=ChipFaults(stuck_busy=True)).open())


def test_a_converter_that_stays_busy_until_it_is_reset_ends_one_reading(device):
    device.bus._columns[3]._busy_until = device.bus.clock.now() + 10**15
    with pytest.raises(Refused, match="ADC_BUSY"):
        read(device)
    assert not read(device).any()


def test_a_flipped_bit_on_the_way_to_a_dac_is_noticed_before_any_output_changes(device):
    transfer, frames = device.bus.transfer, iter(range(10**6))
    device.bus.transfer = lambda chip, frame: transfer(
        chip, frame if next(frames) != 20 else bytes((frame[0], frame[1], frame[2] ^ 1, frame[3]))
    )
    with pytest.raises(Refused, match="DAC_ECHO"):
        device.request("pulse", row=0, millivolts=2500, microseconds=5, gates=np.full(64, 30000, "<u2").tobytes())
    assert device.pulses == 0
    device.request("pulse", row=0, millivolts=2500, microseconds=5, gates=np.full(64, 30000, "<u2").tobytes())
    assert device.pulses == 1


@pytest.mark.parametrize("range", range(6))
def test_readings_of_ideal_cells_are_exact_in_every_range(device, range):
    gates = np.arange(64, dtype="<u2") * 1000
    device.request("pulse", row=9, millivolts=2500, microseconds=5, gates=gates.tobytes())
    shift = 18 + range
    expected = (32767 * gates.astype(np.int64) + (1 << shift - 1)) >> shift
    np.testing.assert_array_equal(read(device, 9, range, 2), expected)


def test_one_reading_costs_few_frames(device):
    read(device, 0)
    count = 0
    transfer = device.bus.transfer

    def counted(chip, frame):
        nonlocal count
        count += 1
        return transfer(chip, frame)

    device.bus.transfer = counted
    read(device, 1)
    assert count < 60
