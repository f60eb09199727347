"""What is wrong with an emulated board on purpose; every field is an option of the ``emu://`` URL."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from fxlstm.crossbar.temperature import ROOM
from fxlstm.errors import LinkError

NEVER = math.inf
RATES = ("drop", "flip", "duplicate", "disconnect", "flood")
FLOOD_BYTES = 3000  # of a burst, more than a frame holds
LARGEST_CLOCK_ERROR = 0.1
PLACES = {  # what the number in an option counts
    "dead_row": "row",
    "stuck_row": "row",
    "dead_gate": "column",
    "saturated_column": "column",
    "weak_column": "column",
    "offset_column": "column",
    "open_row": "row",
    "dead_monitor": "DAC",
    "missing_chip": "chip select",
    "restart_chip": "chip select",
}
COUNTS = ("bad_crc", "reset_after_frames", "reset_after_pulses", "brown_out_after_pulses")


@dataclass(frozen=True)
class LinkFaults:
    """Faults of the link, in both directions. Probabilities are per byte; the same ``fault_seed`` gives the same faults."""

    drop: float = 0.0  # a byte is lost
    flip: float = 0.0  # one bit of a byte is inverted
    duplicate: float = 0.0  # a byte comes twice
    disconnect: float = 0.0  # the port is unplugged
    disconnect_after: int = 0  # bytes, of both directions, until the port is unplugged, once; 0: never
    flood: float = 0.0  # a burst of random bytes comes in between, as from a babbling line
    reset_after: int = 0  # bytes, of both directions, until the board's microcontroller resets, once; 0: never
    stall_ms: float = 0.0  # an answer comes so much later
    fault_seed: int = 1

    def __post_init__(self) -> None:
        for name in RATES:
            if not 0 <= getattr(self, name) <= 0.5:
                raise LinkError(f"{name} = {getattr(self, name)}: choose a probability per byte of 0 to 0.5")
        for name in ("disconnect_after", "reset_after", "stall_ms"):
            if not 0 <= getattr(self, name) < 2**53:
                raise LinkError(f"{name} = {getattr(self, name)}: choose a value of 0 or more")


@dataclass(frozen=True)
class ChipFaults:
    """Faults of the chips, of the microcontroller and of their supply; -1 and 0 mean none."""

    dead_row: int = -1  # the row whose DAC output stays at 0 V
    dead_gate: int = -1  # the column whose gate DAC output stays at 0 V
    missing_chip: int = -1  # chip select that nothing answers at
    restart_chip: int = -1  # chip select of the chip whose supply alone fails for a moment, once, in the first pulse
    bad_crc: int = 0  # every n-th frame of samples of every ADC fails its CRC-16
    stuck_busy: bool = False  # BUSY stays high
    stuck_row: int = -1  # the row whose DAC output stays at the first voltage other than 0 V that it gets
    saturated_column: int = -1  # the column whose amplifier stays at its positive end
    weak_column: int = -1  # the column whose amplifier gives nine tenths with its coarse gain
    offset_column: int = -1  # the column whose amplifier stands 300 ADC codes off, in every range
    open_row: int = -1  # the row of the array that its DAC's output does not reach
    dead_monitor: int = -1  # chip select of the DAC whose MUX pin is not connected
    dead_calibration: bool = False  # the switch to the calibration bus does not close
    reset_after_frames: int = 0  # SPI frames until the microcontroller resets, once; 0: never
    reset_after_pulses: int = 0  # pulses until it resets while one is applied, once; 0: never
    brown_out_after_pulses: int = 0  # pulses until the supply of the whole board fails while one is applied, once; 0: never
    dead_crystal: bool = False  # of emu://stm32f405: its crystal does not oscillate
    crystal_error: float = 0.0  # by which fraction the microcontroller's crystal is too fast

    def __post_init__(self) -> None:
        if not abs(self.crystal_error) <= LARGEST_CLOCK_ERROR:
            raise LinkError(f"crystal_error = {self.crystal_error}: choose {-LARGEST_CLOCK_ERROR} to {LARGEST_CLOCK_ERROR}")
        for name in COUNTS:
            if getattr(self, name) < 0:
                raise LinkError(f"{name} = {getattr(self, name)}: choose a number of 1 or more, or 0 for never")

    def check_places(self, sizes: Mapping[str, int]) -> None:
        """Raise :class:`LinkError` for a fault of a part that a board does not have; ``sizes``: how many of each place it has."""
        for name, place in PLACES.items():
            if not -1 <= getattr(self, name) < sizes[place]:
                raise LinkError(f"{name} = {getattr(self, name)}: choose a {place} of 0 to {sizes[place] - 1}")


@dataclass(frozen=True)
class CellFaults:
    """Imperfections of the array: the preset's, switched off with 0 one by one, and one more stuck cell. Ideal cells have none."""

    read_noise: bool = True
    update_noise: bool = True
    stuck: bool = True  # the stuck cells that the preset has
    ageing: bool = True
    temperature: float = ROOM  # kelvin; only where the preset has published numbers about it
    stuck_cell: int = -1  # a cell, row x columns + column, that no pulse moves; -1: none

    def __post_init__(self) -> None:
        if self.stuck_cell < -1:
            raise LinkError(f"stuck_cell = {self.stuck_cell}: choose row x columns + column")


