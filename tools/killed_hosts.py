#!/usr/bin/env python3
"""A host process is killed amid its work on a board, and a new process goes on where it stood.

The board is emulated here and served on TCP in real time; both hosts are processes of their own. Run as a program, this file is
such a host: ``tools/killed_hosts.py URL`` does the work of a trial and exits with 0 when all numbers are right.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

from fxlstm.emulator.board import EmulatedBoard
from fxlstm.emulator.clock import RealClock
from fxlstm.emulator.link import EmulatedLink
from fxlstm.emulator.server import TcpServer
from reliability import CELLS, Trial, in_place, unharmed, use


def killed_after(frames: int) -> Trial:
    """A trial whose first host is killed when the board has had so many SPI frames. ``reasons``: how far it had come."""
    board = EmulatedBoard("ideal", clock=RealClock())
    trial = Trial(f"frames={frames}")
    with TcpServer(EmulatedLink(board)) as server:
        first = _host(server)
        server.run(lambda: board.bus.frames >= frames or first.poll() is not None)
        first.kill()
        assert first.wait() == -signal.SIGKILL, "the host ended before it could be killed"
        right, pulses = in_place(board), board.array.pulse_counts.copy()
        trial.reasons.append(_progress(int(right.sum())))
        second = _host(server)
        server.run(lambda: second.poll() is not None)
    trial.right = second.returncode == 0
    trial.repeated = int((board.array.pulse_counts - pulses)[right].sum())
    trial.violations = len(board.bus.violations)
    return trial


def _host(server: TcpServer) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, __file__, f"socket://{server.address}"])


def _progress(done: int) -> str:
    return f"killed with {done} of {len(CELLS)} cells in place"


def each_killed(moments: Sequence[int]) -> Callable[[], Iterator[Trial]]:
    """Trials with a kill at each of these moments."""
    return lambda: map(killed_after, moments)


def followed(trials: Sequence[Trial]) -> str:
    """Every second host ends with the right numbers; some of the first ones were killed with a part of the cells in place."""
    for trial in trials:
        assert trial.right and unharmed(trial), trial
    seen = {reason for trial in trials for reason in trial.reasons}
    assert seen & {_progress(done) for done in range(1, len(CELLS))}, seen
    return "all exact; a new process went on"


if __name__ == "__main__":
    _, right = use(sys.argv[1])
    sys.exit(0 if right else 1)
