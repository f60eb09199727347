"""LTC2668-16: sixteen 16-bit voltage outputs on SPI.

A frame is 24 bits ``command(4) channel(4) code(16)``, or 32 bits with eight bits in front that do not matter; the rising chip
select executes it. SDO shifts out what went in before, so a 32-bit frame is answered by the previous one: a free check of the link.
Code and span of a channel are double-buffered: writing fills input registers, updating moves both to the output. Frames and
spans as in the Linduino LTC2668 library and the Linux driver of the LTC2664.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

CHANNELS = 16
SPANS = ((0.0, 5.0), (0.0, 10.0), (-5.0, 5.0), (-10.0, 10.0), (-2.5, 2.5))  # volts, by softspan code

_WRITE_ONE = frozenset((0x0, 0x2, 0x3))
_WRITE_ALL = frozenset((0x8, 0xA))
_UPDATE_ONE = frozenset((0x1, 0x3))
_UPDATE_ALL = frozenset((0x2, 0x9, 0xA))
_POWER_DOWN, _POWER_DOWN_CHIP, _SPAN, _CONFIG, _MUX, _TOGGLE_SELECT, _TOGGLE, _SPAN_ALL = 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE
_MUX_ON = 0x10  # with a channel in the low bits


class LTC2668:
    """One chip, powered on with its MSPAN pins high: softspan, 0..5 V, zero scale, so every output starts at 0 V.

    ``volts`` (16 floats) are the outputs; an array given is written in place. A powered-down output reads 0 V. ``changed`` becomes
    ``True`` whenever an output or the MUX pin may have moved. ``report`` gets a sentence for each frame that the real chip would
    ignore or that asks for something it does not define. ``dead`` channels stay at 0 V, ``stuck`` ones at the first other voltage
    that they get.
    """

    def __init__(
        self,
        report: Callable[[str], None],
        volts: NDArray[np.float64] | None = None,
        dead: frozenset[int] = frozenset(),
        stuck: frozenset[int] = frozenset(),
    ) -> None:
        self._report = report
        self._dead = dead
        self._stuck = stuck
        self.volts = np.zeros(CHANNELS) if volts is None else volts
        self.power_on()

    def power_on(self) -> None:
        """Return every register to its power-on value."""
        self._shift = bytes(4)
        self._size = 0
        self._inputs = [[0] * CHANNELS, [0] * CHANNELS]  # registers A and B of every channel
        self._outputs = [[0] * CHANNELS, [0] * CHANNELS]
        self._input_spans = [0] * CHANNELS
        self._spans = [0] * CHANNELS
        self._powered = [True] * CHANNELS
        self._stale = set(range(CHANNELS))  # channels that an update would change
        self._transparent = False
        self._toggle_select = 0
        self._toggle = 0
        self.mux = 0
        self.config = 0
        self.changed = True
        self.volts[:] = 0.0

    @property
    def monitored(self) -> float | None:
        """Voltage of the output that the multiplexer puts on the MUX pin; ``None`` while it is off, and the pin drives nothing."""
        return float(self.volts[self.mux & 15]) if self.mux & _MUX_ON else None

    def transfer(self, frame: bytes, now: int = 0) -> bytes:
        """Clock one frame in, execute it, and return what came out of SDO meanwhile: all bytes at once."""
        stream = self._shift + frame
        self._shift, self._size = stream[-4:], len(frame)
        self.deselect(now)
        return stream[: len(frame)]

    def select(self, now: int) -> None:
        """Chip select falls: a frame begins."""
        self._size = 0

    def shift(self, byte: int) -> int:
        """Clock eight bits in and return those that come out of the far end of the shift register."""
        out = self._shift[0]
        self._shift = self._shift[1:] + bytes((byte,))
        self._size += 1
        return out

    def deselect(self, now: int) -> None:
        """Chip select rises: the frame is executed."""
        frame = self._shift
        if self._size == 4 or self._size == 3:
            self._execute(frame[1] >> 4, frame[1] & 15, frame[2] << 8 | frame[3])
        elif self._size:
            self._report(f"LTC2668: a frame of {self._size} bytes is ignored; send 3 or 4")

    def load_dac(self, low: bool) -> None:
        """Level of the LDAC pin: while low, input registers go to the outputs at once."""
        self._transparent = low
        if low:
            self._update_all()

    def _execute(self, command: int, channel: int, code: int) -> None:
        if command in _WRITE_ONE:
            self._write(channel, code)
        elif command in _WRITE_ALL:
            for each in range(CHANNELS):
                self._write(each, code)
        if command in _UPDATE_ALL:
            self._update_all()
        elif command in _UPDATE_ONE:
            self._update(channel)
        elif command not in _WRITE_ONE and command not in _WRITE_ALL:
            self._configure(command, channel, code)
        if self._transparent:
            self._update_all()

    def _configure(self, command: int, channel: int, code: int) -> None:
        """The commands that neither write nor update a code; 0xF, no operation, falls through."""
        if command in (_SPAN, _SPAN_ALL):
            self._write_span((channel,) if command == _SPAN else range(CHANNELS), code)
        elif command in (_POWER_DOWN, _POWER_DOWN_CHIP):
            for each in (channel,) if command == _POWER_DOWN else range(CHANNELS):
                self._powered[each] = False
                self._stale.add(each)
                self._drive(each)
        elif command == _CONFIG:
            self._store_checked("config", code, 0x3)
        elif command == _MUX:
            self._store_checked("mux", code, _MUX_ON | 15)
            self.changed = True
        elif command == _TOGGLE_SELECT:
            self._toggle_select = code
            self._stale.update(range(CHANNELS))
        elif command == _TOGGLE:
            self._toggle = code & 1
            for each in range(CHANNELS):
                self._drive(each)

    def _store_checked(self, register: str, code: int, mask: int) -> None:
        if code & ~mask:
            self._report(f"LTC2668: {register} = 0x{code:04x} sets reserved bits; only 0x{mask:02x} are defined")
        setattr(self, register, code & mask)

    def _write_span(self, channels: range | tuple[int, ...], code: int) -> None:
        if code >= len(SPANS):
            self._report(f"LTC2668: span code {code} is reserved and ignored; use 0 to {len(SPANS) - 1}")
            return
        for channel in channels:
            self._input_spans[channel] = code
            self._stale.add(channel)

    def _write(self, channel: int, code: int) -> None:
        inputs = self._inputs[self._toggle_select >> channel & 1]
        if inputs[channel] != code:
            inputs[channel] = code
            self._stale.add(channel)

    def _update_all(self) -> None:
        for channel in self._stale:
            self._update(channel)
        self._stale.clear()

    def _update(self, channel: int) -> None:
        """Move code and span of the input registers to the outputs; this also ends a power-down."""
        bank = self._toggle_select >> channel & 1
        self._outputs[bank][channel] = self._inputs[bank][channel]
        self._spans[channel] = self._input_spans[channel]
        self._powered[channel] = True
        self._drive(channel)

    def _drive(self, channel: int) -> None:
        """Set an output's voltage: min + code / 65536 x (max - min)."""
        low, high = SPANS[self._spans[channel]]
        code = self._outputs[self._toggle_select >> channel & self._toggle][channel]
        if channel in self._stuck and self.volts[channel] != 0.0:
            return
        alive = self._powered[channel] and channel not in self._dead
        self.volts[channel] = low + code * (high - low) / 65536 if alive else 0.0
        self.changed = True
