"""The board's verbs in its own units: codes, millivolts, microseconds. Limits are checked before sending, readings are logged."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm import __version__
from fxlstm.board.link import Link
from fxlstm.board.log import MeasurementLog
from fxlstm.board.messages import records
from fxlstm.board.protocol import (
    CAMPAIGN_STATES,
    CLOCKS,
    MAX_LOG2_READS,
    MAX_PAYLOAD,
    PROTOCOL_HASH,
    RESET_REASONS,
    SELFTEST_CHIP_KINDS,
)
from fxlstm.errors import BoardError, from_status
from fxlstm.program.hardware import Hardware, load_board
from fxlstm.program.program import Codes
from fxlstm.program.scheme import code_siemens
from fxlstm.status import BY_CODE, STATUSES

_STATUS = {status.symbol: status.code for status in STATUSES}
_RESET_REASONS = {code: name for name, code in RESET_REASONS.items()}


@dataclass(frozen=True)
class BoardInfo:
    """Who the board is and what it allows, in SI units. ``device`` is the preset of its cells, as far as the host was told."""

    kind: str
    url: str
    name: str
    serial: str
    firmware: str
    protocol_hash: int
    rows: int
    columns: int
    device: str
    reset_reason: str
    program_capacity: int
    working_capacity: int
    row_volts: float
    gate_volts: float
    pulses_per_cell: int
    pulse_seconds: float
    pulse_joules: float
    silence_seconds: float


@dataclass(frozen=True)
class ChipResult:
    """What the self-test found of one chip: ``status`` 0 and ``words`` "done" when it is well; ``detail`` is what was read."""

    kind: str
    index: int
    status: int
    detail: int
    words: str


def board_info(identity: dict[str, Any], url: str, device: str) -> BoardInfo:
    """Return an answer to ``identify`` in SI units and words."""
    reason = identity["reset_reason"]
    return BoardInfo(
        kind="board",
        url=url,
        name=identity["name"].decode(errors="replace"),
        serial=str(identity["serial"]),
        firmware=f"{identity['firmware_major']}.{identity['firmware_minor']}",
        protocol_hash=identity["protocol_hash"],
        rows=identity["rows"],
        columns=identity["columns"],
        device=device,
        reset_reason=_RESET_REASONS.get(reason, f"unknown ({reason})"),
        program_capacity=identity["program_capacity"],
        working_capacity=identity["working_capacity"],
        row_volts=identity["row_millivolts"] / 1000,
        gate_volts=identity["gate_millivolts"] / 1000,
        pulses_per_cell=identity["pulses_per_cell"],
        pulse_seconds=identity["pulse_microseconds"] / 1e6,
        pulse_joules=identity["pulse_nanojoules"] / 1e9,
        silence_seconds=identity["silence_milliseconds"] / 1e3,
    )


def hardware_of(info: BoardInfo) -> Hardware:
    """Return the hardware that the board's own name stands for in ``fxlstm/boards``."""
    for entry in (files("fxlstm") / "boards").iterdir():
        name = entry.name.removesuffix(".toml")
        if entry.name != name and load_board(name)["name"] == info.name:
            hardware = Hardware(board=name)
            if (hardware.rows, hardware.columns) == (info.rows, info.columns):
                return hardware
    raise BoardError(
        f"the board on {info.url} calls itself {info.name!r} with {info.rows} x {info.columns} cells, which no file in "
        "fxlstm/boards describes; add its wiring there"
    )


def rows_per_reading(columns: int) -> int:
    """Return how many rows of an array one request reads."""
    return MAX_PAYLOAD // (2 * columns) - 1


