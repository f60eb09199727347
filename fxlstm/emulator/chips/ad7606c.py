"""AD7606C-16: eight simultaneous 16-bit analog inputs on SPI, in software mode.

The chip is in one of two modes. In *conversion mode* a frame shifts out eight samples, most significant byte first, followed by
their CRC-16 where that is enabled. A frame that asks to read a register enters *register mode*; writing to address 0 leaves it.
A register frame is ``ignore(1) read(1) address(6) value(8)``, plus CRC-8 where enabled; a register's value comes out in the frame
after the one that asked. Registers, ranges and conversion times as in Analog Devices' no-OS driver.
"""

from __future__ import annotations

from collections.abc import Callable

from fxlstm.emulator.chips.crc import crc8, crc16

CHANNELS = 8
RANGE_VOLTS = (2.5, 5.0, 6.25, 10.0, 12.5)  # single-ended bipolar full scale, by range code
CONVERSION_NANOSECONDS = (1_000, 3_000, 5_000, 10_000, 20_000, 41_000, 81_000, 162_000, 324_000)  # longest, by oversampling code
FULL_RESET_NANOSECONDS = 3_000  # a shorter RESET pulse keeps the registers

_READ = 0x40
_STATUS, _CONFIG, _RANGES, _OVERSAMPLING, _DIAGNOSTICS, _ERRORS, _IDENTITY = 0x01, 0x02, 0x03, 0x08, 0x21, 0x22, 0x2F
_LAST_REGISTER = _IDENTITY
_READ_ONLY = frozenset((_STATUS, 0x24, 0x26, 0x27, 0x2D, 0x2E, _IDENTITY))
_RESET_DETECTED, _DIGITAL_ERROR = 0x80, 0x40  # of the status register
_INTERFACE_CRC = 0x04  # of the diagnostics and errors registers


