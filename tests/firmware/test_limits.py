"""What the firmware refuses, whatever the host asks; the emulated array tells what really happened."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from device import Refused

from fxlstm.board.campaign import scheme_message
from fxlstm.board.protocol import CAMPAIGN_STATES
from fxlstm.program.hardware import Hardware, load_board
from fxlstm.program.mapping import LEAVE
from fxlstm.program.scheme import CELL_STATES, programming_scheme, scheme_for

LIMITS = load_board("reference")["limits"]
SCHEME = scheme_for("ideal", Hardware())
LADDERS = programming_scheme("hfox", Hardware(board="reference-110k"))


def unchecked(parameters, **change):
    """The same parameters with other numbers, which the host's own check would refuse."""
    changed = copy(parameters)
    for name, value in change.items():
        object.__setattr__(changed, name, value)
    return changed


def pulse(device, row=0, millivolts=2500, microseconds=5, columns=(0,)):
    gates = np.zeros(64, "<u2")
    gates[list(columns)] = 40000
    return device.request("pulse", row=row, millivolts=millivolts, microseconds=microseconds, gates=gates.tobytes())


def spend_budget(device, row, column):
    """Let a campaign pulse a cell at a gate that never leads to its target."""
    targets = np.full((128, 64), LEAVE, np.uint16)
    targets[row, column] = 60000
    device.start_campaign(targets, replace(SCHEME, gate_offset=30000, gate_slope=0, max_cycles=65535))
    assert device.finish_campaign()["gave_up"] == 1


@pytest.mark.parametrize(
    ("values", "status", "detail"),
    [
        ({"millivolts": LIMITS["row_millivolts"] + 1}, "LIMIT_VOLTAGE", LIMITS["row_millivolts"] + 1),
        ({"millivolts": -LIMITS["row_millivolts"] - 1}, "LIMIT_VOLTAGE", -LIMITS["row_millivolts"] - 1),
        ({"millivolts": -32768}, "LIMIT_VOLTAGE", -32768),
        ({"microseconds": LIMITS["pulse_microseconds"] + 1}, "LIMIT_WIDTH", LIMITS["pulse_microseconds"] + 1),
        ({"microseconds": 2**32 - 1}, "LIMIT_WIDTH", 2**31 - 1),
        ({"millivolts": 2000, "microseconds": 251}, "LIMIT_ENERGY", 1004),
        ({"millivolts": -2000, "microseconds": 251}, "LIMIT_ENERGY", 1004),
        ({"microseconds": 0}, "ARGUMENT", 0),
        ({"row": 128}, "RANGE", 128),
    ],
)
def test_a_pulse_beyond_a_limit_is_refused_and_not_given(device, values, status, detail):
    with pytest.raises(Refused) as refusal:
        pulse(device, **values)
    assert (refusal.value.status, refusal.value.detail) == (status, detail)
    assert device.pulses == 0


@pytest.mark.parametrize(
    ("millivolts", "microseconds"),
    [(-LIMITS["row_millivolts"], 111), (2000, 250), (300, LIMITS["pulse_microseconds"])],
)
def test_the_strongest_allowed_pulses_are_given_with_their_voltage_and_width(device, millivolts, microseconds):
    assert LIMITS["pulse_nanojoules"] == 1000
    seen = []
    device.array.pulse = lambda rows, gates, seconds: seen.append((rows, gates, seconds))
    pulse(device, row=127, millivolts=millivolts, microseconds=microseconds, columns=(3, 63))
    ((rows, gates, seconds),) = seen
    assert np.flatnonzero(rows).tolist() == [127]
    assert rows[127] == pytest.approx(millivolts / 1000, abs=2e-4)
    assert np.flatnonzero(gates).tolist() == [3, 63]
    assert seconds == pytest.approx(microseconds * 1e-6, rel=1e-2)
    assert device.bus.violations == []


@pytest.mark.parametrize("microseconds", [5, 20, 150])
def test_a_pulse_is_as_long_as_asked(device, microseconds):
    seen = []
    device.array.pulse = lambda rows, gates, seconds: seen.append(seconds)
    pulse(device, microseconds=microseconds)
    assert seen == [pytest.approx(microseconds * 1e-6, abs=1.5e-6)]


def test_a_cell_whose_pulse_budget_is_spent_is_refused_and_its_neighbour_is_not(device):
    spend_budget(device, row=2, column=7)
    with pytest.raises(Refused) as refusal:
        pulse(device, row=2, columns=(6, 7))
    assert (refusal.value.status, refusal.value.detail) == ("LIMIT_PULSES", 2 * 64 + 7)
    assert pulse(device, row=2, columns=(6,))["pulses"] == LIMITS["pulses_per_cell"] + 1
    assert device.cells(2)["pulses"][[6, 7]].tolist() == [1, LIMITS["pulses_per_cell"]]
    assert device.cells(2)["cycles"][7] == 8191  # more are not counted
    for scheme in (SCHEME, LADDERS):  # which end at such a cell and go on beside it
        targets = np.full((128, 64), LEAVE, np.uint16)
        targets[2, [6, 7]] = 1000
        device.start_campaign(targets, scheme)
        assert device.finish_campaign()["state"] == CAMPAIGN_STATES["finished"]
        assert device.cells(2)["state"][7] == CELL_STATES["budget_spent"]
        assert device.array.pulse_counts[2, 7] == LIMITS["pulses_per_cell"]
        assert device.array.pulse_counts[2, 6] > 1


