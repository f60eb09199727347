"""The wiring of a board: chip selects, pins and time on the firmware's side, the array's rows, gates and columns on the other.

Whatever a real board would suffer from (a conversion while programming, too high a voltage, a frame no chip understands) is
noted in :attr:`Bus.violations`; correct firmware leaves that list empty under every fault of the link.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fxlstm.emulator.amplifiers import Amplifiers
from fxlstm.emulator.chips import AD7606C, LTC2668, ad7606c, ltc2668
from fxlstm.emulator.clock import VirtualClock
from fxlstm.emulator.faults import ChipFaults
from fxlstm.emulator.monitor import Monitor
from fxlstm.errors import ArrayError
from fxlstm.program.hardware import load_board

SPI_NANOSECONDS_PER_BYTE = 400  # 20 MHz
PIN_NANOSECONDS = 100
SELECTOR_THRESHOLD_VOLTS = 0.5  # a column whose gate is at or below it cannot be read; which pulses act is the cells' affair
PULSE_OVERRUN = 2  # microseconds that a pulse may last longer than its limit: the edges that begin and end it
MOST_VIOLATIONS = 1000  # enough to see what is wrong

Volts = NDArray[np.float64]


class Array(Protocol):
    """What the bus needs of an array."""

    def convert(self, row_codes: NDArray[np.integer], range_index: int) -> NDArray[np.int16]:
        """Return the columns' ADC codes for one code per row."""

    def pulse(self, row_volts: Volts, gate_volts: Volts, seconds: float) -> None:
        """Pulse the cells of driven rows whose gate is open."""

    def elapse(self, seconds: float) -> None:
        """Let time pass."""


class Chip(Protocol):
    """What is at a chip select. A frame of bytes goes in while it is low; times are in nanoseconds."""

    def power_on(self) -> None:
        """Return to the power-on state."""

    def transfer(self, frame: bytes, now: int) -> bytes:
        """A whole frame: :meth:`select`, :meth:`shift` for every byte, :meth:`deselect`."""

    def select(self, now: int) -> None:
        """The chip select falls."""

    def shift(self, byte: int) -> int:
        """One byte in each direction."""

    def deselect(self, now: int) -> None:
        """The chip select rises."""


