"""The simulated array: cells of a device preset behind the converters of a board."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.crossbar._cells import CellBlock, NativeTiles, Readings
from fxlstm.crossbar.arguments import check_size, checked_codes, chosen_seed, chosen_surroundings
from fxlstm.crossbar.calibration import CalibrationReport, calibrate
from fxlstm.crossbar.cells import Cells, IdealCells
from fxlstm.crossbar.converters import Converters
from fxlstm.crossbar.device import Device, Thresholds
from fxlstm.crossbar.front_end import FrontEnd
from fxlstm.crossbar.measuring import Measurable, check_measured, measured_conductance, measured_offsets
from fxlstm.crossbar.physical import PhysicalCells
from fxlstm.crossbar.prepared import native_tiles
from fxlstm.crossbar.programming import write
from fxlstm.crossbar.read_out import ReadOut
from fxlstm.crossbar.saved import State, put_back, read_array, write_array
from fxlstm.crossbar.standing import Standing
from fxlstm.crossbar.targets import check_program, targets_for
from fxlstm.crossbar.temperature import ROOM, Warmth
from fxlstm.crossbar.wires import Wires
from fxlstm.errors import ArrayError, BoardError
from fxlstm.program.device import load_device
from fxlstm.program.hardware import Hardware, load_board
from fxlstm.program.identity import Identity
from fxlstm.program.mapping import tiles_of
from fxlstm.program.program import Codes, Program, Tile
from fxlstm.program.programming_report import ProgrammingReport, Progress
from fxlstm.program.scheme import READ_CODE, READ_RANGE, chosen_scheme, code_siemens
from fxlstm.program.scheme_parameters import Scheme
from fxlstm.program.window import check_window


class SimulatedArray:
    """A crossbar to program, measure and multiply by, without hardware.

    ``rows`` x ``cols`` cells of preset ``device`` (``fxlstm/devices`` or one's own file ``my-device.toml``; ``"ideal"`` is exact
    in integers) behind the front end of ``board``. The same ``seed`` gives the same cells and the same noise; ``None`` draws a
    fresh one. ``read_noise``, ``update_noise``, ``stuck`` and ``ageing`` switch these imperfections off one by one.
    ``temperature`` in kelvin acts where the preset has published numbers about it; others are refused but 300.
    ``wires`` are the resistances around the cells, by default none; ``front_end`` is what is imperfect about the converters, by
    default nothing. Both act on reading and multiplying, not on pulses.
    Raises :class:`ArrayError` for an unknown preset, an impossible size or temperature, and for wires around or an imperfect front
    end before cells that are exact in integers.
    """

    def __init__(
        self,
        rows: int = 128,
        cols: int = 64,
        device: str = "ta-hfo2",
        seed: int | None = None,
        board: str = "reference",
        *,
        read_noise: bool = True,
        update_noise: bool = True,
        stuck: bool = True,
        ageing: bool = True,
        temperature: float = ROOM,
        wires: Wires | None = None,
        front_end: FrontEnd | None = None,
    ) -> None:
        check_size(rows, cols)
        preset = load_device(device)
        self.seed = chosen_seed(seed)
        self._wires, self._front_end = chosen_surroundings(preset, wires, front_end)
        self.rows, self.columns, self.device = int(rows), int(cols), device
        self.hardware = Hardware(board=board)
        self.pulse_counts = np.zeros((rows, cols), np.int64)
        self._switches = {"read_noise": read_noise, "update_noise": update_noise, "stuck": stuck, "ageing": ageing}
        self._preset, self._thresholds = preset, Thresholds.of(preset)
        self._reading_seconds = preset.get("read.time", load_board(board)["settling"]["read_microseconds"] * 1e-6)
        self._busy = 0.0  # seconds that pulses and readings have taken
        # Each use of random numbers has its own, so that one does not change another.
        for_cells, for_programming, for_reading, for_ageing = np.random.SeedSequence(self.seed).spawn(4)
        self._streams = tuple(np.random.default_rng(child) for child in (for_cells, for_programming, for_ageing))
        self._readings = Readings(for_reading.generate_state(2).tolist(), rows, cols)
        self._converters: Converters | None = None  # unless they are ideal
        self._cells: Cells
        if preset.integer:
            Warmth.of(preset, temperature)
            self._cells = IdealCells(self.hardware, rows, cols)
        else:
            cells = PhysicalCells(
                self.hardware,
                Device.of(preset, temperature),
                rows,
                cols,
                self._streams,
                self._readings,
                self._wires,
                **self._switches,
            )
            self._cells = cells
            if not self._front_end.ideal:
                self._converters = Converters(self._front_end, self.hardware, cells, self.seed)
        self._temperature = float(temperature)
        self._standing = Standing()
        self._read_out = ReadOut(self._cells, self._standing, self._readings, self._converters)

    @property
    def identity(self) -> Identity:
        """Which array this is."""
        return Identity("simulated", self.rows, self.columns, self.device, str(self.seed))

    @property
    def wires(self) -> Wires:
        """Resistances around the cells."""
        return self._wires

    @property
    def front_end(self) -> FrontEnd:
        """What is imperfect about the converters."""
        return self._front_end

    @property
    def temperature(self) -> float:
        """In kelvin."""
        return self._temperature

    @property
    def adc_clipped(self) -> int:
        """Codes that an ADC saturated since the object was made, and those that a calibration took beyond the scale; may be set."""
        return self._readings.clipped

    @adc_clipped.setter
    def adc_clipped(self, number: int) -> None:
        self._readings.clipped = number

    @property
    def conductance(self) -> NDArray[np.float64]:
        """True conductances in siemens, (rows, columns): what no measurement can know exactly."""
        return self._cells.conductance

    @property
    def written(self) -> NDArray[np.float64]:
        """True conductances in siemens, (rows, columns), as the last pulse left each cell: before any time acted on it."""
        return self._cells.written

    @property
    def stuck(self) -> NDArray[np.bool_]:
        """Cells that no pulse moves, (rows, columns); set an entry to make a cell stick where it stands."""
        return self._cells.stuck

    def read_conductance(self, exact: bool = False) -> NDArray[np.float64]:
        """Return conductances in siemens, (rows, columns), measured row by row through the converters; ``exact``: without them."""
        if exact:
            return self.conductance
        one_row_each = np.eye(self.rows, dtype=np.int16) * np.int16(READ_CODE)
        return code_siemens(self.convert(one_row_each, READ_RANGE), READ_RANGE, self.hardware)

    def program(
        self,
        target: Program | NDArray[np.uint16],
        tolerance: float | None = None,
        scheme: Scheme | str | None = None,
        progress: Progress | None = None,
        *,
        targets: NDArray[np.uint16] | None = None,
    ) -> ProgrammingReport:
        """Write a program's weights into the cells by the preset's scheme and return what became of each cell.

        ``target`` may also be a map (rows, columns) of conductance units above the scheme's base, 65535 = leave alone.
        ``targets``: a map to write in place of a program's own, see :func:`fxlstm.corrected_targets`.
        ``tolerance``: siemens, by default the preset's. ``scheme``: another way of programming, by name
        or as made by :func:`fxlstm.crossbar.programming_scheme`. ``progress`` is called with (cells dealt with, cells).
        Programs written earlier stay usable where this one leaves their cells alone (``quantize(..., taken=)``).
        Afterwards the time passes that the preset's cells are given to settle, if any. Raises :class:`ArrayError` when the program
        does not fit, and for targets outside the preset's window of conductance.
        """
        chosen = chosen_scheme(self.device, self.hardware, scheme, tolerance)
        targets = targets_for(self.rows, self.columns, self.hardware, target, targets)
        check_window(targets, chosen, self.device, self.hardware)
        busy = self._busy
        report = write(self, targets, chosen, progress)
        report = replace(report, seconds=self._busy - busy + chosen.waits)
        self.elapse(self._preset.get("programming.settle"))
        if isinstance(target, Program):
            self._standing.add(target)
            self._read_out.cells_changed()
        return report

    def elapse(self, seconds: float) -> None:
        """Let ``seconds`` pass: cells relax, decay or drift as their preset says; what nothing is published about stays.

        Programming and reading take no time but what is given here. Raises :class:`ArrayError` for a negative time or none.
        """
        if not 0 <= seconds < np.inf:
            raise ArrayError(f"elapse({seconds}): give seconds, 0 or more")
        if seconds > 0 and not self._cells.timeless:
            self._read_out.cells_changed()
            self._cells.elapse(seconds)

    def multiply_tile(self, tile: Tile, codes: Codes) -> Codes:
        """Return ADC codes (batch, tile.columns) for row codes (batch, tile.rows); the array must hold the tile's program.

        Where the columns have been calibrated, the codes are corrected. Raises :class:`ArrayError` for other tiles, and for codes
        that are not whole numbers from -32767 to 32767.
        """
        return self._read_out.multiply_tile(tile, checked_codes(codes, tile.rows))

    def native(self, tiles: Sequence[Tile]) -> NativeTiles | None:
        """Return ``tiles`` as they are now for an executor to multiply by without Python, as :meth:`multiply_tile` does.

        ``None`` where only Python can: cells that are exact in integers or not straight, and an imperfect front end.
        """
        return native_tiles(self.cell_block(tile) for tile in tiles)

    def cell_block(self, tile: Tile) -> CellBlock | None:
        """Return a tile as it is now to be read in C; ``None`` where :meth:`native` gives none."""
        return self._read_out.in_c(tile)

    def calibrate_columns(self, program: Program, vectors: int = 100) -> CalibrationReport:
        """Fit a gain and an offset per column to the exact products of random inputs, and correct codes by them from now on.

        The array must hold ``program``; programming its cells anew ends the calibration. An earlier calibration is replaced. As in
        Hu et al. 2018, one linear calibration after programming takes back what is constant: gains and offsets of amplifiers and
        ADCs, and what wires and cells lose alike in a column. The same seed gives the same test inputs.
        Raises :class:`ArrayError` for fewer than 2 vectors, and when the array does not hold the program.
        """
        base_units = self._preset.get("conductance.base") / self.hardware.conductance_unit
        found, report = calibrate(self._read_out.convert_tile, program, vectors, self.seed, base_units)
        self._read_out.correct(found)
        return report

    def multiply(self, codes: Codes, range: int = 0) -> Codes:
        """Return ADC codes (..., columns) for codes (..., rows) of all physical rows in front-end range ``range``."""
        return self.convert(checked_codes(codes, self.rows), range, serial=True)

    def convert(self, row_codes: NDArray[np.integer], range_index: int, serial: bool = False) -> Codes:
        """Drive all rows with codes (-32767..32767) as amplitudes, all gates open, and convert all columns once.

        ``serial``: bit by bit if the front end does so. With all rows at 0 V cells give neither current nor noise, and no random
        number is used: who looks at an array at rest changes no later reading.
        """
        if row_codes.shape[-1:] != (self.rows,):
            raise ArrayError(f"codes of shape {row_codes.shape}: the last axis needs one code for each of the {self.rows} rows")
        if not 0 <= range_index < self.hardware.range_count:
            raise ArrayError(f"range {range_index}: the board has ranges 0 to {self.hardware.range_count - 1}")
        self._busy += self._reading_seconds * row_codes.size / self.rows
        vectors = row_codes.reshape(-1, self.rows).astype(np.int16, copy=False)
        return self._read_out.convert(vectors, range_index, serial).reshape(*row_codes.shape[:-1], self.columns)

    def pulse(self, row_volts: NDArray[np.float64], gate_volts: NDArray[np.float64], seconds: float) -> None:
        """Give one pulse: a positive row voltage SETs, a negative one RESETs the cells of its row whose column's gate is open.

        ``row_volts``: (rows,), ``gate_volts``: (columns,). Pulses below the preset's thresholds change nothing but are counted in
        ``pulse_counts``. Raises :class:`ArrayError` for NaN and for voltages beyond the preset's limits; no cell has changed then.
        """
        if row_volts.shape != (self.rows,) or gate_volts.shape != (self.columns,):
            raise ArrayError(
                f"a pulse of {row_volts.shape} row and {gate_volts.shape} gate voltages: give {self.rows} and {self.columns}"
            )
        limits = self._thresholds
        limits.check(row_volts, gate_volts, seconds, self.device)
        selected = np.flatnonzero(gate_volts > limits.gate_closed)
        self._read_out.cells_changed()
        self._read_out.rest()
        self._busy += seconds
        for row in np.flatnonzero(row_volts).tolist():
            self.pulse_counts[row, selected] += 1
            if seconds < limits.shortest:
                continue
            moving, volts = selected[~self._cells.stuck[row, selected]], float(row_volts[row])
            if volts >= limits.set:
                self._cells.set(row, moving, volts, gate_volts[moving], seconds)
            elif volts <= -limits.reset:
                self._cells.reset(row, moving, -volts, gate_volts[moving], seconds)

    @classmethod
    def holding(
        cls, program: Program, conductance: NDArray[np.float64], device: str, seed: int = 0, seconds: float = np.inf, **options: Any
    ) -> SimulatedArray:
        """Return an array whose cells stand at ``conductance``, siemens (rows, columns), as if ``program`` had been written so.

        Cells that are NaN (not measured) stay as they were made. ``seconds``: how long ago they were written, which decides the
        noise of some presets; infinite: settled. ``options``: as of the constructor, such as ``wires``. No cell counts as stuck.
        Raises :class:`ArrayError` for cells that are exact in integers, and where the program does not fit.
        """
        conductance = np.asarray(conductance, np.float64)
        if conductance.ndim != 2 or np.isinf(conductance).any() or (conductance < -program.hardware.conductance_unit).any():
            raise ArrayError("conductances to hold: give finite siemens (rows, columns), none below 0; NaN where not known")
        rows, columns = conductance.shape
        array = cls(rows, columns, device, seed, program.hardware.board, **{"stuck": False, **options})
        if not isinstance(array._cells, PhysicalCells):
            raise ArrayError(f"cells of device {device!r} are exact in integers and hold no siemens; choose a physical device")
        check_program(program, rows, columns, array.hardware)
        array._standing.add(program)
        array._cells.stand(np.maximum(conductance, 0.0), seconds)
        return array

    @classmethod
    def from_board(
        cls, board: Measurable, program: Program | None = None, device: str | None = None, seed: int = 0, **options: Any
    ) -> SimulatedArray:
        """Return the digital twin of a board: an array with its cells as they are measured now, its gains and its columns' offsets.

        ``program``: by default the one that the board was last brought. ``device``: preset of the cells, by default the board's;
        its read noise is not added unless ``options`` say ``read_noise=True``. ``options`` may also hold ``wires``, which
        conductances measured one row at a time contain already. :func:`fxlstm.twin_of` does the same from a measurement log.
        Raises :class:`BoardError` where a cell that the program uses cannot be measured, and what :meth:`holding` raises.
        """
        program, device = program or board.loaded, device or board.identity.device
        if program is None or not device:
            raise BoardError("a twin needs the board's program and the preset of its cells: give program and device='ta-hfo2'")
        conductance = measured_conductance(board)
        check_measured(conductance, program)
        array = cls.holding(program, conductance, device, seed, **{"read_noise": False, **options})
        array.shift_columns({tile.range: measured_offsets(board, tile.range) for tile in tiles_of(program)})
        return array

    def shift_columns(self, offsets: Mapping[int, NDArray[np.float64]]) -> None:
        """Add ``offsets``, by range, in ADC codes, (columns,), to what the tiles give from now on, in place of any calibration."""
        self._read_out.shift_columns(offsets)

    def _state(self) -> dict[str, NDArray[Any]]:
        """The arrays that make up the state, by their names in a saved file."""
        driven = {} if self._converters is None else {"driven": self._converters.driven}
        return {**self._cells.saved(), "pulse_counts": self.pulse_counts, **driven}

    def _random_streams(self) -> tuple[np.random.Generator, ...]:
        """The streams that go on where they stood once an array is loaded."""
        return self._streams if self._converters is None else (*self._streams, self._converters.noise)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole state (cells, pulse counts, random streams) to a file, which is replaced as a whole or not at all."""
        about = {
            "rows": self.rows,
            "columns": self.columns,
            "device": self.device,
            "seed": self.seed,
            "board": self.hardware.board,
            "switches": self._switches,
            "temperature": self.temperature,
            "wires": asdict(self.wires),
            "front_end": asdict(self.front_end),
            "streams": [stream.bit_generator.state for stream in self._random_streams()],
            "readings": self._readings.vectors,
            **self._standing.saved(),
        }
        write_array(path, about, self._state())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SimulatedArray:
        """Return the array that :meth:`save` wrote; it goes on exactly where it stood."""
        return read_array(path, cls._restored)

    @classmethod
    def _restored(cls, about: dict[str, Any], state: State) -> SimulatedArray:
        place = about["rows"], about["columns"], about["device"], about["seed"], about["board"]
        wires, front_end = Wires(**about.get("wires", {})), FrontEnd.of(about.get("front_end", {}))
        warmth = about.get("temperature", ROOM)
        array = cls(*place, **about["switches"], temperature=warmth, wires=wires, front_end=front_end)
        for stream, stood in zip(array._random_streams(), about["streams"], strict=True):
            stream.bit_generator.state = stood
        array._readings.vectors = about["readings"]
        array._standing.restore(about)
        put_back(state, array._state())
        return array
