"""A board served to another process, on a pseudo-terminal and on TCP."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fxlstm.board.link import Link
from fxlstm.emulator.board import EmulatedBoard
from fxlstm.emulator.faults import LinkFaults
from fxlstm.emulator.link import EmulatedLink
from fxlstm.emulator.server import PtyServer, TcpServer
from fxlstm.errors import LinkError, LinkLost

SERVE = """
import sys
from fxlstm.emulator.board import EmulatedBoard
from fxlstm.emulator.clock import RealClock
from fxlstm.emulator.faults import LinkFaults
from fxlstm.emulator.link import EmulatedLink
from fxlstm.emulator.server import PtyServer, TcpServer

board = EmulatedBoard("ideal", seed=1, state=sys.argv[2] or None, clock=RealClock())
link = EmulatedLink(board, LinkFaults(disconnect_after=int(sys.argv[3])))
with (PtyServer(link, sys.argv[1]) if sys.argv[1] else TcpServer(link)) as server:
    print(server.address, flush=True)
    server.run()
print("stopped")
"""
GATES = b"\xff\x7f" * 64


@contextmanager
def served(
    symlink: str | Path = "", state: str | Path = "", disconnect_after: int = 0
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server process and the address it serves; it must end cleanly when asked to."""
    command = [sys.executable, "-c", SERVE, str(symlink), str(state), str(disconnect_after)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            assert process.stdout.read() == "stopped\n"


def pulses_and_counts(url: str) -> int:
    """Give one pulse, read it back, and return the board's count of pulses."""
    link = Link(url)
    link.request("pulse", row=2, millivolts=2500, microseconds=10, gates=GATES)
    assert set(link.request("read_conductance", row=2, rows=1, range=0, log2_reads=0)["codes"]) == {
        0x7FFF * 32767 + (1 << 17) >> 18
    }
    count: int = link.request("snapshot")["pulses"]
    link.close()
    return count


def test_pseudo_terminal_serves_host_after_host(tmp_path: Path) -> None:
    symlink = tmp_path / "board"
    with served(symlink) as (address, _):
        assert os.readlink(symlink) == address
        assert pulses_and_counts(address) == 1
        assert pulses_and_counts(str(symlink)) == 2
    assert not symlink.is_symlink()


def test_tcp_serves_host_after_host() -> None:
    with served() as (address, _):
        assert pulses_and_counts(f"socket://{address}") == 1
        assert pulses_and_counts(f"socket://{address}") == 2


def test_tcp_refuses_a_second_host_at_a_time() -> None:
    with served() as (address, _):
        first = Link(f"socket://{address}")
        host, port = address.split(":")
        with socket.create_connection((host, int(port)), timeout=5) as second:
            assert second.recv(1) == b""
        first.request("keep_alive")
        first.close()


def test_host_goes_on_when_a_served_board_is_unplugged_once() -> None:
    with served(disconnect_after=400) as (address, _):
        assert pulses_and_counts(f"socket://{address}") == 1


def test_state_is_saved_when_the_server_ends(tmp_path: Path) -> None:
    state = tmp_path / "array.npz"
    with served(state=state) as (address, _):
        pulses_and_counts(f"socket://{address}")
    assert EmulatedBoard("ideal", state=state).array.pulse_counts[2].tolist() == [1] * 64


def test_killed_server_loses_the_port_not_the_array(tmp_path: Path) -> None:
    state = tmp_path / "array.npz"
    command = [sys.executable, "-c", SERVE, str(tmp_path / "board"), str(state), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        link = Link(process.stdout.readline().strip(), reconnect=0)
        link.request("pulse", row=2, millivolts=2500, microseconds=10, gates=GATES)
        link.listen(0.1)
        process.kill()
        with pytest.raises(LinkLost):
            link.request("keep_alive")
        link.close()
    assert EmulatedBoard("ideal", state=state).array.pulse_counts[2].tolist() == [1] * 64


def test_symlink_never_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(LinkError, match="no symbolic link"):
        PtyServer(EmulatedLink(EmulatedBoard("ideal"), LinkFaults()), path)
    assert path.read_text() == "data"


def test_taken_address_is_an_error() -> None:
    link = EmulatedLink(EmulatedBoard("ideal"))
    with TcpServer(link) as server, pytest.raises(LinkError, match="another address"):
        TcpServer(link, "127.0.0.1", int(server.address.split(":")[1]))
