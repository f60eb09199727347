"""The core as C: freestanding, clean under strict warnings, and fuzzed under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from random_programs import random_program

from fxlstm.status import BY_CODE

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "fxlstm" / "core"
HERE = ROOT / "tests" / "c"
SOURCES = [line for line in (CORE / "SOURCES").read_text().split("\n") if line and not line.startswith("#")]
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
SANITIZED = [*STRICT, "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
FUZZ_ITERATIONS = 200_000


def run(*command: str | Path) -> str:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def build(folder: Path, name: str) -> Path:
    """Build ``tests/c/<name>.c`` with the whole core under the sanitizers."""
    run("cc", *SANITIZED, f"-I{CORE}", HERE / f"{name}.c", *(CORE / source for source in SOURCES), "-o", folder / name)
    return folder / name


@pytest.mark.parametrize("source", SOURCES)
def test_source_compiles_freestanding_without_a_warning(source: str, tmp_path: Path) -> None:
    run("cc", *STRICT, "-pedantic", "-O2", "-ffreestanding", "-c", CORE / source, "-o", tmp_path / "object.o")


def test_crc_and_cobs_equal_the_published_answers_and_survive_garbage(tmp_path: Path) -> None:
    run(build(tmp_path, "codec"))


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Images of random programs."""
    paths = []
    for seed in range(30):
        paths.append(tmp_path / f"{seed}.fxl")
        paths[-1].write_bytes(random_program(seed).to_bytes())
    return paths


def test_executor_keeps_the_contract_of_its_header(tmp_path: Path, images: list[Path]) -> None:
    run(build(tmp_path, "executor"), *images)


def test_loader_refuses_or_runs_every_mutated_image(tmp_path: Path, images: list[Path]) -> None:
    lines = run(build(tmp_path, "fuzz_loader"), str(FUZZ_ITERATIONS), "1", *images).splitlines()
    met = {BY_CODE[int(code)].symbol: int(times) for code, times in (line.split() for line in lines)}
    assert sum(met.values()) == FUZZ_ITERATIONS
    assert met["OK"] > FUZZ_ITERATIONS // 20
    image_symbols = {status.symbol for status in BY_CODE.values() if status.part == "image"}
    assert set(met) == image_symbols - {"IMAGE_ALIGNMENT"} | {"OK"}


@pytest.mark.parametrize("operation", ["product", "sum"])
def test_a_product_and_a_sum_are_right_for_every_pair_of_codes(operation: str, tmp_path: Path) -> None:
    sources = [CORE / source for source in SOURCES]
    run("clang", *STRICT, "-O3", "-march=native", f"-I{CORE}", HERE / "all_pairs.c", *sources, "-o", tmp_path / "all_pairs")
    run(tmp_path / "all_pairs", operation)
