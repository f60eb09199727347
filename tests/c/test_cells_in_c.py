"""The reading of cells as C: clean under strict warnings, and inside its memory under the sanitizers."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CELLS = ROOT / "fxlstm" / "crossbar" / "c"
SOURCES = [CELLS / line for line in (CELLS / "SOURCES").read_text().split("\n") if line and not line.startswith("#")]
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-ffp-contract=off", "-fno-math-errno"]
SANITIZED = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def run(*command: str | Path) -> None:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_cells_compile_without_a_warning(tmp_path: Path) -> None:
    run("cc", *STRICT, "-pedantic", "-O3", "-c", *SOURCES, "-o", tmp_path / "object.o")


def test_reading_stays_inside_its_memory_on_every_instruction_set(tmp_path: Path) -> None:
    run("cc", *STRICT, *SANITIZED, f"-I{CELLS}", ROOT / "tests/c/cells.c", *SOURCES, "-lm", "-o", tmp_path / "cells")
    run(tmp_path / "cells")
