"""Firmware that answers every byte with itself, where a test is about the line and not about what is said on it."""

from collections.abc import Iterator

import pytest
import serial
from moment import Moment

from fxlstm.emulator import processors
from fxlstm.emulator.bus import Bus
from fxlstm.urls import protocol_emu

if "fxlstm.urls" not in serial.protocol_handler_packages:
    serial.protocol_handler_packages.append("fxlstm.urls")


class Echo:
    """Stands where the firmware stands."""

    def __init__(self, bus: Bus, name: str) -> None:
        self._bytes = bytearray()
        self.rest = bus.clock.advance

    def feed(self, data: bytes) -> int:
        self._bytes += data[:100]
        return len(data[:100])

    def poll(self) -> bool:
        return False

    def reset(self, reason: int) -> None:
        self._bytes[:] = b"reset"

    def take(self) -> bytes:
        data = bytes(self._bytes)
        self._bytes.clear()
        return data


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "HostFirmware", Echo)


@pytest.fixture(autouse=True)
def no_boards_left() -> Iterator[None]:
    yield
    protocol_emu._named.clear()


@pytest.fixture
def time() -> Moment:
    """The time that a peripheral lives in."""
    return Moment()


@pytest.fixture
def report() -> list[str]:
    """What an emulated part has said that a real one would not do."""
    return []
