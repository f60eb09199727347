"""The firmware with emulated chips, driven frame by frame as a host would over the serial line."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.board.campaign import scheme_message
from fxlstm.board.messages import Frame, FrameDecoder, encode_frame, pack, records, unpack
from fxlstm.board.protocol import CAMPAIGN_STATES, KIND_ERROR, KIND_EVENT, KIND_REQUEST, MESSAGE_BY_NAME, OBJECTS, RECORDS
from fxlstm.crossbar.simulated import SimulatedArray
from fxlstm.emulator._firmware import HostFirmware
from fxlstm.emulator.bus import Bus
from fxlstm.emulator.faults import ChipFaults
from fxlstm.program.device import load_device
from fxlstm.program.scheme_parameters import Scheme
from fxlstm.status import BY_CODE

SESSION = 0x5EED
IDLE = 10_000_000  # nanoseconds that pass on a board whose campaign waits, or between two looks of the host
PIECE = 1000  # bytes of an object in one frame


class Refused(Exception):
    """The board answered with an error: the status symbol and its detail."""

    def __init__(self, status: str, detail: int) -> None:
        super().__init__(status, detail)
        self.status, self.detail = status, detail


class Device:
    """One board on a virtual clock, with amplifiers that suit its cells; ``switches`` are those of the array.

    ``events`` collects what it says unasked, ``pulses`` counts what reached the array.
    """

    def __init__(self, device: str = "ideal", faults: ChipFaults | None = None, **switches: bool) -> None:
        board = load_device(device).board
        self.array = SimulatedArray(128, 64, device, 1, board, **switches)
        self.bus = Bus(self.array, board, faults=faults)
        self.firmware = HostFirmware(self.bus, serial=42)
        self.events: list[Frame] = []
        self.pulses = 0
        self._pulse, self.array.pulse = self.array.pulse, self._counted_pulse
        self.next_request = 1
        self._decoder = FrameDecoder()

    def _counted_pulse(self, *values: Any) -> None:
        self.pulses += 1
        self._pulse(*values)

    def poll(self, passes: int = 50) -> list[Frame]:
        """Run the main loop until it has nothing to do, at most ``passes`` times; return the answers, in order."""
        answers: list[Frame] = []
        for _ in range(passes):
            busy = self.firmware.poll()
            for frame in self._decoder.feed(self.firmware.take()):
                (self.events if frame.kind == KIND_EVENT else answers).append(frame)
            if not busy:
                break
        return answers

    def send(self, data: bytes) -> list[Frame]:
        """Give the firmware bytes; return its answers, in order."""
        self.firmware.feed(data)
        return self.poll()

    def frame(self, name: str, request: int | None = None, in_session: int = SESSION, **values: Any) -> bytes:
        """The bytes of one request; the id defaults to the one expected next."""
        message = MESSAGE_BY_NAME[name]
        if request is None:
            request = 0
            if not message.sessionless:
                request, self.next_request = self.next_request, self.next_request % 65535 + 1
        payload = pack(name, message.request, values)
        return encode_frame(Frame(KIND_REQUEST, message.code, request, in_session, payload))

    def request(self, name: str, **values: Any) -> dict[str, Any]:
        """Make one request and return the fields of its answer. Raises :class:`Refused`."""
        self.firmware.feed(self.frame(name, **values))
        answers: list[Frame] = []
        while not answers:
            answers = self.poll(1)
        (answer,) = answers
        if answer.kind == KIND_ERROR:
            error = unpack("error", RECORDS["error"], answer.payload)
            raise Refused(BY_CODE[error["status"]].symbol, error["detail"])
        return unpack(name, MESSAGE_BY_NAME[name].answer, answer.payload)

    def open(self, session: int = SESSION) -> Device:
        """Take the board."""
        self.next_request = self.request("open_session", session=session, replaces=self.in_force())["next_request"]
        return self

    def in_force(self) -> int:
        """What a new session has to name: the session in force, or before the first the number of this start."""
        identity = self.request("identify")
        return int(identity["boot_session"] or identity["boot_id"])

    def load(self, name: str, data: bytes) -> int:
        """Send an object whole; return its CRC-32."""
        code, crc = OBJECTS[name], zlib.crc32(data)
        self.request("object_begin", object=code, size=len(data), crc=crc)
        for offset in range(0, len(data), PIECE):
            self.request("object_write", object=code, offset=offset, data=data[offset : offset + PIECE])
        self.request("object_finish", object=code)
        return crc

    def start_campaign(self, targets: NDArray[np.uint16], scheme: Scheme) -> int:
        """Load a target map and a scheme and start programming; return the map's CRC-32."""
        crc = self.load("target", targets.astype("<u2").tobytes())
        self.request("campaign_scheme", **scheme_message(scheme))
        self.request("campaign_start", target_crc=crc)
        return crc

    def finish_campaign(self) -> dict[str, Any]:
        """Let a campaign run to its end, the host listening; return its status."""
        while (status := self.request("campaign_status"))["state"] == CAMPAIGN_STATES["running"]:
            self.poll(200)
            self.bus.clock.advance(IDLE)
        return status

    def cells(self, row: int) -> NDArray[np.void]:
        """Per-cell state of one row."""
        return records("cell_state", self.request("campaign_cells", row=row)["cells"])

    def pass_time(self, seconds: float) -> None:
        """Let time pass without a word from the host."""
        self.bus.clock.advance(round(seconds * 1e9))
        self.poll()


def flipped(data: bytes, position: int) -> bytes:
    """The same bytes with one bit inverted."""
    return data[:position] + bytes((data[position] ^ 0x10,)) + data[position + 1 :]
