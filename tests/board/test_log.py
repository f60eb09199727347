"""The measurement log: nothing committed is ever lost, and a conductance can be computed from it alone."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fxlstm.board.board import Board
from fxlstm.board.log import MeasurementLog, default_path, reading_conductance
from fxlstm.errors import BoardError, FxlstmError

SESSION: dict[str, Any] = {
    "url": "emu://host",
    "board": "b",
    "serial": 1,
    "firmware": "0.1",
    "protocol_hash": 1,
    "release": "0.1.0",
    "calibration": "nominal",
    "identity": {"rows": 128},
    "board_file": "text",
}

WRITER = """
import sys
import numpy as np
from fxlstm.board.log import MeasurementLog
log = MeasurementLog(sys.argv[1])
session = log.rows("sessions")[0]["id"]
for number in range(100000):
    with log.transaction():
        for row in range(3):
            log.add("readings", session=session, kind="conductance", row=row, rows=1, columns=64, range=0, reads=1,
                    siemens_per_code=1e-9, codes=np.full(64, number % 30000, np.int16))
    print(number, flush=True)
"""


def reading(log: MeasurementLog, session: int, codes: np.ndarray[Any, Any]) -> int:
    return log.add(
        "readings",
        session=session,
        kind="conductance",
        row=0,
        rows=codes.shape[0],
        columns=codes.shape[1],
        range=0,
        reads=1,
        siemens_per_code=2e-9,
        codes=codes,
    )


def test_a_conductance_is_recomputed_from_the_log_alone(tmp_path: Path) -> None:
    codes = np.array([[100, 200, -1], [0, 32767, 5]], np.int16)
    with MeasurementLog(tmp_path / "folder" / "log.db") as log:
        reading(log, log.add("sessions", **SESSION), codes)
    with MeasurementLog(tmp_path / "folder" / "log.db", writable=False) as log:
        np.testing.assert_allclose(reading_conductance(log.rows("readings")[0]), codes * 2e-9)


def test_a_transaction_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    with MeasurementLog(tmp_path / "log.db") as log:
        session = log.add("sessions", **SESSION)
        with pytest.raises(RuntimeError), log.transaction():
            reading(log, session, np.zeros((1, 2), np.int16))
            raise RuntimeError
        assert log.rows("readings") == []


@pytest.mark.parametrize("seed", range(4))
def test_a_process_killed_at_any_moment_loses_no_committed_reading(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "log.db"
    with MeasurementLog(path) as log:
        log.add("sessions", **SESSION)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline()]
    time.sleep(random.Random(seed).uniform(0.0, 0.2))
    writer.kill()
    acknowledged += writer.stdout.readlines()
    writer.wait()
    writer.stdout.close()
    with MeasurementLog(path) as log:
        assert log._database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        readings = len(log.rows("readings"))
    assert readings in (3 * len(acknowledged), 3 * len(acknowledged) + 3)


def test_a_log_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a database, not a folder")
    for path in (tmp_path / "file" / "log.db", tmp_path / "file"):
        with pytest.raises(FxlstmError, match=r"measurement log .*file.* cannot be used: .*log=False"):
            MeasurementLog(path)


def test_looking_at_a_log_that_is_not_there_does_not_make_one(tmp_path: Path) -> None:
    with pytest.raises(FxlstmError, match=r"no measurement log .*log\.db"):
        MeasurementLog(tmp_path / "log.db", writable=False)
    assert not (tmp_path / "log.db").exists()


@pytest.mark.parametrize("writable", [True, False])
def test_a_log_with_other_tables_is_refused_whole_and_left_alone(tmp_path: Path, writable: bool) -> None:
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE campaigns (id INTEGER PRIMARY KEY, resumed INTEGER NOT NULL)")
    with pytest.raises(FxlstmError, match=r"log\.db has tables of layout 0 .*move that file away"):
        MeasurementLog(path, writable=writable)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("campaigns",)]


def test_the_default_place_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_path() == tmp_path / "fxlstm" / "measurements.db"


def test_why_a_request_failed_is_in_the_log(tmp_path: Path) -> None:
    with Board("emu://host?device=ideal&stuck_busy=1", log=tmp_path / "log.db") as board, pytest.raises(BoardError):
        board.read_conductance(rows=0)
    with MeasurementLog(tmp_path / "log.db", writable=False) as log:
        (failure,) = log.rows("failures")
    assert "an ADC stayed busy" in failure["words"]
