"""The core on an emulated Cortex-M4: the object files of the firmware's build, run by QEMU (tests/c/arm/run_programs.c)."""

from __future__ import annotations

import atexit
import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from firmware_builds import FIRMWARE, PROCESSOR, ROOT, firmware_elf
from random_programs import Run

from fxlstm.program.program import Codes, Program

SOURCE = ROOT / "tests/c/arm/run_programs.c"
SCRIPT = ROOT / "tests/c/arm/mps2_an386.ld"
FLAGS = [
    "-std=c11",
    "-O1",
    "-ffreestanding",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
]
INCLUDES = [f"-I{FIRMWARE}", f"-I{ROOT / 'fxlstm/core'}", f"-I{FIRMWARE / 'port/cortex_m/include'}"]
LIBRARIES = {"gcc": ["-nostdlib", "-lgcc"], "zig": ["-fno-sanitize=undefined"]}


class ArmCore:
    """The core as one compiler makes it for the firmware, on a processor that lives as long as this object."""

    def __init__(self, compiler: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        for name in ("requests", "answers"):
            os.mkfifo(folder / name)
        machine = ["qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none"]
        semihosting = ["-semihosting-config", "enable=on,target=native"]
        self._process = subprocess.Popen([*machine, *semihosting, "-kernel", _link(compiler, folder)], cwd=folder)
        self._requests = (folder / "requests").open("wb")
        self._answers = (folder / "answers").open("rb")
        atexit.register(self.close)

    def close(self) -> None:
        """Stop the processor."""
        self._requests.close()
        self._process.kill()
        self._process.wait()

    def run(self, program: Program, given: Run) -> tuple[Codes, list[tuple[int, int]]]:
        """Outputs (batch, time, outputs) of the last phase, and clipped codes per operation (adc, result)."""
        self._requests.write(b"".join(_request(program, given)))
        self._requests.flush()
        status, operations, count = np.frombuffer(self._read(12), "<u4").tolist()
        assert status == 0, status
        clipped = np.frombuffer(self._read(8 * operations), "<u4").reshape(-1, 2)
        outputs = np.frombuffer(self._read(2 * count), "<i2").astype(np.int16)
        batch = len(given.inputs[0])
        return outputs.reshape(batch, -1, program.output.length), [(int(adc), int(result)) for adc, result in clipped]

    def _read(self, size: int) -> bytes:
        data = self._answers.read(size)
        assert len(data) == size, "the emulated processor has stopped"
        return data


def _link(compiler: str, folder: Path) -> Path:
    """The runner with the core's object files of the firmware's build."""
    objects = firmware_elf(compiler).parent
    core = [*(objects / "fxlstm/core").rglob("*.o"), objects / "port/cortex_m/memory.o"]
    command = [*PROCESSOR[compiler], *FLAGS, *INCLUDES, SOURCE, *core, "-T", SCRIPT, *LIBRARIES[compiler], "-o", folder / "run.elf"]
    made = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return folder / "run.elf"


def _numbers(*values: int) -> bytes:
    return np.array(values, "<u4").tobytes()


def _codes(values: Codes) -> bytes:
    return _numbers(values.size) + np.ascontiguousarray(values, "<i2").tobytes()


def _request(program: Program, given: Run) -> Iterable[bytes]:
    image = program.to_bytes()
    yield _numbers(len(image)) + image
    yield _numbers(len(given.inputs[0]), max(given.timesteps), len(given.inputs), len(given.initial))
    for start, values in given.initial.items():
        yield _numbers(start) + _codes(values)
    for codes, timesteps in zip(given.inputs, given.timesteps, strict=True):
        yield _numbers(codes.shape[1], timesteps) + _codes(codes)
