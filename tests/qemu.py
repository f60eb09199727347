"""QEMU's own STM32F405 with the firmware in its flash: its serial line is a TCP port, its debugger may upset the processor."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

PATIENCE = 20.0  # seconds until the serial line must be there


class Qemu:
    """A running board of the kind ``netduinoplus2``; ``url`` is its serial line. Use it with ``with``."""

    def __init__(self, elf: Path, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"socket://127.0.0.1:{port}"
        self._debugger = folder / "debugger"
        self._process = subprocess.Popen(
            [
                *("qemu-system-arm", "-M", "netduinoplus2", "-display", "none", "-monitor", "none"),
                *("-serial", f"tcp:127.0.0.1:{port},server=on,wait=off"),
                *("-chardev", f"socket,path={self._debugger},server=on,wait=off,id=debugger", "-gdb", "chardev:debugger"),
                *("-kernel", elf),
            ]
        )
        self._wait_for(port)

    def _wait_for(self, port: int) -> None:
        """Until the line is there; looked at without taking it, for it has room for one."""
        line = f"0100007F:{port:04X}"
        end = time.monotonic() + PATIENCE
        while line not in Path("/proc/net/tcp").read_text():
            assert self._process.poll() is None and time.monotonic() < end, "QEMU did not open its serial line"
            time.sleep(0.02)

    def __enter__(self) -> Qemu:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()

    def set_register(self, number: int, value: int) -> None:
        """Stop the processor, give one of its registers a value, let it go on."""
        with socket.socket(socket.AF_UNIX) as debugger:
            debugger.connect(str(self._debugger))
            answers = debugger.makefile("rb")
            describe = "qXfer:features:read:target.xml:0,ffb"  # before that, QEMU knows no single register
            for command in (describe, f"P{number:x}={value.to_bytes(4, 'little').hex()}", "D"):
                debugger.sendall(f"${command}#{sum(command.encode()) & 0xFF:02x}".encode())
                while answers.read(1) != b"+":  # what it says unasked, as that it has stopped
                    pass
                while answers.read(1) != b"#":
                    pass
                debugger.sendall(b"+")
