"""The measurement log: every reading, pulse and campaign in one SQLite file, so that a conductance can be recomputed years later.

Rows are only ever added. The file is in write-ahead mode: killing the process at any moment loses nothing that was committed and
damages nothing. ``synchronous = NORMAL`` gives exactly that without a disk flush per reading; only a power cut may
take the last commits, and even then the file stays whole.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import FxlstmError

LAYOUT = 4  # goes up with every change of the tables or of what their columns hold; SQLite keeps it in the file as user_version

# Binary columns hold little-endian integers: codes i16, gates u16, targets u16, cells the protocol's record cell_state. Of a run,
# `phases` says how many timesteps each was given and ran, in the order of the codes in `input`; `states` what stood at which arena
# index first.
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS sessions (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, url TEXT NOT NULL, board TEXT NOT NULL, serial INTEGER NOT NULL,
    firmware TEXT NOT NULL, protocol_hash INTEGER NOT NULL, release TEXT NOT NULL, calibration TEXT NOT NULL,
    identity TEXT NOT NULL, board_file TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS readings (
    id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES sessions, time REAL NOT NULL, kind TEXT NOT NULL,
    row INTEGER NOT NULL, rows INTEGER NOT NULL, columns INTEGER NOT NULL, range INTEGER NOT NULL, reads INTEGER NOT NULL,
    siemens_per_code REAL NOT NULL, input BLOB, codes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS pulses (
    id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES sessions, time REAL NOT NULL,
    row INTEGER NOT NULL, millivolts INTEGER NOT NULL, microseconds INTEGER NOT NULL, gates BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS pulse_answers (
    pulse INTEGER PRIMARY KEY REFERENCES pulses, time REAL NOT NULL, shots INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS campaigns (
    id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES sessions, time REAL NOT NULL,
    target_crc INTEGER NOT NULL, rows INTEGER NOT NULL, columns INTEGER NOT NULL,
    scheme TEXT NOT NULL, target BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS campaign_results (
    campaign INTEGER PRIMARY KEY REFERENCES campaigns, time REAL NOT NULL, resumed INTEGER NOT NULL, status TEXT NOT NULL,
    cells BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES sessions, time REAL NOT NULL, program_crc INTEGER NOT NULL,
    on_array INTEGER NOT NULL, timesteps INTEGER NOT NULL, phases TEXT NOT NULL, states TEXT NOT NULL,
    input BLOB NOT NULL, codes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS failures (
    id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES sessions, time REAL NOT NULL, words TEXT NOT NULL);
PRAGMA user_version = {LAYOUT};
COMMIT;
"""


def default_path() -> Path:
    """Where measurements are kept when no path is given: ``$XDG_DATA_HOME/fxlstm/measurements.db``."""
    folder = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(folder) / "fxlstm" / "measurements.db"


class MeasurementLog:
    """The log file at ``path``, made with its folder when it is not there; ``writable=False`` only looks.

    Writers return the id of the row they added. Raises :class:`FxlstmError` when the file cannot be used.
    """

    def __init__(self, path: Path | str, writable: bool = True) -> None:
        self.path = Path(path)
        self._remedy = "give another path, or log=False to keep none" if writable else "give another path"
        if not writable and not self.path.exists():
            raise FxlstmError(f"there is no measurement log {self.path}; boards write one as they measure, or give another path")
        with self._explained():
            if writable:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={'rwc' if writable else 'ro'}", uri=True, isolation_level=None
            )
        try:
            with self._explained():
                self._database.row_factory = sqlite3.Row
                if writable:
                    self._database.execute("PRAGMA journal_mode = WAL")
                    self._database.execute("PRAGMA synchronous = NORMAL")
                    if not self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                        self._database.executescript(_SCHEMA)
                self._check_layout()
        except FxlstmError:
            self._database.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> MeasurementLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_layout(self) -> None:
        (layout,) = self._database.execute("PRAGMA user_version").fetchone()
        if layout != LAYOUT:
            raise FxlstmError(
                f"the measurement log {self.path} has tables of layout {layout} and this release of fxlstm writes and reads "
                f"layout {LAYOUT}; move that file away, or give another path"
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything added inside at once, or nothing of it."""
        with self._explained(), self._database:
            self._database.execute("BEGIN")
            yield

    def add(self, table: str, **values: Any) -> int:
        """Add a row, stamped with the time; arrays are stored as their little-endian bytes, dictionaries and lists as JSON."""
        stored = {"time": time.time()} | {name: _stored(value) for name, value in values.items()}
        statement = f"INSERT INTO {table} ({', '.join(stored)}) VALUES ({', '.join('?' * len(stored))})"
        with self._explained():
            return int(self._database.execute(statement, tuple(stored.values())).lastrowid or 0)

    def rows(self, table: str, **equal: int) -> list[dict[str, Any]]:
        """Return the rows of a table in the order they were added, those where the named columns have these values."""
        where = " AND ".join(f"{name} = ?" for name in equal) or "1"
        with self._explained():
            found = self._database.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY rowid", tuple(equal.values()))
            return [dict(row) for row in found]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Give errors of the file words."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise FxlstmError(f"the measurement log {self.path} cannot be used: {error}; {self._remedy}") from error


def open_log(log: Path | str | bool | None) -> MeasurementLog | None:
    """Open the log at a path, by default :func:`default_path`; ``False`` is none."""
    if log is False:
        return None
    return MeasurementLog(default_path() if log is None or log is True else log)


def _stored(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes()
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


def reading_codes(reading: dict[str, Any]) -> NDArray[np.int16]:
    """The ADC codes (rows, columns) of a row of ``readings``."""
    return np.frombuffer(reading["codes"], "<i2").reshape(reading["rows"], reading["columns"]).astype(np.int16)


def reading_conductance(reading: dict[str, Any]) -> NDArray[np.float64]:
    """The conductances in siemens (rows, columns) of a row of ``readings`` of kind "conductance"."""
    return reading_codes(reading).astype(np.float64) * float(reading["siemens_per_code"])
