"""The firmware as C: freestanding, clean under strict warnings, and fuzzed under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

from pathlib import Path

import pytest
from random_programs import random_program
from test_core_in_c import CORE, HERE, ROOT, SANITIZED, STRICT, run
from test_core_in_c import SOURCES as CORE_SOURCES

from fxlstm.board.protocol import MESSAGE_BY_NAME
from fxlstm.status import BY_CODE

FIRMWARE = ROOT / "firmware"
SOURCES = [line for line in (FIRMWARE / "SOURCES").read_text().splitlines() if not line.startswith("#")]
INCLUDES = [f"-I{FIRMWARE}", f"-I{CORE}"]
FUZZ_ITERATIONS = 120_000


@pytest.mark.parametrize("source", SOURCES)
def test_source_compiles_freestanding_without_a_warning(source: str, tmp_path: Path) -> None:
    run("cc", *STRICT, "-pedantic", "-O2", "-ffreestanding", *INCLUDES, "-c", FIRMWARE / source, "-o", tmp_path / "object.o")


def test_the_makefile_builds_the_host_port(tmp_path: Path) -> None:
    run("make", "-C", FIRMWARE, "PORT=host", f"BUILD={tmp_path}", "CFLAGS=-O0")
    assert "firmware_poll" in run("nm", tmp_path / "libfirmware.a")


def test_firmware_survives_every_frame_and_keeps_its_limits(tmp_path: Path) -> None:
    sources = [*(CORE / source for source in CORE_SOURCES), *(FIRMWARE / source for source in (*SOURCES, "port/host/port.c"))]
    run("cc", *SANITIZED, *INCLUDES, HERE / "fuzz_firmware.c", *sources, "-o", tmp_path / "fuzz")
    images = [tmp_path / f"{seed}.fxl" for seed in range(8)]
    for seed, image in enumerate(images):
        image.write_bytes(random_program(seed).to_bytes())
    lines = run(tmp_path / "fuzz", str(FUZZ_ITERATIONS), "1", *images).splitlines()
    met = {(int(message), BY_CODE[int(code)].symbol): int(times) for message, code, times in map(str.split, lines)}
    assert sum(met.values()) > FUZZ_ITERATIONS // 2
    assert all((message.code, "OK") in met for message in MESSAGE_BY_NAME.values())
    assert {"DAC_ECHO", "LIMIT_VOLTAGE", "LIMIT_ENERGY", "LIMIT_WIDTH", "OUT_OF_ORDER", "STALE_SESSION", "BUSY"} <= {
        symbol for _, symbol in met
    }