class Driver:
    """Verbs of one open board. ``log`` may be ``None``; otherwise every reading and pulse is in it before its value is returned."""

    def __init__(self, link: Link, info: BoardInfo, log: MeasurementLog | None) -> None:
        self.link = link
        self.info = info
        self.hardware = hardware_of(info)
        self.log = log
        self.session = self._log_session() if log else 0
        if log:
            link.on_failure = self._log_failure

    def read(self, rows: Iterable[int], range_index: int, log2_reads: int) -> dict[int, Codes]:
        """Return the ADC codes of the columns for each row asked for, averaged over ``2**log2_reads`` conversions."""
        self._check_range(range_index)
        if not 0 <= log2_reads <= MAX_LOG2_READS:
            raise BoardError(f"{2**log2_reads} conversions to average: choose a power of two from 1 to {2**MAX_LOG2_READS}")
        blocks = list(
            _blocks(sorted({self._checked(row, self.info.rows, "row") for row in rows}), rows_per_reading(self.info.columns))
        )
        fields = [{"row": row, "rows": count, "range": range_index, "log2_reads": log2_reads} for row, count in blocks]
        answers = self.link.requests([("read_conductance", block) for block in fields])
        codes = [answer["codes"].reshape(count, self.info.columns) for answer, (_, count) in zip(answers, blocks, strict=True)]
        self._log_readings(
            {"kind": "conductance", "row": row, "range": range_index, "reads": 2**log2_reads, "codes": block}
            for (row, _), block in zip(blocks, codes, strict=True)
        )
        return {row + index: line for (row, _), block in zip(blocks, codes, strict=True) for index, line in enumerate(block)}

    def multiply(self, row_codes: Codes, range_index: int) -> Codes:
        """Drive all rows with codes (batch, rows), measure all columns (batch, columns)."""
        self._check_range(range_index)
        answers = self.link.requests([("multiply", {"range": range_index, "codes": codes}) for codes in row_codes])
        results = np.array([answer["codes"] for answer in answers], np.int16).reshape(len(row_codes), self.info.columns)
        self._log_readings(
            {"kind": "multiply", "row": 0, "range": range_index, "reads": 1, "input": driven, "codes": measured[None]}
            for driven, measured in zip(row_codes, results, strict=True)
        )
        return results

    def pulse(self, row: int, millivolts: int, microseconds: int, gates: NDArray[np.uint16]) -> int:
        """Give one pulse to a row's cells whose gate code is not 0; return the board's count of shots. Logged before it goes."""
        self._checked(row, self.info.rows, "row")
        self._check_pulse(millivolts / 1000, microseconds / 1e6)
        pulse = {"row": row, "millivolts": millivolts, "microseconds": microseconds}
        logged = self.log.add("pulses", session=self.session, gates=gates, **pulse) if self.log else 0
        shots = int(self.link.request("pulse", gates=gates.astype("<u2").tobytes(), **pulse)["pulses"])
        if self.log:
            self.log.add("pulse_answers", pulse=logged, shots=shots)
        return shots

    def log_run(
        self,
        program_crc: int,
        on_array: bool,
        inputs: Sequence[Codes],
        timesteps: Sequence[int],
        initial: Mapping[int, Codes],
        outputs: Codes,
    ) -> None:
        """Record a sequence that the board has run: codes in and out of its phases, the states put in first, and which image."""
        if self.log:
            run = {"program_crc": program_crc, "on_array": on_array, "timesteps": sum(timesteps)}
            phases = [{"given": len(codes), "timesteps": count} for codes, count in zip(inputs, timesteps, strict=True)]
            states = {str(start): codes.tolist() for start, codes in initial.items()}
            codes_in = np.concatenate([codes.ravel() for codes in inputs])
            self.log.add("runs", session=self.session, input=codes_in, codes=outputs, phases=phases, states=states, **run)

    def selftest(self) -> list[ChipResult]:
        """Check every chip on the board."""
        names = {code: name for name, code in SELFTEST_CHIP_KINDS.items()}
        results = []
        for chip in records("chip_result", self.link.request("selftest")["chips"]):
            kind, index, status, detail = (int(value) for value in chip)
            words = BY_CODE[status].words if status in BY_CODE else f"status {status}; update fxlstm"
            results.append(ChipResult(names.get(kind, f"kind {kind}"), index, status, detail, words))
        return results

    def measure_outputs(self, chip: int, codes: NDArray[np.integer], log2_reads: int) -> NDArray[np.float64]:
        """Put DAC codes on the outputs of the DAC at a chip select and return the volts that its monitor output shows of each."""
        fields = {"chip": chip, "log2_reads": log2_reads, "outputs": codes.astype("<u2").tobytes()}
        return self._monitor_volts(self.link.request("measure_outputs", **fields)["codes"])

    def measure_amplifiers(self, row: int, code: int, range_index: int, log2_reads: int) -> tuple[float, float, Codes]:
        """Give all amplifiers a current from a row's DAC output; return the volts of the monitor net and of the calibration bus,
        and the ADC codes of the columns.
        """
        answer = self.link.request("measure_amplifiers", row=row, code=code, range=range_index, log2_reads=log2_reads)
        net, bus = self._monitor_volts(np.array([answer["net"], answer["bus"]]))
        return float(net), float(bus), answer["codes"]

    def _monitor_volts(self, codes: NDArray[np.integer]) -> NDArray[np.float64]:
        volts = float(load_board(self.hardware.board)["monitor_adc"]["range_volts"])
        return codes.astype(np.float64) * (volts / 32768)

    def snapshot(self) -> dict[str, Any]:
        """Return state and counters of the board."""
        answer = self.link.request("snapshot")
        states = {code: name for name, code in CAMPAIGN_STATES.items()}
        return answer | {"campaign_state": states.get(answer["campaign_state"], "unknown"), "safe_idle": bool(answer["safe_idle"])}

    @cached_property
    def start_report(self) -> dict[str, Any]:
        """How the board has come to run: its clock, the first chip that failed, the last fault of its processor."""
        answer = self.link.request("start_report")
        clocks = {code: name for name, code in CLOCKS.items()}
        status = BY_CODE.get(answer["start_status"])
        words = status.words if status else f"unknown ({answer['start_status']})"
        return answer | {"clock": clocks.get(answer["clock"], "unknown"), "start_status": words}

    def safe_idle(self) -> None:
        """Bring all outputs to 0 V; a running campaign stops."""
        self.link.request("safe_idle")

    def _checked(self, index: int, count: int, what: str) -> int:
        if not 0 <= index < count:
            raise from_status(_STATUS["RANGE"], f"{what} {index} of a board with {count} {what}s")
        return int(index)

    def _check_range(self, range_index: int) -> None:
        self._checked(range_index, self.hardware.range_count, "range")

    def _check_pulse(self, volts: float, seconds: float) -> None:
        """Refuse what the board would refuse, before it is asked."""
        if not abs(volts) <= self.info.row_volts:
            raise from_status(_STATUS["LIMIT_VOLTAGE"], f"a row voltage of {volts:g} V, limit {self.info.row_volts:g} V")
        if seconds <= 0:
            raise BoardError(f"a pulse of {seconds:g} s: choose at least one microsecond")
        if seconds > self.info.pulse_seconds:
            raise from_status(_STATUS["LIMIT_WIDTH"], f"a pulse of {seconds:g} s, limit {self.info.pulse_seconds:g} s")
        worst_siemens = 1e-6 * float(load_board(self.hardware.board)["cells"]["worst_microsiemens"])
        joules = volts**2 * worst_siemens * seconds
        if joules > self.info.pulse_joules * (1 + 1e-9):
            pulse = f"a pulse of {volts:g} V for {seconds:g} s, {joules:g} J"
            raise from_status(_STATUS["LIMIT_ENERGY"], f"{pulse}, limit {self.info.pulse_joules:g} J")

    def _log_session(self) -> int:
        assert self.log is not None
        board_file = (Path(str(files("fxlstm"))) / "boards" / f"{self.hardware.board}.toml").read_text()
        return self.log.add(
            "sessions",
            url=self.info.url,
            board=self.info.name,
            serial=int(self.info.serial),
            firmware=self.info.firmware,
            protocol_hash=PROTOCOL_HASH,
            release=__version__,
            calibration=f"nominal-{zlib.crc32(board_file.encode()):08x}",
            identity=self.link.identity | {"name": self.info.name},
            board_file=board_file,
        )

    def _log_failure(self, words: str) -> None:
        if self.log:
            self.log.add("failures", session=self.session, words=words)

    def _log_readings(self, readings: Iterable[dict[str, Any]]) -> None:
        if not self.log:
            return
        with self.log.transaction():
            for reading in readings:
                rows, columns = reading["codes"].shape
                unit = float(code_siemens(np.ones((), np.int16), reading["range"], self.hardware))
                self.log.add("readings", session=self.session, rows=rows, columns=columns, siemens_per_code=unit, **reading)


def _blocks(rows: list[int], most: int) -> Iterable[tuple[int, int]]:
    """Cut sorted row numbers into runs of neighbours, (first, count), none longer than ``most``."""
    first = 0
    for index in range(1, len(rows) + 1):
        if index == len(rows) or rows[index] != rows[index - 1] + 1 or index - first == most:
            yield rows[first], index - first
            first = index