class Bus:
    """Chips and array of the board described by ``fxlstm/boards/<board>.toml``; the calls are those of ``firmware/hal/hal.h``."""

    def __init__(
        self, array: Array, board: str = "reference", clock: VirtualClock | None = None, faults: ChipFaults | None = None
    ) -> None:
        self.array = array
        self.clock = clock or VirtualClock()
        self.violations: list[str] = []
        self._board = load_board(board)
        self._faults = faults or ChipFaults()
        self._pins: dict[str, int] = self._board["pins"]
        self._pulled_up = (self._pins["load_dac"], self._pins["convert"])
        self._levels = {pin: pin in self._pulled_up for pin in self._pins.values()}
        self._row_outputs = np.zeros(self._board["array"]["rows"])
        self._gate_outputs = np.zeros(self._board["array"]["columns"])
        self._rows = self._dacs("row_dac", self._row_outputs, self._faults.dead_row, self._faults.stuck_row)
        self._gates = self._dacs("gate_dac", self._gate_outputs, self._faults.dead_gate)
        self._columns = [self._adc() for _ in range(self._board["column_adc"]["chips"])]
        self._monitor_adc = self._adc()
        self._monitor = Monitor(self._rows + self._gates, self._board, self._faults)
        self._amplifiers = Amplifiers(self._board, self._monitor, self._faults)
        self._chips = self._chip_selects()
        self._faults.check_places(
            {
                "row": len(self._row_outputs),
                "column": len(self._gate_outputs),
                "DAC": len(self._rows + self._gates),
                "chip select": len(self._chips),
            }
        )
        self._restarting = self._chips[self._faults.restart_chip] if self._faults.restart_chip >= 0 else None
        self.frames = self.pulses = 0  # of SPI, and given, so far
        self.on_reset: Callable[[bool], None] = lambda power: None  # resets the microcontroller, by its supply or its pin
        self._selected: list[int] = []
        self._cut_off = False  # what happens now is nobody's doing
        self._ranges = self._range_table()
        self._applied: tuple[Volts, Volts] | None = None
        self._applied_at = 0
        self._moved_at = 0  # when an output or a switch last moved
        self._aged_at = self.clock.now()  # until when the array's cells have lived

    def _dacs(self, section: str, outputs: Volts, dead: int, stuck: int = -1) -> list[LTC2668]:
        """The converters of one section of the board, each writing its sixteen outputs into ``outputs``."""
        size = ltc2668.CHANNELS
        return [
            LTC2668(self.report, outputs[first : first + size], frozenset((dead - first,)), frozenset((stuck - first,)))
            for first in range(0, size * self._board[section]["chips"], size)
        ]

    def _adc(self) -> AD7606C:
        return AD7606C(self.report, self._faults.bad_crc, self._faults.stuck_busy)

    def _chip_selects(self) -> list[Chip | None]:
        """The chip at each chip select."""
        chips: list[Chip | None] = [*self._rows, *self._gates, *self._columns, self._monitor_adc]
        if 0 <= self._faults.missing_chip < len(chips):
            chips[self._faults.missing_chip] = None
        return chips

    @property
    def _adcs(self) -> list[AD7606C]:
        return [*self._columns, self._monitor_adc]

    def _range_table(self) -> dict[tuple[bool, float | None], int]:
        """Front-end range by level of the gain switch and ADC range in volts; the switch is high for the smaller resistance."""
        front_end = self._board["front_end"]
        resistances, volts = front_end["transimpedance_ohms"], front_end["adc_range_volts"]
        return {(ohms < max(resistances), full): index for index, (ohms, full) in enumerate(zip(resistances, volts, strict=True))}

    def power_on(self) -> None:
        """The supply has failed for a moment: every chip starts anew."""
        for dac in self._rows + self._gates:
            dac.power_on()
        for adc in self._adcs:
            adc.power_on()
        self._follow_outputs()

    def release(self) -> None:
        """Firmware in this process is about to be reset: from now on resistors alone give its pins their levels."""
        self.clock.advance(PIN_NANOSECONDS)
        for pin in self._levels:
            if pin != self._pins["busy"]:
                self.drive(pin, None)

    # What firmware in this process calls: each call takes the time that it takes on the board.

    def transfer(self, chip: int, frame: bytes) -> bytes:
        """One SPI transfer with a chip select low throughout; returns as many bytes as were sent."""
        self.clock.advance(SPI_NANOSECONDS_PER_BYTE * len(frame))
        if not 0 <= chip < len(self._chips) or not frame:
            self.report(f"SPI: a transfer of {len(frame)} bytes to chip select {chip}; the board has 0 to {len(self._chips) - 1}")
            return b"\xff" * len(frame)
        there = self._chips[chip]
        if there is None:
            return b"\xff" * len(frame)
        answer = there.transfer(frame, self.clock.now())
        self._executed(there)
        return answer

    def pin_write(self, pin: int, high: bool) -> None:
        """Set an output pin."""
        self.clock.advance(PIN_NANOSECONDS)
        self.drive(pin, high)

    def pin_read(self, pin: int) -> bool:
        """Return the level of a pin."""
        self.clock.advance(PIN_NANOSECONDS)
        return self.level(pin)

    def microseconds(self) -> int:
        """Time since power-up; asking takes time, so a loop that waits for it ends."""
        self.clock.advance(PIN_NANOSECONDS)
        return int(self.clock.now() * (1 + self._faults.crystal_error)) // 1000 & 0xFFFFFFFF

    def delay(self, microseconds: int) -> None:
        """Wait."""
        self.clock.advance(int(1000 * microseconds / (1 + self._faults.crystal_error)))

    # The wires, which take no time: what stands at the pins of a microcontroller.

    def drive(self, pin: int, high: bool | None) -> None:
        """The level of a line has changed; ``None``: nothing drives it, so that its pull-up or pull-down does."""
        before = self._levels.get(pin)
        if before is None or pin == self._pins["busy"]:
            self.report(f"GPIO: pin {pin} is not an output of the board")
            return
        level = pin in self._pulled_up if high is None else high
        if before != level:
            self._levels[pin] = level
            self._edge(pin, level)

    def level(self, pin: int) -> bool:
        """Level of a line."""
        if pin == self._pins["busy"]:
            now = self.clock.now()
            return any(adc.busy(now) for adc in self._adcs)
        return self._levels.get(pin, False)

    def select(self, chip: int, low: bool | None) -> None:
        """The level of a chip select has changed. ``None``: its pull-up does it, as in a reset, which may well cut off a frame."""
        there = self._chips[chip]
        self._cut_off = low is None
        if low and chip not in self._selected:
            self._selected.append(chip)
            if there is not None:
                there.select(self.clock.now())
        elif not low and chip in self._selected:
            self._selected.remove(chip)
            if there is not None:
                there.deselect(self.clock.now())
                self._executed(there)
        self._cut_off = False

    def shift(self, byte: int) -> int:
        """Clock eight bits through the selected chip and return what comes back; an undriven line reads ones."""
        if len(self._selected) > 1:
            self.report(f"SPI: chip selects {self._selected} are low at once; their outputs drive the same line")
        answer = 0xFF
        for there in (self._chips[chip] for chip in self._selected):
            if there is not None:
                answer &= there.shift(byte)
        return answer

    def report(self, violation: str) -> None:
        """Note what a real board would suffer from."""
        if len(self.violations) < MOST_VIOLATIONS and not self._cut_off:
            self.violations.append(violation)

    def _executed(self, chip: Chip) -> None:
        """A frame has been executed; the outputs of a DAC may have moved."""
        self.frames += 1
        if self.frames == self._faults.reset_after_frames:
            self.on_reset(False)
        if self._restarting is not None and self._applied is not None:
            self._restart()
        if isinstance(chip, LTC2668) and chip.changed:
            chip.changed = False
            self._moved_at = self.clock.now()
            if len(self._monitor.driving()) > 1:
                self.report(f"the monitor outputs of chip selects {self._monitor.driving()} are on at once; they drive one net")
            if self._programming:
                self._follow_outputs()

    def _restart(self) -> None:
        """The supply of one chip has failed for a moment."""
        chip, self._restarting = self._restarting, None
        if chip is not None:
            chip.power_on()
            self._follow_outputs()

    @property
    def _programming(self) -> bool:
        return self._levels[self._pins["range_switch"]]

    def _edge(self, pin: int, high: bool) -> None:
        if pin == self._pins["convert"]:
            if high:
                self._convert()
        elif pin == self._pins["adc_reset"]:
            for adc in self._adcs:
                adc.reset_pin(high, self.clock.now())
        elif pin == self._pins["load_dac"]:
            for dac in self._rows + self._gates:
                dac.load_dac(not high)
                if dac.changed:
                    dac.changed = False
                    self._moved_at = self.clock.now()
            self._follow_outputs()
        elif pin in (self._pins["range_switch"], self._pins["gain_switch"], self._pins["calibrate"]):
            self._monitor.calibrating = self._levels[self._pins["calibrate"]]
            self._moved_at = self.clock.now()
            self._follow_outputs()
        if self._monitor.calibrating and (self._programming or self._gate_outputs.max() > SELECTOR_THRESHOLD_VOLTS):
            self.report("calibration with open gates or while programming: what an amplifier does not take goes through the cells")

    # Measuring.

    def _convert(self) -> None:
        """Rising CONVST: every ADC samples its eight columns."""
        if self._programming:
            self.report("a conversion with the range switch in its programming position; switch to read first")
        if self.clock.now() - self._moved_at < 1000 * self._board["settling"]["read_microseconds"]:
            self.report("a conversion before the outputs have settled; wait after LDAC and after a switch")
        self._age()
        samples, size, now = self._sample().astype(">i2").tobytes(), 2 * ad7606c.CHANNELS, self.clock.now()
        for index, adc in enumerate(self._columns):
            adc.convert(samples[size * index : size * index + size], now)
        self._monitor_adc.convert(self._monitor.samples(self._monitor_adc.range_volts), now)

    def _age(self) -> None:
        """Let the array live through the time since it was last looked at."""
        now = self.clock.now()
        self.array.elapse((now - self._aged_at) * 1e-9)
        self._aged_at = now

    def _sample(self) -> NDArray[np.int16]:
        """Codes of all columns, each in the range that its amplifier and its ADC are in."""
        high = self._levels[self._pins["gain_switch"]]
        volts = [full for adc in self._columns for full in adc.range_volts]
        row_codes = self._row_codes()
        codes = np.zeros(len(volts), np.int16)
        for full in set(volts):
            here = np.array([each == full for each in volts])
            if (high, full) in self._ranges:
                codes[here] = self.array.convert(row_codes, self._ranges[high, full])[here]
            else:
                self.report(f"a conversion with an ADC range of {full} V, which is no range of the front end")
        codes[self._gate_outputs <= SELECTOR_THRESHOLD_VOLTS] = 0
        return self._amplifiers.codes(codes, high, np.array(volts, np.float64))

    def _row_codes(self) -> NDArray[np.int64]:
        """Row codes from row voltages: 32768 is the upper end of the DAC span, attenuated to the read voltage."""
        row_dac = self._board["row_dac"]
        attenuation = 1.0 if self._programming else row_dac["read_attenuation"]
        code_volts = self._board["front_end"]["read_volts"] * attenuation / 32768
        codes = np.rint(self._row_lines() / code_volts).clip(-32768, 32767)
        return np.asarray(codes, np.int64)

    def _row_lines(self) -> Volts:
        """What the outputs of the row DACs bring to the array."""
        lines = self._row_outputs.copy()
        if self._faults.open_row >= 0:
            lines[self._faults.open_row] = 0.0
        return lines

    # Programming.

    def _follow_outputs(self) -> None:
        """The outputs may have changed: what was applied until now has been a pulse of known width."""
        applied = self._drive()
        before = self._applied
        if before is not None and applied is not None and all(map(np.array_equal, before, applied)):
            return
        now = self.clock.now()
        if before is not None:
            self._pulse(*before, (now - self._applied_at) * 1e-9)
        self._applied, self._applied_at = applied, now
        self.pulses += applied is not None
        if applied is not None and self.pulses in (self._faults.reset_after_pulses, self._faults.brown_out_after_pulses):
            self.on_reset(self.pulses == self._faults.brown_out_after_pulses)

    def _drive(self) -> tuple[Volts, Volts] | None:
        """Voltages across cells, or ``None`` where nothing is pulsed: reading, all rows at 0 V, or all gates closed."""
        lines = self._row_lines()
        if not self._programming or not lines.any() or not self._gate_outputs.any():
            return None
        return lines, self._gate_outputs.copy()

    def _pulse(self, row_volts: Volts, gate_volts: Volts, seconds: float) -> None:
        limits, volts, microseconds = self._board["limits"], np.abs(row_volts).max(), seconds * 1e6 - PULSE_OVERRUN
        if (
            volts * 1000 > limits["row_millivolts"]
            or gate_volts.max() * 1000 > limits["gate_millivolts"]
            or microseconds > limits["pulse_microseconds"]
            or volts**2 * self._board["cells"]["worst_microsiemens"] * microseconds * 1e-3 > limits["pulse_nanojoules"]
        ):
            self.report(f"a pulse of {volts:g} V for {seconds * 1e6:g} us exceeds the board's limits")
        self._age()
        try:
            self.array.pulse(row_volts, gate_volts, seconds)
        except ArrayError as error:
            self.report(str(error))
