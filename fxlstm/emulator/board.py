"""A whole board: the real firmware, emulated chips, a simulated array."""

from __future__ import annotations

import os
from pathlib import Path

from fxlstm.crossbar.simulated import SimulatedArray
from fxlstm.crossbar.surroundings import Surroundings
from fxlstm.emulator.bus import Bus
from fxlstm.emulator.clock import VirtualClock
from fxlstm.emulator.faults import CellFaults, ChipFaults
from fxlstm.emulator.processors import make_firmware
from fxlstm.errors import ArrayError
from fxlstm.program.device import load_device
from fxlstm.program.hardware import load_board

RESET_POWER, RESET_PIN = 0, 1  # hal_reset_reason of firmware/hal/hal.h


class EmulatedBoard:
    """A board in this process, as large as the board file says.

    ``board``: that file, by default the one whose amplifiers suit the preset. ``processor``: ``host``, the firmware compiled for
    this process, or ``stm32f405``, the ELF file ``elf`` (by default the one built last) on an emulated Cortex-M4. ``device`` and
    ``seed`` are those of :class:`fxlstm.SimulatedArray`; ``cells`` and ``faults`` say what is wrong with it and with the chips,
    ``around`` which wires and errors of converters lie between them. ``state`` names a file that keeps the array between
    processes: it is read when it exists and written by :meth:`save`. ``clock``: virtual by default; the cells age in its time.

    Bytes go in with :meth:`feed`; each :meth:`poll` runs the firmware's main loop once and returns what it sent. Violations of the
    hardware's rules are in ``bus.violations``. Raises :class:`ArrayError` for an unknown preset, a state that belongs to another
    device, size or surroundings, and for surroundings of cells that are exact in integers.
    """

    def __init__(
        self,
        device: str = "ta-hfo2",
        seed: int | None = None,
        board: str | None = None,
        *,
        faults: ChipFaults | None = None,
        cells: CellFaults | None = None,
        around: Surroundings | None = None,
        state: str | os.PathLike[str] | None = None,
        clock: VirtualClock | None = None,
        processor: str = "host",
        elf: str | os.PathLike[str] | None = None,
    ) -> None:
        self._state = Path(state) if state is not None else None
        board = load_device(device).board if board is None else board
        self.array = _array(device, seed, board, cells or CellFaults(), around, self._state)
        self.bus = Bus(self.array, board, clock, faults)
        self.firmware = make_firmware(processor, self.bus, board, elf, faults or ChipFaults())
        self._in_process = processor == "host"
        self.bus.on_reset = self.reset
        self._waiting = bytearray()
        self._saved_pulses = self._pulses()

    @property
    def clock(self) -> VirtualClock:
        """The time this board lives in."""
        return self.bus.clock

    @property
    def instructions(self) -> int | None:
        """Instructions that the processor has executed since power-up; ``None`` where nobody counts them, as in this process."""
        return self.firmware.instructions

    def feed(self, data: bytes) -> None:
        """Give the firmware bytes from the serial line; what its line buffer does not take now waits."""
        self._waiting += data
        self._fill()

    def poll(self) -> tuple[bytes, bool]:
        """Run one slice of the firmware's main loop; return what it sent and whether there may be more to do at once."""
        self.rest(self.clock.tick())
        self._fill()
        busy = self.firmware.poll()
        sent = self.firmware.take()
        return sent, busy or bool(sent or self._waiting)

    def rest(self, nanoseconds: int) -> None:
        """Let time pass while nothing comes from the line, all of it or until the firmware has said something."""
        if nanoseconds > 0:
            self.firmware.rest(nanoseconds)

    def reset(self, power: bool = False) -> None:
        """Pull the microcontroller's reset pin; chips and array stay as they are. ``power``: the supply fails instead."""
        if self._in_process:  # an emulated microcontroller lets go of its pins by itself
            self.bus.release()
        if power:
            self.bus.power_on()
        self.firmware.reset(RESET_POWER if power else RESET_PIN)

    def _fill(self) -> None:
        if self._waiting:
            del self._waiting[: self.firmware.feed(self._waiting)]

    def save(self) -> None:
        """Write the array to the state file, whole or not at all, if there is one and a pulse has been given since."""
        if self._state is not None and (self._pulses() != self._saved_pulses or not self._state.exists()):
            self.array.save(self._state)
            self._saved_pulses = self._pulses()

    def _pulses(self) -> int:
        return int(self.array.pulse_counts.sum())


def _array(
    device: str, seed: int | None, board: str, cells: CellFaults, around: Surroundings | None, state: Path | None
) -> SimulatedArray:
    """The array of a state file that exists, else a fresh one."""
    if around is not None and around.front_end.serial_bits:
        raise ArrayError(f"serial_bits = {around.front_end.serial_bits}: the board's firmware drives amplitudes; leave it out")
    size = load_board(board)["array"]
    rows, columns = size["rows"], size["columns"]
    if cells.stuck_cell >= rows * columns:
        raise ArrayError(f"stuck_cell = {cells.stuck_cell} of {rows} x {columns} cells: choose row x {columns} + column")
    if state is not None and state.exists():
        array = _loaded(state, device, rows, columns, around)
    else:
        array = SimulatedArray(
            rows,
            columns,
            device,
            seed,
            board,
            read_noise=cells.read_noise,
            update_noise=cells.update_noise,
            stuck=cells.stuck,
            ageing=cells.ageing,
            temperature=cells.temperature,
            **(around._asdict() if around else {}),
        )
    if cells.stuck_cell >= 0:
        array.stuck[divmod(cells.stuck_cell, columns)] = True
    return array


def _loaded(state: Path, device: str, rows: int, columns: int, around: Surroundings | None) -> SimulatedArray:
    """The array of a state file, with the switches and surroundings it was made with."""
    array = SimulatedArray.load(state)
    if (array.rows, array.columns, array.device) != (rows, columns, device):
        found = f"{array.rows} x {array.columns} cells of {array.device!r}"
        raise ArrayError(f"{state} holds {found}, not {rows} x {columns} of {device!r}; name that device or another file")
    if around is not None and around != (array.wires, array.front_end):
        raise ArrayError(f"{state} holds an array behind {array.wires} and {array.front_end}; name these, none, or another file")
    return array