@pytest.mark.parametrize(("reason", "left"), [("power", 0), ("pin", 3), ("watchdog", 3), ("software", 3)])
def test_only_power_off_renews_the_pulse_budget(device, reason, left):
    for _ in range(3):
        pulse(device, row=2, columns=(7,))
    device.firmware.reset(("power", "pin", "watchdog", "fault", "software").index(reason))
    device.poll()
    assert device.open().cells(2)["pulses"][7] == left


def test_a_damaged_frame_at_the_end_of_a_pulse_does_not_lengthen_it(device):
    seen, transfer, shooting = [], device.bus.transfer, []
    device.array.pulse = lambda rows, gates, seconds: seen.append(seconds)

    def damaged(chip, frame):
        if chip == 0 and device.bus._programming and device.bus._row_outputs.any() and not shooting:
            shooting.append(frame)
            frame = frame[:2] + bytes((frame[2] ^ 0x40, frame[3]))
        return transfer(chip, frame)

    device.bus.transfer = damaged
    with pytest.raises(Refused, match="DAC_ECHO"):
        pulse(device, microseconds=20)
    assert shooting and seen == [pytest.approx(20e-6, abs=1.5e-6)]
    assert device.cells(0)["pulses"][0] == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"set_millivolts": LIMITS["row_millivolts"] + 1}, "LIMIT_VOLTAGE"),
        ({"reset_millivolts": -LIMITS["row_millivolts"] - 1}, "LIMIT_VOLTAGE"),
        ({"set_microseconds": LIMITS["pulse_microseconds"] + 1}, "LIMIT_WIDTH"),
        ({"set_microseconds": 161}, "LIMIT_ENERGY"),
        ({"reset_microseconds": 347}, "LIMIT_ENERGY"),
        ({"reset_microseconds": 0}, "ARGUMENT"),
        ({"set_millivolts": -1}, "SCHEME"),
        ({"reset_millivolts": 1}, "SCHEME"),
        ({"range": 6}, "SCHEME"),
        ({"log2_reads": 9}, "SCHEME"),
        ({"passes": 0}, "SCHEME"),
        ({"max_cycles": 0}, "SCHEME"),
        ({"gate_min": 2, "gate_max": 1}, "SCHEME"),
    ],
)
def test_a_programming_scheme_beyond_a_limit_is_refused(device, change, status):
    with pytest.raises(Refused, match=status):
        device.start_campaign(np.zeros((128, 64), np.uint16), unchecked(SCHEME, **change))
    assert device.request("campaign_status")["state"] == 0


@pytest.mark.parametrize("polarity", ["up", "down"])
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"most_millivolts": LIMITS["row_millivolts"] + 1}, "LIMIT_VOLTAGE"),
        ({"microseconds": LIMITS["pulse_microseconds"] + 1}, "LIMIT_WIDTH"),
        ({"microseconds": 112}, "LIMIT_ENERGY"),
        ({"microseconds": 0}, "ARGUMENT"),
        ({"millivolts": 0}, "SCHEME"),
        ({"millivolts": -1}, "SCHEME"),
        ({"step_millivolts": -1}, "SCHEME"),
        ({"most_millivolts": 1}, "SCHEME"),
        ({"gate": 0}, "SCHEME"),
    ],
)
def test_a_ladder_of_pulses_beyond_a_limit_is_refused(device, polarity, change, status):
    sign = 1 if polarity == "up" else -1
    change = {name: sign * value if "millivolts" in name else value for name, value in change.items()}
    ladder = unchecked(getattr(LADDERS, polarity), **change)
    with pytest.raises(Refused, match=status):
        device.start_campaign(np.zeros((128, 64), np.uint16), unchecked(LADDERS, **{polarity: ladder}))
    assert device.request("campaign_status")["state"] == 0


@pytest.mark.parametrize("fields", [{"kind": 2}, scheme_message(unchecked(LADDERS, most_pulses=0))])
def test_an_incremental_scheme_that_makes_no_sense_is_refused(device, fields):
    with pytest.raises(Refused, match="SCHEME"):
        device.request("campaign_scheme", **scheme_message(LADDERS) | fields)


@pytest.mark.parametrize("scheme", [SCHEME, LADDERS])
def test_a_scheme_of_another_length_than_its_kinds_is_refused(device, scheme):
    fields = scheme_message(scheme)
    for parameters in (fields["parameters"] + b"\0", fields["parameters"][:-1]):
        with pytest.raises(Refused, match="FRAME_LENGTH"):
            device.request("campaign_scheme", **fields | {"parameters": parameters})


@pytest.mark.parametrize(
    ("values", "status"),
    [({"row": 128}, "RANGE"), ({"row": 127, "rows": 2}, "RANGE"), ({"range": 6}, "RANGE"), ({"rows": 0}, "ARGUMENT"),
     ({"rows": 8}, "ARGUMENT"), ({"log2_reads": 9}, "ARGUMENT")],
)  # fmt: skip
def test_a_reading_outside_the_board_is_refused(device, values, status):
    with pytest.raises(Refused, match=status):
        device.request("read_conductance", **{"row": 0, "rows": 1, "range": 0, "log2_reads": 0} | values)


def test_vectors_of_another_length_are_refused(device):
    with pytest.raises(Refused, match="FRAME_LENGTH"):
        device.request("multiply", range=0, codes=np.zeros(127, np.int16))
    with pytest.raises(Refused, match="FRAME_LENGTH"):
        device.request("pulse", row=0, millivolts=1, microseconds=1, gates=bytes(126))
    with pytest.raises(Refused, match="RANGE"):
        device.request("multiply", range=6, codes=np.zeros(128, np.int16))
