"""How the firmware takes requests: identity, order, replay, sessions, damaged frames."""

from __future__ import annotations

import numpy as np
import pytest
from device import SESSION, Device, Refused, flipped

from fxlstm.board.messages import Frame, encode_frame, unpack
from fxlstm.board.protocol import (
    EVENTS,
    KIND_ANSWER,
    KIND_ERROR,
    KIND_EVENT,
    KIND_REQUEST,
    MAX_PAYLOAD,
    MESSAGES,
    PROTOCOL_HASH,
    RECORDS,
    WINDOW,
)
from fxlstm.program.hardware import load_board
from fxlstm.status import STATUSES

STATUS = {status.symbol: status.code for status in STATUSES}


def error(frame: Frame) -> tuple[int, int]:
    assert frame.kind == KIND_ERROR
    values = unpack("error", RECORDS["error"], frame.payload)
    return values["status"], values["detail"]


def test_identify_needs_no_session_and_tells_protocol_size_and_limits():
    identity = Device().request("identify")
    limits = load_board("reference")["limits"]
    assert identity["protocol_hash"] == PROTOCOL_HASH
    assert (identity["rows"], identity["columns"], identity["serial"]) == (128, 64, 42)
    assert (identity["max_payload"], identity["window"], identity["boot_session"]) == (MAX_PAYLOAD, WINDOW, 0)
    assert {name: identity[name] for name in limits} == limits
    assert identity["name"] == b"fxlstm-reference"


def test_the_first_words_after_a_reset_are_a_boot_event_with_the_reason():
    device = Device()
    device.poll()
    device.firmware.reset(3)
    device.poll()
    assert [(event.message, event.payload) for event in device.events] == [(EVENTS[0].code, b"\0"), (EVENTS[0].code, b"\3")]


def test_a_window_of_requests_is_answered_in_order():
    device = Device().open()
    answers = device.send(b"".join(device.frame("keep_alive") for _ in range(WINDOW)))
    assert [(answer.kind, answer.request, answer.session) for answer in answers] == [
        (KIND_ANSWER, request, SESSION) for request in range(1, WINDOW + 1)
    ]


def test_a_request_after_a_lost_one_is_refused_with_the_id_expected(device):
    (answer,) = device.send(device.frame("keep_alive", request=3))
    assert error(answer) == (STATUS["OUT_OF_ORDER"], 1)
    assert device.request("keep_alive")


def test_request_ids_wrap_from_65535_to_1_and_keep_the_whole_window_for_replay(device):
    for first in range(1, 65536, WINDOW):
        device.send(b"".join(device.frame("keep_alive", request=i) for i in range(first, min(first + WINDOW, 65536))))
    (answer,) = device.send(device.frame("keep_alive", request=1))
    assert answer.kind == KIND_ANSWER
    again = device.send(b"".join(device.frame("keep_alive", request=i) for i in (65533, 65534, 65535, 1)))
    assert [(answer.kind, answer.request) for answer in again] == [(KIND_ANSWER, i) for i in (65533, 65534, 65535, 1)]


def test_a_request_sent_again_gets_the_same_answer_and_is_not_executed_again(device):
    frame = device.frame("pulse", row=3, millivolts=2500, microseconds=5, gates=np.full(64, 30000, "<u2").tobytes())
    first, second = device.send(frame), device.send(frame)
    assert first == second
    assert device.pulses == 1
    snapshot = device.request("snapshot")
    assert (snapshot["pulses"], snapshot["replays"]) == (1, 1)


def test_a_refusal_is_replayed_like_an_answer(device):
    frame = device.frame("pulse", row=128, millivolts=100, microseconds=5, gates=bytes(128))
    assert device.send(frame) == device.send(frame)
    assert device.request("snapshot")["replays"] == 1


def test_an_answer_older_than_the_window_is_out_of_order(device):
    frames = [device.frame("keep_alive") for _ in range(WINDOW + 1)]
    device.send(b"".join(frames))
    (answer,) = device.send(frames[0])
    assert error(answer) == (STATUS["OUT_OF_ORDER"], WINDOW + 2)


@pytest.mark.parametrize("session", [0, SESSION + 1])
def test_a_frame_of_another_session_is_stale(device, session):
    (answer,) = device.send(device.frame("keep_alive", request=1, in_session=session))
    assert error(answer)[0] == STATUS["STALE_SESSION"]


