"""Serve an emulated board to other processes: on a pseudo-terminal that looks like a serial port, or on a TCP port.

    with PtyServer(link, "/tmp/board") as server:
        print(server.address)
        server.run()

Time is real. SIGINT and SIGTERM end :meth:`Server.run`; the array goes to its state file then and whenever the board
comes to rest.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from fxlstm.emulator.faults import Unplugged
from fxlstm.emulator.link import EmulatedLink
from fxlstm.errors import LinkError

IDLE_SECONDS = 0.002  # how often an idle board's main loop runs
CHUNK = 4096
MOST_UNSENT = 1 << 16  # bytes kept for a host that does not read; more are lost, as on a serial line


class Server:
    """What both servers do: move bytes between hosts and ``link``, run the board, stop cleanly."""

    address: str

    def __init__(self, link: EmulatedLink) -> None:
        self.link = link
        self._unsent = b""
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def stop(self) -> None:
        """End :meth:`run` soon; may be called from a signal handler or another thread."""
        self._stopped = True

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Serve until :meth:`stop`, SIGINT or SIGTERM, or until ``until()`` is true. To be called in the main thread."""
        handlers = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            working = True
            while not (self._stopped or until()):
                working = self._turn(0.0 if working else IDLE_SECONDS)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self.link.board.save()

    def close(self) -> None:
        """Give the address back."""
        raise NotImplementedError

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop()

    def _turn(self, seconds: float) -> bool:
        """Wait for bytes for so long, run the board once, send what it says; return whether more is to be expected."""
        try:
            received = self._receive(seconds)
            if received:
                self.link.write(received)
            arrived, working = self.link.read()
        except Unplugged:
            self._hang_up()
            return True
        self._unsent = (self._unsent + arrived)[:MOST_UNSENT]
        if self._unsent:
            self._unsent = self._unsent[self._send(self._unsent) :]
        if not working and not received:
            self.link.board.save()
        return working or bool(received)

    def _receive(self, seconds: float) -> bytes:
        """Return bytes from a host, or nothing after so many seconds."""
        raise NotImplementedError

    def _send(self, data: bytes) -> int:
        """Send to the host without waiting; return the number of bytes that went."""
        raise NotImplementedError

    def _hang_up(self) -> None:
        """A fault has unplugged the board: let the host see it."""
        self._unsent = b""
        self.link.replug()


class PtyServer(Server):
    """A board on a pseudo-terminal. ``symlink``: a path that points to it while it is served, replacing an older link."""

    def __init__(self, link: EmulatedLink, symlink: str | os.PathLike[str] | None = None) -> None:
        super().__init__(link)
        self._symlink = Path(symlink) if symlink is not None else None
        self._open()

    def _open(self) -> None:
        # Raw, or bytes sent before a host opens the port would be echoed to the board; kept open, or hosts that close it end it.
        import tty  # Unix only, like pseudo-terminals; a TCP server runs anywhere

        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.address = os.ttyname(self._slave)
        if self._symlink is not None:
            self._point()

    def _point(self) -> None:
        assert self._symlink is not None
        if self._symlink.exists() and not self._symlink.is_symlink():
            self._shut()
            raise LinkError(f"{self._symlink} exists and is no symbolic link; give another path")
        partial = self._symlink.with_name(f"{self._symlink.name}.{os.getpid()}.partial")
        partial.symlink_to(self.address)
        partial.replace(self._symlink)

    def close(self) -> None:
        """Remove the pseudo-terminal and its link."""
        if self._symlink is not None and self._symlink.is_symlink() and os.readlink(self._symlink) == self.address:
            self._symlink.unlink()
        self._shut()

    def _shut(self) -> None:
        os.close(self._slave)
        os.close(self._master)

    def _receive(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self._master], [], [], seconds)
        return os.read(self._master, CHUNK) if ready else b""

    def _send(self, data: bytes) -> int:
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0

    def _hang_up(self) -> None:
        self._shut()
        super()._hang_up()
        self._open()


class TcpServer(Server):
    """A board on a TCP port, for ``socket://host:port``; one host at a time, others are refused. Port 0 takes a free one."""

    def __init__(self, link: EmulatedLink, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(link)
        try:
            self._listener = socket.create_server((host, port))
        except (OSError, OverflowError) as error:
            raise LinkError(f"{host}:{port} cannot be served ({error}); choose another address, or port 0 for a free one") from None
        self._client: socket.socket | None = None
        self.address = "{}:{}".format(*self._listener.getsockname()[:2])

    def close(self) -> None:
        """Hang up and free the port."""
        self._drop_client()
        self._listener.close()

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _receive(self, seconds: float) -> bytes:
        sockets = [self._listener] + ([self._client] if self._client else [])
        ready, _, _ = select.select(sockets, [], [], seconds)
        if self._listener in ready:
            self._accept()
        return self._from_client() if self._client in ready else b""

    def _accept(self) -> None:
        newcomer, _ = self._listener.accept()
        if self._client is not None:
            newcomer.close()
            return
        newcomer.setblocking(False)
        newcomer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self._client, self._unsent = newcomer, b""

    def _from_client(self) -> bytes:
        assert self._client is not None
        try:
            received = self._client.recv(CHUNK)
        except BlockingIOError:
            return b""
        except OSError:
            received = b""
        if not received:
            self._drop_client()
        return received

    def _send(self, data: bytes) -> int:
        if self._client is None:
            return len(data)
        try:
            return self._client.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._drop_client()
            return len(data)

    def _hang_up(self) -> None:
        self._drop_client()
        super()._hang_up()