class AD7606C:
    """One chip. ``report`` gets a sentence for each thing a real chip would answer with garbage or not at all.

    Gain, offset and phase registers are stored and have no effect. ``bad_crc_every`` n > 0 spoils the CRC-16 of every n-th
    frame of samples; ``stuck_busy`` holds BUSY high.
    """

    def __init__(self, report: Callable[[str], None], bad_crc_every: int = 0, stuck_busy: bool = False) -> None:
        self._report = report
        self._bad_crc_every = bad_crc_every
        self._stuck_busy = stuck_busy
        self._frames = 0
        self._reset_since: int | None = None
        self.power_on()

    def power_on(self) -> None:
        """Return to the power-on state: conversion mode, +-10 V, no oversampling, no CRC, nothing converted yet."""
        self._registers = bytearray(64)
        self._registers[_STATUS] = _RESET_DETECTED
        self._registers[_RANGES : _RANGES + 4] = b"\x33" * 4
        self._registers[0x11:0x19] = b"\x80" * CHANNELS
        self._registers[_DIAGNOSTICS] = 0x01
        self._registers[_IDENTITY] = 0x31
        self._register_mode = False
        self._answer = 0
        self._frame, self._reply = bytearray(), b""
        self._abort_conversion()
        self._decode_ranges()

    def _abort_conversion(self) -> None:
        self._samples: bytes | None = None
        self._busy_until = 0

    @property
    def crc_enabled(self) -> bool:
        """Whether frames carry CRCs."""
        return bool(self._registers[_DIAGNOSTICS] & _INTERFACE_CRC)

    def busy(self, now: int) -> bool:
        """Level of the BUSY pin at time ``now`` (nanoseconds)."""
        return self._stuck_busy or now < self._busy_until

    def reset_pin(self, high: bool, now: int) -> None:
        """Level of the RESET pin; the registers are lost only when it was high for 3 us or more."""
        if high:
            self._abort_conversion()
            self._reset_since = now if self._reset_since is None else self._reset_since
        elif self._reset_since is not None:
            if now - self._reset_since >= FULL_RESET_NANOSECONDS:
                self.power_on()
            self._reset_since = None

    def convert(self, samples: bytes, now: int) -> None:
        """Rising CONVST: hold eight samples (16 bytes, most significant first) and be busy for the conversion time."""
        if self._reset_since is not None or self.busy(now):
            self._report("AD7606C: CONVST while BUSY or RESET is high is ignored; wait until BUSY is low")
            return
        self._samples = samples
        self._busy_until = now + CONVERSION_NANOSECONDS[self._registers[_OVERSAMPLING] & 15]

    def transfer(self, frame: bytes, now: int) -> bytes:
        """Clock one frame in and return what came out meanwhile: all bytes at once."""
        self.select(now)
        self._frame[:] = frame
        self.deselect(now)
        return self._reply[: len(frame)].ljust(len(frame), b"\0")

    def select(self, now: int) -> None:
        """Chip select falls: what will be shifted out is decided now, before it is known what comes in."""
        self._frame = bytearray()
        self._reply = self._register_reply() if self._register_mode else self._sample_reply(now)

    def shift(self, byte: int) -> int:
        """Clock eight bits in and return those that come out."""
        place = len(self._frame)
        self._frame.append(byte)
        return self._reply[place] if place < len(self._reply) else 0

    def deselect(self, now: int) -> None:
        """Chip select rises: a register frame is executed."""
        frame = bytes(self._frame)
        if not frame:
            return
        if self._register_mode or frame[0] & 0xC0 == _READ:
            self._execute(frame)
        elif frame[0]:
            self._report(f"AD7606C: a frame 0x{frame.hex()} outside register mode is ignored; read a register first")
        elif self._samples is None or self.busy(now):
            self._report("AD7606C: samples were read while BUSY or before any conversion; start one and wait until BUSY is low")
        else:
            self._frames += self.crc_enabled

    def _sample_reply(self, now: int) -> bytes:
        """The samples held, and their CRC."""
        if self._samples is None or self.busy(now):
            return b""
        if not self.crc_enabled:
            return self._samples
        spoiled = self._bad_crc_every and (self._frames + 1) % self._bad_crc_every == 0
        return self._samples + (crc16(self._samples) ^ bool(spoiled)).to_bytes(2, "big")

    def _register_reply(self) -> bytes:
        """The value asked for in the frame before."""
        reply = bytes((0, self._answer))
        return reply + bytes((crc8(reply),)) if self.crc_enabled else reply

    def _execute(self, frame: bytes) -> None:
        """Take a register frame of the right size and CRC."""
        size = 3 if self.crc_enabled else 2
        if len(frame) != size:
            self._report(f"AD7606C: a register frame of {len(frame)} bytes is ignored; send {size}")
        elif size == 3 and crc8(frame[:2]) != frame[2]:
            self._report(f"AD7606C: register frame 0x{frame.hex()} fails its CRC-8 and is ignored")
            self._registers[_ERRORS] |= _INTERFACE_CRC
            self._registers[_STATUS] |= _DIGITAL_ERROR
        elif not frame[0] & 0x80:
            self._access(frame[0], frame[1])

    def _access(self, head: int, value: int) -> None:
        address = head & 0x3F
        self._answer = 0
        if address > _LAST_REGISTER:
            self._report(f"AD7606C: register 0x{address:02x} does not exist; the last is 0x{_LAST_REGISTER:02x}")
        elif head & _READ:
            self._register_mode = True
            self._answer = self._registers[address]
            if address == _STATUS:
                self._registers[_STATUS] &= ~_RESET_DETECTED & 0xFF
        elif address == 0:
            self._register_mode = False
        else:
            self._write(address, value)

    def _write(self, address: int, value: int) -> None:
        if address in _READ_ONLY:
            self._report(f"AD7606C: register 0x{address:02x} is read-only; the value 0x{value:02x} is ignored")
        elif address == _ERRORS:
            self._registers[_ERRORS] &= ~value & 0xFF
            if not self._registers[_ERRORS]:
                self._registers[_STATUS] &= ~_DIGITAL_ERROR & 0xFF
        elif address == _CONFIG and value:
            self._report(f"AD7606C: config 0x{value:02x} is ignored; this board uses one data line, no status bytes, no standby")
        elif address == _OVERSAMPLING and value & 15 >= len(CONVERSION_NANOSECONDS):
            self._report(f"AD7606C: oversampling code {value & 15} is reserved and ignored")
        else:
            self._registers[address] = value
            if _RANGES <= address < _RANGES + CHANNELS // 2:
                self._decode_ranges()

    def _decode_ranges(self) -> None:
        """Full-scale volts of each channel; ``None`` for the unipolar and differential codes."""
        codes = [self._registers[_RANGES + channel // 2] >> 4 * (channel % 2) & 15 for channel in range(CHANNELS)]
        self.range_volts = tuple(RANGE_VOLTS[code] if code < len(RANGE_VOLTS) else None for code in codes)