def test_before_any_session_every_ordered_request_is_stale():
    device = Device()
    (answer,) = device.send(device.frame("keep_alive", request=1, in_session=0))
    assert error(answer)[0] == STATUS["STALE_SESSION"]


def test_the_session_in_force_goes_on_where_it_was_and_a_new_one_starts_anew(device):
    device.request("keep_alive")
    assert device.request("open_session", session=SESSION, replaces=0)["next_request"] == 2
    assert device.request("open_session", session=SESSION + 1, replaces=SESSION)["next_request"] == 1
    (answer,) = device.send(device.frame("keep_alive", request=1, in_session=SESSION))
    assert error(answer)[0] == STATUS["STALE_SESSION"]


def test_session_0_is_refused():
    with pytest.raises(Refused, match="ARGUMENT"):
        device = Device()
        device.request("open_session", session=0, replaces=device.in_force())


def test_frames_of_an_earlier_host_that_come_again_late_take_nothing_and_pulse_nothing():
    device = Device()
    opening = device.frame("open_session", session=SESSION, replaces=device.in_force())
    shot = device.frame("pulse", request=1, row=3, millivolts=2500, microseconds=5, gates=np.full(64, 30000, "<u2").tobytes())
    device.send(opening + shot)
    assert device.pulses == 1
    device.open(SESSION + 1)
    answers = device.send(opening + shot)
    assert [error(answer)[0] for answer in answers] == [STATUS["STALE_SESSION"]] * 2
    assert device.pulses == 1
    assert device.request("identify")["boot_session"] == SESSION + 1


def test_frames_from_before_a_reset_that_come_late_take_nothing_and_pulse_nothing():
    device = Device()
    opening = device.frame("open_session", session=SESSION, replaces=device.in_force())
    shot = device.frame("pulse", request=1, row=3, millivolts=2500, microseconds=5, gates=np.full(64, 30000, "<u2").tobytes())
    device.send(opening + shot)
    device.firmware.reset()
    answers = device.send(opening + shot)
    assert [error(answer)[0] for answer in answers] == [STATUS["STALE_SESSION"]] * 2
    assert device.pulses == 1


def test_damaged_frames_are_dropped_in_silence_and_counted(device):
    frame = device.frame("keep_alive")
    damaged = [flipped(frame, 9), frame[:5] + b"\0", b"\x05\x01\0", flipped(frame, len(frame) - 3)]
    assert device.send(b"".join(damaged)) == []
    assert len(device.send(frame)) == 1
    assert device.request("snapshot")["bad_frames"] == len(damaged)


def test_a_frame_longer_than_any_message_is_dropped_and_the_next_one_is_read(device):
    too_long = encode_frame(Frame(KIND_REQUEST, 3, 1, SESSION, bytes(MAX_PAYLOAD + 1)))
    assert device.send(too_long + b"\x7f" * 5000 + b"\0") == []
    assert device.request("keep_alive")
    assert device.request("snapshot")["bad_frames"] == 2


@pytest.mark.parametrize("kind", [0, KIND_ANSWER, KIND_ERROR, KIND_EVENT])
def test_frames_that_are_no_requests_are_dropped(device, kind):
    assert device.send(encode_frame(Frame(kind, 3, 1, SESSION, b""))) == []


def test_a_message_of_the_wrong_length_is_refused(device):
    (answer,) = device.send(encode_frame(Frame(KIND_REQUEST, 3, 1, SESSION, b"x")))
    assert error(answer) == (STATUS["FRAME_LENGTH"], 1)


@pytest.mark.parametrize("message", [0, len(MESSAGES) + 1, 255])
def test_an_unknown_message_is_refused_by_its_number(device, message):
    (answer,) = device.send(encode_frame(Frame(KIND_REQUEST, message, 1, SESSION, b"")))
    assert error(answer) == (STATUS["UNKNOWN_MESSAGE"], message)


def test_what_the_bus_raises_comes_out_of_poll():
    device = Device().open()

    def broken(chip, frame):
        raise RuntimeError("the bus is on fire")

    device.bus.transfer = broken
    device.firmware.feed(device.frame("selftest"))
    with pytest.raises(RuntimeError, match="on fire"):
        device.poll()


def test_boards_in_one_process_do_not_know_each_other():
    first, second = Device().open(1), Device().open(2)
    first.send(first.frame("keep_alive", in_session=1))
    assert second.request("identify")["boot_session"] == 2
    assert first.request("identify")["boot_session"] == 1
