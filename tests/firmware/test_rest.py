"""Nothing stays driven when the host goes away, at whatever moment and whatever the clock shows."""

from __future__ import annotations

import numpy as np
import pytest
from device import Device

from fxlstm.board.protocol import CAMPAIGN_STATES, RUN_FLAGS
from fxlstm.emulator.faults import ChipFaults
from fxlstm.network import Network, dense
from fxlstm.program.hardware import Hardware, load_board
from fxlstm.program.quantize import quantize
from fxlstm.program.scheme import scheme_for

SILENCE = load_board("reference")["limits"]["silence_milliseconds"] / 1000
GATES = np.full(64, 30000, "<u2").tobytes()
COUNTER_END = 2**32 * 1000  # nanoseconds at which the microsecond counter wraps
CONVERTING = ("read_conductance", "multiply", "run", "selftest", "measure_outputs", "measure_amplifiers")
RUN = RUN_FLAGS["reset"] | RUN_FLAGS["on_array"]


def at_rest(device: Device) -> bool:
    return not (device.bus._row_outputs.any() or device.bus._gate_outputs.any() or device.bus._programming)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("read_conductance", {"row": 3, "rows": 7, "range": 0, "log2_reads": 1}),
        ("multiply", {"range": 0, "codes": np.full(128, 20000, np.int16)}),
        ("pulse", {"row": 0, "millivolts": 2500, "microseconds": 10, "gates": GATES}),
        (
            "run",
            {"flags": sum(RUN_FLAGS.values()) - RUN_FLAGS["silent"], "phase": 0, "further": 0, "codes": np.full(6, 9000, np.int16)},
        ),
        ("selftest", {}),
        ("measure_outputs", {"chip": 2, "log2_reads": 1, "outputs": bytes(range(32))}),
        ("measure_outputs", {"chip": 9, "log2_reads": 0, "outputs": bytes(range(32))}),
        ("measure_amplifiers", {"row": 5, "code": 20000, "range": 3, "log2_reads": 1}),
    ],
)
def test_everything_is_at_0_volts_as_soon_as_a_request_is_answered(device, name, values):
    x = np.random.default_rng(1).normal(0, 0.5, (20, 3))
    program = quantize(Network((dense(np.ones((3, 2)), np.ones(2)),)), x, Hardware(levels=256))
    device.load("program", program.to_bytes())
    conversions = []
    convert, device.array.convert = device.array.convert, lambda *values: conversions.append(1) or convert(*values)
    device.request(name, **values)
    assert at_rest(device)
    assert bool(conversions) == (name in CONVERTING)
    assert device.bus.violations == []


def test_a_campaign_that_a_chip_ends_leaves_the_array_at_rest_at_once(device):
    device.start_campaign(np.full((128, 64), 20000, np.uint16), scheme_for("ideal", Hardware()))
    while at_rest(device):
        assert device.firmware.poll()
    transfer = device.bus.transfer
    device.bus.transfer = lambda chip, frame: b"\xff" * len(frame) if chip >= 12 else transfer(chip, frame)
    status = device.finish_campaign()
    assert (status["state"], status["chip"]) == (CAMPAIGN_STATES["failed"], 12)
    assert at_rest(device)


@pytest.mark.parametrize("polls", range(1, 13))
def test_a_host_that_vanishes_during_a_campaign_leaves_the_array_at_rest(device, polls):
    device.start_campaign(np.full((128, 64), 20000, np.uint16), scheme_for("ideal", Hardware()))
    device.poll(polls)
    device.pass_time(SILENCE)
    assert at_rest(device)
    pulses = device.pulses
    device.pass_time(10 * SILENCE)
    assert device.pulses == pulses


def test_a_chip_that_fails_to_rest_is_tried_again(device):
    device.start_campaign(np.full((128, 64), 20000, np.uint16), scheme_for("ideal", Hardware()))
    while at_rest(device):
        device.poll(1)  # until a reading, which leaves its row driven for the next step
    select, transfer = 8, device.bus.transfer
    device.bus.transfer = lambda chip, frame: bytes(4) if chip == select else transfer(chip, frame)
    device.pass_time(SILENCE)
    assert not at_rest(device)
    device.bus.transfer = transfer
    device.pass_time(SILENCE)
    assert at_rest(device)


def test_the_dead_man_counts_across_the_end_of_the_microsecond_counter():
    device = Device().open()
    device.bus.clock.advance(COUNTER_END - device.bus.clock.now() - 200_000_000)
    device.start_campaign(np.full((128, 64), 20000, np.uint16), scheme_for("ideal", Hardware()))
    device.poll(3)
    device.pass_time(SILENCE * 0.9)
    assert device.bus.clock.now() > COUNTER_END
    assert device.request("campaign_status")["state"] == CAMPAIGN_STATES["running"]
    device.pass_time(SILENCE)
    assert device.request("campaign_status")["state"] == CAMPAIGN_STATES["silenced"]
    assert at_rest(device)


@pytest.mark.parametrize("microseconds_before", [5, 50, 100])
def test_a_pulse_across_the_end_of_the_microsecond_counter_is_as_long_as_asked(device, microseconds_before):
    seen = []
    device.array.pulse = lambda rows, gates, seconds: seen.append(seconds)
    device.bus.clock.advance(COUNTER_END - device.bus.clock.now() - 1000 * microseconds_before)
    device.request("pulse", row=0, millivolts=1000, microseconds=100, gates=GATES)
    assert device.bus.clock.now() > COUNTER_END
    assert seen == [pytest.approx(100e-6, abs=1.5e-6)]


def test_a_converter_that_stays_busy_leaves_the_array_at_rest():
    device = Device(faults=ChipFaults(stuck_busy=True)).open()
    device.send(device.frame("multiply", range=0, codes=np.full(128, 20000, np.int16)))
    assert at_rest(device)
