"""The programming engine on the device: the same pulses as the plain Python definition, resumable, bounded, watched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from device import Device, Refused

from fxlstm.board.campaign import scheme_message
from fxlstm.board.protocol import CAMPAIGN_STATES, EVENTS, RUN_FLAGS
from fxlstm.crossbar.programming import write
from fxlstm.emulator.faults import ChipFaults
from fxlstm.program.hardware import Hardware, load_board
from fxlstm.program.mapping import LEAVE
from fxlstm.program.scheme import programming_scheme, scheme_for
from fxlstm.status import BY_CODE

IDEAL = scheme_for("ideal", Hardware())
PHYSICAL = scheme_for("ta-hfo2", Hardware())
LADDERS = programming_scheme("hfox", Hardware(board="reference-110k"))
REFINED = replace(LADDERS, passes=3, wait_milliseconds=50)
EVENT = {event.name: event.code for event in EVENTS}
SILENCE = load_board("reference")["limits"]["silence_milliseconds"] / 1000


def targets(rows=3, seed=0):
    map_ = np.full((128, 64), LEAVE, np.uint16)
    map_[:rows] = np.random.default_rng(seed).integers(0, 60000, (rows, 64))
    map_[0, :5] = LEAVE
    return map_


@pytest.mark.parametrize("verify", [0, 1])
def test_ideal_cells_take_their_targets_exactly(device, verify):
    device.start_campaign(targets(128), replace(IDEAL, verify=verify))
    status = device.finish_campaign()
    assert status["state"] == CAMPAIGN_STATES["finished"]
    assert (status["cells"], status["in_tolerance"], status["gave_up"]) == (128 * 64 - 5, 128 * 64 - 5, 0)
    wanted = targets(128)
    units = np.rint(device.array.conductance / Hardware().conductance_unit)
    np.testing.assert_array_equal(units[wanted != LEAVE], wanted[wanted != LEAVE])
    assert not device.array.pulse_counts[0, :5].any()
    assert device.bus.violations == []


@pytest.mark.parametrize("scheme", [PHYSICAL, replace(PHYSICAL, skip=0), replace(PHYSICAL, verify=0)])
def test_physical_cells_get_the_very_pulses_of_the_python_definition(scheme):
    device, twin = Device("ta-hfo2").open(), Device("ta-hfo2")
    device.start_campaign(targets(), scheme)
    status = device.finish_campaign()
    report = write(twin.array, targets(), scheme)
    np.testing.assert_array_equal(device.array.pulse_counts, twin.array.pulse_counts)
    np.testing.assert_allclose(device.array.conductance, twin.array.conductance, rtol=1e-6)
    assert status["pulses"] == report.pulses.sum()
    for row in range(4):
        cells = device.cells(row)
        np.testing.assert_array_equal(cells["state"], report.state[row])
        np.testing.assert_array_equal(cells["pulses"], device.array.pulse_counts[row])


def test_cells_in_tolerance_are_skipped_by_the_next_campaign():
    device = Device("ta-hfo2").open()
    device.start_campaign(targets(), PHYSICAL)
    first = device.finish_campaign()
    device.start_campaign(targets(), replace(PHYSICAL, tolerance=PHYSICAL.tolerance * 2))
    second = device.finish_campaign()
    assert second["in_tolerance"] >= first["in_tolerance"]
    assert second["pulses"] < first["pulses"] / 5
    assert second["milliseconds"] < first["milliseconds"]


def test_a_stopped_campaign_goes_on_to_the_same_end_as_one_that_was_not(device):
    other = Device().open()
    other.start_campaign(targets(), IDEAL)
    other.finish_campaign()
    crc = device.start_campaign(targets(), IDEAL)
    for _ in range(40):
        device.poll(1)
        device.request("campaign_stop")
        if device.request("campaign_status")["state"] == CAMPAIGN_STATES["stopped"]:
            device.request("campaign_scheme", **scheme_message(IDEAL))
            assert device.request("campaign_start", target_crc=crc)["resumed"] == 1
    device.finish_campaign()
    np.testing.assert_array_equal(device.array.pulse_counts, other.array.pulse_counts)
    np.testing.assert_array_equal(device.array.conductance, other.array.conductance)


@pytest.mark.parametrize(("device", "scheme"), [("ta-hfo2", PHYSICAL), ("hfox", LADDERS), ("hfox", REFINED)])
def test_a_campaign_stopped_again_and_again_gives_the_same_pulses_to_the_same_noisy_cells(device, scheme):
    stopped, other = (Device(device, ageing=False).open() for _ in range(2))
    other.start_campaign(targets(1), scheme)
    other.finish_campaign()
    crc = stopped.start_campaign(targets(1), scheme)
    stops = 0
    while True:
        stopped.request("campaign_stop")
        if (state := stopped.request("campaign_status")["state"]) == CAMPAIGN_STATES["finished"]:
            break
        stops += state == CAMPAIGN_STATES["stopped"]
        assert stopped.request("campaign_start", target_crc=crc)["resumed"] == 1
        stopped.poll(1)
        stopped.bus.clock.advance(1_000_000)
    assert stops > stopped.pulses / 4
    np.testing.assert_array_equal(stopped.array.pulse_counts, other.array.pulse_counts)
    np.testing.assert_array_equal(stopped.array.conductance, other.array.conductance)
    np.testing.assert_array_equal(stopped.cells(0), other.cells(0))


@pytest.mark.parametrize("scheme", [LADDERS, REFINED])
def test_after_a_reset_the_campaign_begins_anew_and_leaves_cells_in_tolerance_alone(scheme):
    device = Device("hfox", ageing=False).open()
    device.start_campaign(targets(2), scheme)
    first = device.finish_campaign()
    device.firmware.reset(1)
    device.open()
    device.start_campaign(targets(2), scheme)
    second = device.finish_campaign()
    assert second["state"] == CAMPAIGN_STATES["finished"]
    assert second["pulses"] < first["pulses"] / 3


@pytest.mark.parametrize("volts", [-5.0, 5.0])
def test_no_pulse_is_given_while_a_row_output_stands_at_either_end(volts):
    device = Device("ta-hfo2", stuck=False).open()
    dac = device.bus._rows[6]
    dac._stuck, dac.volts[4] = frozenset((4,)), volts
    device.start_campaign(targets(), PHYSICAL)
    assert BY_CODE[device.finish_campaign()["status"]].symbol == "ROW_STUCK"
    assert not device.array.pulse_counts.any()


def test_a_row_output_that_sticks_ends_the_campaign_before_a_pulse_of_any_row_reaches_its_cells():
    device = Device("ta-hfo2", ChipFaults(stuck_row=1), stuck=False).open()
    crc = device.start_campaign(targets(), PHYSICAL)
    for _ in range(2):  # also when it is asked for again
        status = device.finish_campaign()
        assert (status["state"], BY_CODE[status["status"]].symbol) == (CAMPAIGN_STATES["failed"], "ROW_STUCK")
        assert device.array.pulse_counts[0].any() and not device.array.pulse_counts[1:].any()
        assert not device.bus._gate_outputs.any()
        assert device.request("campaign_start", target_crc=crc)["resumed"] == 1
    assert device.bus.violations == []


def waiting(scheme=REFINED):
    """A board whose campaign has done its first pass and waits."""
    device = Device("hfox").open()
    crc = device.start_campaign(targets(1), scheme)
    device.poll(10_000)
    status = device.request("campaign_status")
    assert status["state"] == CAMPAIGN_STATES["running"]
    assert (status["passes_before"], status["in_tolerance"] + status["gave_up"]) == (0, status["cells"])
    return device, crc


def test_a_board_that_waits_for_cells_to_relax_answers_pulses_nothing_and_then_writes_those_that_left():
    device, _ = waiting()
    pulses = device.pulses
    device.pass_time(0.045)
    assert device.request("keep_alive")["uptime_ms"] > 45
    assert not device.bus._row_outputs.any() and not device.bus._gate_outputs.any()
    assert device.pulses == pulses
    device.pass_time(0.006)
    assert device.request("campaign_status")["passes_before"] == 1
    assert device.finish_campaign()["state"] == CAMPAIGN_STATES["finished"]
    assert device.pulses > pulses


def test_a_host_that_falls_silent_while_the_board_waits_finds_the_rest_of_the_wait_over():
    device, crc = waiting(replace(REFINED, wait_milliseconds=round(SILENCE * 1500)))
    device.pass_time(SILENCE)
    assert device.request("campaign_status")["state"] == CAMPAIGN_STATES["silenced"]
    device.pass_time(SILENCE)
    assert device.request("campaign_start", target_crc=crc)["resumed"] == 1
    assert device.request("campaign_status")["passes_before"] == 1


def test_pulse_counts_of_cells_outlive_campaigns(device):
    for seed in (0, 1):
        device.start_campaign(targets(seed=seed), IDEAL)
        device.finish_campaign()
    np.testing.assert_array_equal(device.cells(1)["pulses"], device.array.pulse_counts[1])
    assert device.cells(1)["pulses"].min() > 2


def test_starting_again_while_it_runs_joins_the_running_campaign(device):
    crc = device.start_campaign(targets(), IDEAL)
    device.request("campaign_scheme", **scheme_message(IDEAL))
    assert device.request("campaign_start", target_crc=crc)["resumed"] == 1
    with pytest.raises(Refused, match="BUSY"):
        device.request("campaign_scheme", **scheme_message(replace(IDEAL, tolerance=9)))
    with pytest.raises(Refused, match="BUSY"):
        device.request("campaign_start", target_crc=crc ^ 1)


def test_the_array_is_busy_while_a_campaign_runs(device):
    device.start_campaign(targets(128), IDEAL)
    for name, values in {
        "read_conductance": {"row": 0, "rows": 1, "range": 0, "log2_reads": 0},
        "multiply": {"range": 0, "codes": np.zeros(128, np.int16)},
        "pulse": {"row": 0, "millivolts": 1, "microseconds": 1, "gates": bytes(128)},
        "run": {"flags": RUN_FLAGS["on_array"], "phase": 0, "further": 0, "codes": np.zeros(1, np.int16)},
        "selftest": {},
        "measure_outputs": {"chip": 0, "log2_reads": 0, "outputs": bytes(32)},
        "measure_amplifiers": {"row": 0, "code": 0, "range": 0, "log2_reads": 0},
        "object_begin": {"object": 2, "size": 16384, "crc": 1},
    }.items():
        with pytest.raises(Refused, match="BUSY"):
            device.request(name, **values)


def test_without_a_target_or_a_scheme_nothing_starts(device):
    with pytest.raises(Refused, match="NO_TARGET"):
        device.request("campaign_start", target_crc=1)
    crc = device.load("target", targets().tobytes())
    with pytest.raises(Refused, match="SCHEME"):
        device.request("campaign_start", target_crc=crc)
    with pytest.raises(Refused, match="NO_TARGET"):
        device.request("campaign_start", target_crc=crc ^ 1)


def test_every_row_done_is_an_event_and_so_is_the_end(device):
    device.poll()
    device.events.clear()
    device.start_campaign(targets(3), IDEAL)
    device.finish_campaign()
    assert [event.message for event in device.events] == [EVENT["progress"]] * 3 + [EVENT["campaign_ended"]]


def test_a_silent_host_makes_the_campaign_go_to_safe_idle_and_it_resumes_later(device):
    crc = device.start_campaign(targets(), IDEAL)
    device.poll(5)
    device.pass_time(SILENCE)
    status = device.request("campaign_status")
    assert status["state"] == CAMPAIGN_STATES["silenced"]
    assert EVENT["safe_idle"] in [event.message for event in device.events]
    snapshot = device.request("snapshot")
    assert (snapshot["safe_idle"], snapshot["idles"]) == (1, 1)
    assert not device.bus._row_outputs.any() and not device.bus._gate_outputs.any()
    assert device.request("campaign_start", target_crc=crc)["resumed"] == 1
    assert device.finish_campaign()["state"] == CAMPAIGN_STATES["finished"]


@pytest.mark.parametrize("shots", [1, 2])
def test_a_shot_after_which_a_chip_failed_is_not_given_again_when_the_campaign_resumes(device, shots):
    transfer = device.bus.transfer

    def failing(chip, frame):
        return transfer(chip, frame if device.pulses < shots or chip != 9 else frame[:3] + bytes((frame[3] ^ 1,)))

    device.bus.transfer = failing
    crc = device.start_campaign(targets(1), IDEAL)
    while (status := device.request("campaign_status"))["state"] == CAMPAIGN_STATES["running"]:
        device.poll(1)
    assert (status["state"], status["chip"], device.pulses) == (CAMPAIGN_STATES["failed"], 9, shots)
    device.bus.transfer = transfer
    assert device.request("campaign_start", target_crc=crc)["resumed"] == 1
    done = device.finish_campaign()
    assert (done["state"], done["chip"], device.pulses) == (CAMPAIGN_STATES["finished"], 255, 2)


def test_a_host_that_is_heard_keeps_the_campaign_alive(device):
    device.start_campaign(targets(), IDEAL)
    for _ in range(4):
        device.bus.clock.advance(round(SILENCE * 0.6e9))
        device.request("keep_alive")
    assert device.request("snapshot")["idles"] == 0


def test_safe_idle_on_request_stops_the_campaign(device):
    device.start_campaign(targets(), IDEAL)
    device.poll(4)
    device.request("safe_idle")
    assert device.request("campaign_status")["state"] == CAMPAIGN_STATES["stopped"]
    assert not device.bus._row_outputs.any() and not device.bus._gate_outputs.any()
