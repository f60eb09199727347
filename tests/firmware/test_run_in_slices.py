"""A run is one slice of the main loop after another: the host is heard in between, and what must be quick is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from device import Device, Refused
from programs import X, both_directions, loaded, program_for

from fxlstm.board.messages import Frame, unpack
from fxlstm.board.protocol import EVENT_BY_CODE, KIND_ANSWER, KIND_ERROR, MESSAGE_BY_NAME, RECORDS, RUN_FLAGS
from fxlstm.core.engine import Engine
from fxlstm.status import BY_CODE

RESET, ON_ARRAY, LAST, SILENT = (RUN_FLAGS[name] for name in ("reset", "on_array", "last_piece", "silent"))
WATCHFUL = 50_000_000  # ns in which the board must react, whatever a piece holds
SILENCE = 2_000_000_000


@pytest.fixture
def running() -> Device:
    """A board in the midst of a run on its array that would take seconds."""
    device = loaded(program_for())
    assert device.send(long_run(device)) == []
    return device


def long_run(device: Device, **others: int) -> bytes:
    values = {"flags": RESET | ON_ARRAY | SILENT, "phase": 0, "further": 65535, "codes": np.zeros(2, np.int16)} | others
    return device.frame("run", **values)


def at_rest(device: Device) -> bool:
    return not device.bus._row_outputs.any()


def status(frame: Frame) -> str:
    if frame.kind != KIND_ERROR:
        return "OK"
    return BY_CODE[unpack("error", RECORDS["error"], frame.payload)["status"]].symbol


def until(device: Device, done: Callable[[list[Frame]], Any]) -> list[Frame]:
    """Let the main loop turn until the answers that have come are enough."""
    answers: list[Frame] = []
    while not done(answers):
        answers += device.poll(1)
    return answers


def test_a_long_run_takes_many_turns_of_the_main_loop_none_of_them_long():
    program = program_for()
    codes = np.tile(program.encode(X), (4, 1))
    device = loaded(program)
    device.firmware.feed(device.frame("run", flags=RESET | ON_ARRAY, phase=0, further=0, codes=codes.ravel()))
    turns, answers = [], []
    while not answers:
        before = device.bus.clock.now()
        answers = device.poll(1)
        turns.append(device.bus.clock.now() - before)
    values = unpack("run", MESSAGE_BY_NAME["run"].answer, answers[0].payload)["codes"]
    np.testing.assert_array_equal(values, Engine(program).run_codes(codes).ravel())
    assert len(turns) > 3
    assert max(turns) < 20_000_000


@pytest.mark.parametrize("returns", ["sequence", "last"])
def test_sweeps_over_a_whole_sequence_are_cut_in_slices_too(returns):
    program = both_directions(returns)
    codes = np.tile(program.encode(X), (5, 1))
    device = loaded(program)
    device.firmware.feed(device.frame("run", flags=RESET | ON_ARRAY | LAST, phase=0, further=0, codes=codes.ravel()))
    turns, answers = 0, []
    while not answers:
        answers, turns = device.poll(1), turns + 1
    values = unpack("run", MESSAGE_BY_NAME["run"].answer, answers[0].payload)["codes"]
    np.testing.assert_array_equal(values, Engine(program).run_codes(codes).ravel()[: len(values)])
    assert turns > 3


def test_a_request_that_is_asked_for_again_is_not_executed_again_but_said_to_be_under_way(running):
    conversions = running.bus.clock.now()
    again = long_run(running, request=running.next_request - 1)
    assert running.send(again) == []
    (event,) = [frame for frame in running.events if EVENT_BY_CODE[frame.message].name == "under_way"]
    assert unpack("event", EVENT_BY_CODE[event.message].fields, event.payload) == {"request": running.next_request - 1}
    assert running.bus.clock.now() > conversions


def test_whoever_asks_who_the_board_is_is_answered_during_a_run(running):
    (answer,) = running.send(running.frame("identify"))
    assert answer.kind == KIND_ANSWER


def test_a_request_that_comes_during_a_run_is_asked_for_after_it_and_executed_once():
    program = program_for()
    codes = np.tile(program.encode(X), (4, 1))
    device = loaded(program)
    device.firmware.feed(device.frame("run", flags=RESET | ON_ARRAY, phase=0, further=0, codes=codes[:150].ravel()))
    rest = device.frame("run", flags=ON_ARRAY, phase=0, further=0, codes=codes[150:].ravel())
    device.firmware.feed(rest)
    first, hint = until(device, lambda answers: len(answers) == 2)
    assert (status(first), status(hint)) == ("OK", "OUT_OF_ORDER")
    assert unpack("error", RECORDS["error"], hint.payload)["detail"] == device.next_request - 1
    device.firmware.feed(rest)
    (second,) = until(device, len)
    outputs = [unpack("run", MESSAGE_BY_NAME["run"].answer, answer.payload)["codes"] for answer in (first, second)]
    np.testing.assert_array_equal(np.concatenate(outputs), Engine(program).run_codes(codes).ravel())


def test_safe_idle_cuts_a_run_short(running):
    before = running.bus.clock.now()
    idle = running.frame("safe_idle")
    running.firmware.feed(idle)
    answers = until(running, lambda answers: len(answers) == 2)
    assert [status(answer) for answer in answers] == ["SAFE_IDLE", "OUT_OF_ORDER"]
    assert at_rest(running)
    assert running.bus.clock.now() - before < WATCHFUL
    assert status(*running.send(idle)) == "OK"
    with pytest.raises(Refused, match="ARGUMENT"):
        running.request("run", flags=ON_ARRAY, phase=0, further=0, codes=np.zeros(2, np.int16))


def test_silence_cuts_a_run_short():
    device = loaded(program_for())
    device.firmware.feed(long_run(device))
    before = device.bus.clock.now()
    (answer,) = until(device, len)
    assert status(answer) == "SAFE_IDLE"
    assert at_rest(device)
    assert 0 <= device.bus.clock.now() - before - SILENCE < WATCHFUL
    assert device.request("snapshot")["idles"] == 1


def test_a_host_that_asks_again_and_again_is_no_silent_one(running):
    again = long_run(running, request=running.next_request - 1)
    until_now = running.bus.clock.now() + SILENCE + WATCHFUL
    while running.bus.clock.now() < until_now:
        assert running.send(again) == []
    assert not at_rest(running)


def test_the_next_host_ends_the_run_of_the_one_before(running):
    running.open(session=0xACE)
    assert at_rest(running)
    with pytest.raises(Refused, match="ARGUMENT"):
        running.request("run", in_session=0xACE, flags=ON_ARRAY, phase=0, further=0, codes=np.zeros(2, np.int16))


def test_the_answer_of_a_run_in_slices_is_kept_as_any_other():
    program = program_for()
    device = loaded(program)
    codes = np.tile(program.encode(X), (4, 1))
    frame = device.frame("run", flags=RESET | ON_ARRAY, phase=0, further=0, codes=codes.ravel())
    device.firmware.feed(frame)
    (answer,) = until(device, len)
    conversions = device.request("snapshot")["conversions"]
    assert device.send(frame) == [answer]
    assert device.request("snapshot")["conversions"] == conversions
