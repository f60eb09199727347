"""Objects arrive in pieces, resume, and are put to use only when whole and right."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from device import Refused

from fxlstm.board.protocol import OBJECTS

TARGET = np.random.default_rng(5).integers(0, 65535, (128, 64)).astype("<u2").tobytes()
CRC = zlib.crc32(TARGET)


def begin(device, data=TARGET, name="target"):
    return device.request("object_begin", object=OBJECTS[name], size=len(data), crc=zlib.crc32(data))["offset"]


def write(device, offset, data, name="target"):
    return device.request("object_write", object=OBJECTS[name], offset=offset, data=data)["offset"]


def test_an_object_that_arrived_whole_is_in_use_under_its_crc(device):
    assert device.load("target", TARGET) == CRC
    assert device.request("snapshot")["target_crc"] == CRC
    assert begin(device) == len(TARGET)


def test_a_cut_off_object_goes_on_where_it_stopped_also_in_another_session(device):
    begin(device)
    write(device, 0, TARGET[:700])
    device.open(session=99)
    device.frame, whole = (lambda name, **values: whole(name, in_session=99, **values)), device.frame
    assert begin(device) == 700
    assert write(device, 700, TARGET[700:1700]) == 1700


def test_data_at_another_offset_is_not_stored(device):
    begin(device)
    assert write(device, 100, b"late") == 0
    assert write(device, 0, TARGET[:10]) == 10
    assert write(device, 0, TARGET[:10]) == 10


def test_another_object_starts_anew(device):
    begin(device)
    write(device, 0, TARGET[:700])
    assert begin(device, TARGET[::-1]) == 0
    assert begin(device) == 0


def test_an_incomplete_object_is_refused_with_the_offset_wanted(device):
    begin(device)
    write(device, 0, TARGET[:700])
    with pytest.raises(Refused) as refusal:
        device.request("object_finish", object=OBJECTS["target"])
    assert (refusal.value.status, refusal.value.detail) == ("OBJECT_INCOMPLETE", 700)


def test_an_object_with_a_wrong_crc_is_refused_and_starts_anew(device):
    device.request("object_begin", object=OBJECTS["target"], size=len(TARGET), crc=CRC ^ 1)
    for offset in range(0, len(TARGET), 1000):
        write(device, offset, TARGET[offset : offset + 1000])
    with pytest.raises(Refused, match="OBJECT_CRC"):
        device.request("object_finish", object=OBJECTS["target"])
    assert device.request("object_begin", object=OBJECTS["target"], size=len(TARGET), crc=CRC ^ 1)["offset"] == 0
    assert device.request("snapshot")["target_crc"] == 0


def test_more_data_than_announced_is_refused(device):
    device.request("object_begin", object=OBJECTS["program"], size=10, crc=0)
    with pytest.raises(Refused, match="OBJECT_TOO_LARGE"):
        write(device, 0, bytes(11), "program")


def test_an_object_larger_than_the_memory_is_refused_with_the_capacity(device):
    capacity = device.request("identify")["program_capacity"]
    with pytest.raises(Refused) as refusal:
        device.request("object_begin", object=OBJECTS["program"], size=capacity + 1, crc=0)
    assert (refusal.value.status, refusal.value.detail) == ("OBJECT_TOO_LARGE", capacity)


@pytest.mark.parametrize("size", [0, 8192, 16382])
def test_a_target_map_of_another_size_is_refused(device, size):
    with pytest.raises(Refused, match="ARGUMENT"):
        device.request("object_begin", object=OBJECTS["target"], size=size, crc=0)


@pytest.mark.parametrize("number", [0, 3, 255])
def test_an_unknown_object_is_refused(device, number):
    for name, values in (
        ("object_begin", {"size": 1, "crc": 0}),
        ("object_write", {"offset": 0, "data": b""}),
        ("object_finish", {}),
    ):
        with pytest.raises(Refused, match="OBJECT_UNKNOWN"):
            device.request(name, object=number, **values)


def test_a_bad_program_image_is_refused_with_the_loaders_reason(device):
    with pytest.raises(Refused, match="IMAGE_MAGIC"):
        device.load("program", bytes(200))
    assert device.request("snapshot")["program_crc"] == 0