Options = TypeVar("Options", LinkFaults, ChipFaults, CellFaults)


def option_names(kind: type[Any]) -> list[str]:
    """Return the options that a class of faults has."""
    return [field.name for field in fields(kind)]


def from_options(kind: type[Options], options: Mapping[str, str]) -> Options:
    """Make ``kind`` from the options that belong to it, given as text. Raises :class:`LinkError` for text that is no number."""
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in options:
            values[field.name] = _number(field.name, options[field.name], type(field.default))
    return kind(**values)


def _number(name: str, text: str, kind: type[Any]) -> float | int | bool:
    try:
        value = float(text) if kind is float else int(text)
    except ValueError:
        raise LinkError(f"{name} = {text!r}: give a number") from None
    if kind is bool and value not in (0, 1):
        raise LinkError(f"{name} = {text!r}: choose 0 or 1")
    return bool(value) if kind is bool else value


class Unplugged(Exception):
    """The wire has been cut; ``delivered`` is what came through before."""

    def __init__(self, delivered: bytes) -> None:
        super().__init__("unplugged")
        self.delivered = delivered


class FaultyWire:
    """One direction of a link. Faults come at random distances drawn in advance, so good bytes cost nothing."""

    def __init__(self, faults: LinkFaults, direction: str) -> None:
        self._weights = {name: getattr(faults, name) for name in RATES}
        self._rate = sum(self._weights.values())
        self._random = random.Random(f"{faults.fault_seed} {direction}")
        self._good = self._distance()

    def _distance(self) -> float:
        """Good bytes until the next fault: geometrically distributed."""
        if not self._rate:
            return NEVER
        return int(math.log(1.0 - self._random.random()) / math.log1p(-min(self._rate, 0.999)))

    def carry(self, data: bytes) -> bytes:
        """Return what arrives of ``data``. Raises :class:`Unplugged` when the wire is cut on the way."""
        if len(data) <= self._good:
            self._good -= len(data)
            return data
        arrived = bytearray()
        while len(data) > self._good:
            good = int(self._good)
            arrived += data[:good]
            self._good = self._distance()
            arrived += self._spoil(data[good], bytes(arrived))
            data = data[good + 1 :]
        self._good -= len(data)
        return bytes(arrived + data)

    def _spoil(self, byte: int, before: bytes) -> bytes:
        (fault,) = self._random.choices(list(self._weights), list(self._weights.values()))
        if fault == "disconnect":
            raise Unplugged(before)
        if fault == "flood":
            return bytes((byte,)) + self._random.randbytes(FLOOD_BYTES)
        if fault == "flip":
            return bytes((byte ^ 1 << self._random.randrange(8),))
        return bytes((byte,)) * (2 if fault == "duplicate" else 0)
