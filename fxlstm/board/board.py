"""The board as a Python object, in volts, siemens and network inputs; the verbs are those of a simulated array."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.board.array_check import CheckReport, check_array
from fxlstm.board.campaign import CampaignReport, run_campaign
from fxlstm.board.driver import BoardInfo, ChipResult, Driver, board_info
from fxlstm.board.held import HeldProgram
from fxlstm.board.link import Link, Trace
from fxlstm.board.log import open_log
from fxlstm.board.progress import ProgressOption, shown
from fxlstm.errors import ArrayError, BoardError
from fxlstm.program.formats import CODE_MAX
from fxlstm.program.hardware import Hardware
from fxlstm.program.identity import Identity
from fxlstm.program.mapping import checked_targets, target_map
from fxlstm.program.pairs import converted_columns, row_codes, tile_codes
from fxlstm.program.program import Codes, Program, Tile
from fxlstm.program.running.generation import RunPhases, generate
from fxlstm.program.running.sequences import run_phases, run_sequences, run_values
from fxlstm.program.scheme import chosen_scheme, code_siemens, gate_codes
from fxlstm.program.scheme_parameters import Scheme
from fxlstm.program.window import check_window

_RECONNECTS = 10


class _Runner(NamedTuple):
    """The program that a board holds, and how it is run."""

    program: Program
    run_phases: RunPhases


class Board:
    """A measurement board at a port: ``/dev/ttyACM0``, ``socket://host:port``, or without hardware ``emu://host?device=ta-hfo2``.

    Use it with ``with``: on leaving, all outputs are at 0 V. ``device`` names the preset of the board's cells, which
    :meth:`program` needs; an ``emu://`` URL says it itself. ``log``: path of the measurement log, by default
    ``~/.local/share/fxlstm/measurements.db``; ``False`` keeps none. ``reconnect``: open a lost port again and go on.
    ``trace`` is called with "sent" or "received" and the bytes on the wire.

    Raises :class:`LinkError` for a port that is absent, busy, silent, or has other firmware; every verb raises
    :class:`LinkLost` when the board is gone and :class:`BoardError` when it refuses.
    """

    def __init__(
        self,
        url: str,
        *,
        device: str | None = None,
        log: str | Path | bool | None = None,
        reconnect: bool = True,
        trace: Trace | None = None,
    ) -> None:
        self._log = open_log(log)
        try:
            self._link = Link(url, reconnect=_RECONNECTS if reconnect else 0, trace=trace)
        except BaseException:
            self._close_log()
            raise
        try:
            self.info: BoardInfo = board_info(self._link.identity, url, device or _device_of(url))
            self._driver = Driver(self._link, self.info, self._log)
            self._held = HeldProgram(self._driver)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Board:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Bring the board to safe idle, if it can be reached, and free the port; never fails."""
        self._link.close(last_request="safe_idle")
        self._close_log()

    @property
    def identity(self) -> Identity:
        """Which array this is, as for every array; :attr:`info` says more."""
        return Identity("board", self.info.rows, self.info.columns, self.info.device, self.info.serial)

    @property
    def hardware(self) -> Hardware:
        """Converters, ranges and size of the board."""
        return self._driver.hardware if self._held.loaded is None else self._held.loaded.hardware

    @property
    def log_path(self) -> Path | None:
        """Where readings and pulses are logged."""
        return self._log.path if self._log else None

    @property
    def loaded(self) -> Program | None:
        """The program that was last brought to the board by this object, if any."""
        return self._held.loaded

    def snapshot(self) -> dict[str, Any]:
        """Return everything the board says of itself: identity, limits, start, state, counters; plain values, ready for JSON."""
        return asdict(self.info) | self._driver.start_report | self._driver.snapshot()

    def selftest(self) -> list[ChipResult]:
        """Check every converter chip on the board; outputs stay at 0 V. A chip is well when its ``status`` is 0."""
        return self._driver.selftest()

    def check_array(self) -> CheckReport:
        """Measure what chips cannot say of themselves, with no more than the read voltage at the array.

        Every DAC output through its chip's monitor output, every amplifier by a known current, then the array row by row.
        The report's ``findings`` say what is wrong, by chip and channel: outputs that are dead or stuck, amplifiers with a wrong
        gain or offset, lines of the array that are open, cells open and shorted.
        """
        return check_array(self._driver)

    def safe_idle(self) -> None:
        """Bring all rows and gates to 0 V; a running campaign stops and can be resumed."""
        self._driver.safe_idle()

    def program(
        self,
        program: Program | NDArray[np.uint16],
        progress: ProgressOption = None,
        scheme: Scheme | str | None = None,
        tolerance: float | None = None,
        *,
        targets: NDArray[np.uint16] | None = None,
    ) -> CampaignReport:
        """Write a network onto the array, cell by cell until each is within tolerance, and make the board ready to run it.

        ``program`` may also be a target map: uint16 (rows, columns), conductance units above the scheme's base, 65535 leaves a cell
        alone. ``targets``: a map to write in place of a program's own, see :func:`fxlstm.compensated_targets`.
        ``tolerance``: accepted error in siemens; ``scheme``: how to pulse, by name or as made by
        :func:`fxlstm.crossbar.programming_scheme`; both by default from the device preset.
        ``progress``: ``True`` for a bar on a terminal, or a function told (cells done, cells). Cells in tolerance are skipped,
        and a campaign that was cut off is resumed, by this process or another. Returns what became of every cell.
        Raises :class:`ProgramError` for a program made for other hardware, :class:`ArrayError` for targets outside the preset's
        window and for a scheme that it lacks numbers for, :class:`BoardError` for one beyond the board's limits.
        """
        chosen = self._scheme(scheme, tolerance)
        if isinstance(program, Program):
            self._held.check_fits(program)
            wanted = target_map(program) if targets is None else checked_targets(targets, self.info.rows, self.info.columns)
            self.load(program)
        elif targets is None:
            wanted = checked_targets(program, self.info.rows, self.info.columns)
        else:
            raise ArrayError("targets beside a target map: give the program that they belong to, or the one map")
        if self.info.device:
            check_window(wanted, chosen, self.info.device, self._driver.hardware)
        with shown(progress, "programming") as tell:
            return run_campaign(self._driver, wanted, chosen, tell)

    def load(self, program: Program) -> None:
        """Bring a program to the board without touching the array, whose cells may hold its weights already.

        Nothing is sent when the board holds it: from before, or because its firmware was built with it.
        """
        self._held.bring(program)

    def run(
        self,
        x: ArrayLike,
        lengths: ArrayLike | None = None,
        states: Mapping[str, ArrayLike] | None = None,
        times: ArrayLike | None = None,
        *,
        on_array: bool = True,
    ) -> NDArray[np.float64]:
        """Run the network on the board, sequence after sequence; arguments, result and errors as of :meth:`fxlstm.Engine.run`.

        ``on_array=False`` lets the board compute with the program's integers, without the array.
        """
        return run_values(self._held.needed, x, lengths, states, times, partial(self.run_codes, on_array=on_array))

    def generate(
        self,
        x: ArrayLike,
        steps: int,
        start: ArrayLike | None = None,
        lengths: ArrayLike | None = None,
        *,
        on_array: bool = True,
    ) -> NDArray[np.float64]:
        """Return outputs that are fed back as inputs, as :meth:`fxlstm.Engine.generate`; ``on_array`` as of :meth:`run`."""
        runner = _Runner(self._held.needed, partial(self.run_phases, on_array=on_array))
        return generate(runner, x, steps, start, lengths)

    def run_codes(
        self,
        codes: Codes,
        lengths: ArrayLike | None = None,
        states: Mapping[str, ArrayLike] | None = None,
        *,
        on_array: bool = True,
    ) -> Codes:
        """Run as :meth:`run`, with input and output as int16 codes."""
        return run_sequences(self._held.needed, codes, lengths, states, partial(self._held.run, on_array=on_array))

    def run_phases(
        self,
        inputs: Sequence[Codes],
        timesteps: Sequence[int],
        initial: Mapping[int, Codes] | None = None,
        *,
        on_array: bool = True,
    ) -> Codes:
        """Run every phase from reset, as :meth:`fxlstm.Engine.run_phases`; ``on_array`` as of :meth:`run`."""
        return run_phases(self._held.needed, inputs, timesteps, initial, partial(self._held.run, on_array=on_array))

    def states(self) -> dict[str, NDArray[np.float64]]:
        """Return the values, (length,), of every state as the last sequence left it, by the names ``layer/state``."""
        return self._held.states()

    def read_conductance(
        self,
        rows: int | slice | Iterable[int] | None = None,
        columns: int | slice | Iterable[int] | None = None,
        range: int = 0,
        reads: int = 1,
    ) -> NDArray[np.float64]:
        """Measure conductances: siemens, (rows, columns) of the whole array, NaN where not measured or beyond the range.

        ``rows`` and ``columns`` choose a part: a number, a slice or several numbers. ``range``: front-end range, 0 the finest.
        ``reads``: conversions to average, a power of two up to 256.
        """
        log2_reads = int(reads).bit_length() - 1
        if reads < 1 or reads != 1 << log2_reads:
            raise BoardError(f"reads = {reads}: choose a power of two from 1 to 256")
        wanted = _chosen(columns, self.info.columns, "column")
        conductance = np.full((self.info.rows, self.info.columns), np.nan)
        for row, codes in self._driver.read(_chosen(rows, self.info.rows, "row"), range, log2_reads).items():
            siemens = np.where(codes == CODE_MAX, np.nan, code_siemens(codes, range, self.hardware))
            conductance[row, wanted] = siemens[wanted]
        return conductance

    def multiply(self, codes: Codes, range: int = 0) -> Codes:
        """Drive all physical rows with codes (rows,) or (batch, rows); return ADC codes (columns,) or (batch, columns)."""
        codes = np.asarray(codes)
        if codes.dtype != np.int16 or codes.ndim not in (1, 2) or codes.shape[-1] != self.info.rows:
            raise ArrayError(
                f"row codes of shape {codes.shape}, {codes.dtype}: give int16 (..., {self.info.rows}), one per physical row"
            )
        results = self._driver.multiply(np.atleast_2d(codes), range)
        return results if codes.ndim == 2 else results[0]

    def multiply_tile(self, tile: Tile, codes: Codes) -> Codes:
        """Multiply row codes (batch, tile.rows) by one tile of the program; returns ADC codes (batch, tile.columns)."""
        pairing = self._held.needed.hardware.pairing
        converted = self._driver.multiply(row_codes(tile, pairing, codes, self.info.rows), tile.range)
        return tile_codes(converted[:, converted_columns(tile, pairing)], pairing)[0]

    def pulse(self, row: int, volts: float, seconds: float, gates: ArrayLike) -> None:
        """Give one pulse to cells of a row. It cannot be undone; it is given exactly once.

        ``volts`` on the row: positive SETs, negative RESETs. ``gates``: volts per column, or one value for all; 0 leaves
        a column's cell alone. Raises :class:`BoardError` for anything beyond the board's limits, before anything is sent.
        """
        gate_volts = np.broadcast_to(np.asarray(gates, np.float64), (self.info.columns,))
        if not ((gate_volts >= 0) & (gate_volts <= self.info.gate_volts)).all():
            raise BoardError(f"gates of {gate_volts.min():g} to {gate_volts.max():g} V: choose 0 to {self.info.gate_volts:g} V")
        if not (np.isfinite(volts) and np.isfinite(seconds)):
            raise BoardError(f"a pulse of {volts} V for {seconds} s: give finite numbers")
        codes = np.clip(gate_codes(gate_volts, self.hardware), 0, 65535).astype(np.uint16)
        self._driver.pulse(row, round(volts * 1000), round(seconds * 1e6), codes)

    def _scheme(self, scheme: Scheme | str | None, tolerance: float | None) -> Scheme:
        if not self.info.device and not isinstance(scheme, Scheme):
            raise BoardError(
                f"the cells of the board on {self.info.url} are not known, so nothing can be programmed; "
                "name their preset: Board(url, device='ta-hfo2'), fxlstm ... --device ta-hfo2, or give a scheme"
            )
        return chosen_scheme(self.info.device, self._driver.hardware, scheme, tolerance)

    def _close_log(self) -> None:
        if self._log:
            self._log.close()


def _device_of(url: str) -> str:
    """The device preset that an ``emu://`` URL asks for, or its default; "" for other ports."""
    parts = urlsplit(url)
    return parse_qs(parts.query).get("device", ["ta-hfo2"])[-1] if parts.scheme == "emu" else ""


def _chosen(choice: int | slice | Iterable[int] | None, count: int, what: str) -> list[int]:
    """Return the numbers that a choice of rows or columns means; :class:`BoardError` outside 0..count-1."""
    if choice is None or isinstance(choice, slice):
        return list(range(count)[choice or slice(None)])
    numbers = [int(choice)] if isinstance(choice, int | np.integer) else [int(number) for number in choice]
    for number in numbers:
        if not 0 <= number < count:
            raise BoardError(f"{what} {number} of a board with {count} {what}s: choose 0 to {count - 1}")
    return numbers
