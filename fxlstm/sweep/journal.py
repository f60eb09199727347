"""The journal of a sweep: every finished point, kept at once, in a file that is only ever appended to."""

from __future__ import annotations

import json
import os
import zlib
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from fxlstm.errors import SweepError
from fxlstm.sweep.measure import Outcome

try:
    import fcntl
except ImportError:  # Windows: two sweeps into one file are not noticed there
    fcntl = None  # type: ignore[assignment]


class Journal:
    """Finished points by their keys; a point is on the disk when :meth:`add` returns.

    A line is a CRC-32 and JSON. What follows the last whole line, as a kill or a lost supply leaves it, is cut off on opening;
    whole lines with a wrong CRC are left out. One process at a time may hold a journal.
    Raises :class:`SweepError` for a file that cannot be written, that is held, or is no journal.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.finished: dict[str, Outcome] = {}
        try:
            self._file: BinaryIO = path.open("ab+")
        except OSError as error:
            raise SweepError(f"cannot write {str(path)!r} ({error.strerror}); choose another place for the results") from None
        try:
            self._lock()
            self._read()
        except BaseException:
            self._file.close()
            raise

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SweepError(f"another sweep is writing {str(self.path)!r}; wait for it, or choose another file") from None

    def _read(self) -> None:
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b"\n") + 1
        lines = content[:whole].splitlines()
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):
                key, outcome = _parsed(line)
                self.finished[key] = outcome
        if content and not self.finished and (lines or len(content) > 65536):
            raise SweepError(f"{str(self.path)!r} is no journal of a sweep; move it away, or choose another file for the results")
        self._file.truncate(whole)

    def add(self, key: str, outcome: Outcome) -> None:
        """Keep a finished point. Raises :class:`SweepError` when the disk does not take it."""
        body = json.dumps([key, asdict(outcome)]).encode()
        try:
            self._file.write(b"%08x %b\n" % (zlib.crc32(body), body))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise SweepError(f"cannot write {str(self.path)!r} ({error.strerror}); make room and run the same again") from None
        self.finished[key] = outcome

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()


def _parsed(line: bytes) -> tuple[str, Outcome]:
    """Return what a line says. Raises :class:`ValueError`, :class:`KeyError` or :class:`TypeError` for a damaged one."""
    checksum, body = line[:8], line[9:]
    if int(checksum, 16) != zlib.crc32(body):
        raise ValueError("CRC")
    key, outcome = json.loads(body)
    return key, Outcome(**outcome)
