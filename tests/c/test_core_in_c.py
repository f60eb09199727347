"""The core as C: freestanding, clean under strict warnings, and fuzzed under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from planned_programs import planned_programs
from random_programs import random_program

from fxlstm.core import kernel_names
from fxlstm.status import BY_CODE

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "fxlstm" / "core"
HERE = ROOT / "tests" / "c"
HOST = CORE / "host"


def listed(folder: Path) -> list[str]:
    """The C files of a folder of the core, relative to the core."""
    lines = (folder / "SOURCES").read_text().splitlines()
    return [(folder / line).relative_to(CORE).as_posix() for line in lines if line and not line.startswith("#")]


SOURCES = listed(CORE)
HOST_SOURCES = SOURCES + listed(HOST)
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
SANITIZERS = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
SANITIZED = [*STRICT, "-O1", *SANITIZERS]
SANITIZED_PLANS = ["clang", "-O0", *SANITIZERS]  # finds offsets from NULL too; optimizing takes longer than it saves
RACES_FOUND = ["cc", *STRICT, "-O1", "-g", "-fsanitize=thread"]
FUZZ_ITERATIONS = 200_000


def run(*command: str | Path) -> str:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def build(folder: Path, name: str) -> Path:
    """Build ``tests/c/<name>.c`` with the whole core under the sanitizers."""
    run("cc", *SANITIZED, f"-I{CORE}", HERE / f"{name}.c", *(CORE / source for source in SOURCES), "-o", folder / name)
    return folder / name


@pytest.mark.parametrize("source", HOST_SOURCES)
def test_source_compiles_freestanding_without_a_warning(source: str, tmp_path: Path) -> None:
    run("cc", *STRICT, "-pedantic", "-O2", "-ffreestanding", "-DFX_HOST", "-c", CORE / source, "-o", tmp_path / "object.o")


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


@pytest.fixture(scope="module")
def all_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sources, program = [CORE / source for source in SOURCES], tmp_path_factory.mktemp("pairs") / "all_pairs"
    run("clang", *STRICT, "-O3", "-march=native", f"-I{CORE}", HERE / "all_pairs.c", *sources, "-o", program)
    return program


@pytest.mark.parametrize("operation", ["product", "sum"])
def test_a_product_and_a_sum_are_right_for_every_pair_of_codes(operation: str, all_pairs: Path) -> None:
    run(all_pairs, operation)


@pytest.fixture
def planned_images(tmp_path: Path, images: list[Path]) -> list[Path]:
    """Images of programs for plans, and a few of random ones."""
    paths = images[:12]
    for name, program in planned_programs().items():
        paths.append(tmp_path / f"{name}.fxl")
        paths[-1].write_bytes(program.to_bytes())
    return paths


def build_for_host(folder: Path, name: str, *compiler: str | Path, sources: list[str] = HOST_SOURCES) -> Path:
    """Build ``tests/c/<name>.c`` with the core and what hosts have."""
    paths = [CORE / source for source in sources]
    run(*compiler, "-std=c11", "-pthread", "-DFX_HOST", f"-I{CORE}", HERE / f"{name}.c", *paths, "-o", folder / name)
    return folder / name


def build_timesteps(folder: Path) -> Path:
    """Build ``tests/c/timesteps.c`` with the core and what hosts have, as an optimizer makes it."""
    sources = [CORE / source for source in HOST_SOURCES]
    run("cc", "-std=c11", "-O2", "-DFX_HOST", f"-I{CORE}", HERE / "timesteps.c", *sources, "-o", folder / "timesteps")
    return folder / "timesteps"


def with_amx(names: list[str]) -> list[str]:
    """The sets of a machine that has AMX beside AVX-512 VNNI."""
    return ["amx", *(name for name in names if name != "amx")] if "avx512-vnni" in names else names


def test_plans_of_every_kernel_set_equal_the_operations_one_by_one(tmp_path: Path, planned_images: list[Path]) -> None:
    model = "-DFX_TILE_MODEL", HERE / "tile_model.c"
    names = run(build_for_host(tmp_path, "plan", *SANITIZED_PLANS, *model), *planned_images).split()
    assert names == with_amx(kernel_names())


def test_threads_that_share_products_write_to_different_places(tmp_path: Path, planned_images: list[Path]) -> None:
    plan = build_for_host(tmp_path, "plan", *RACES_FOUND)
    assert run(plan, *planned_images[12:16]).split() == kernel_names()


def test_a_team_of_threads_does_every_share_once(tmp_path: Path) -> None:
    run(build_for_host(tmp_path, "team", *RACES_FOUND, sources=["host/team.c"]))


def test_neon_kernels_equal_the_operations_one_by_one_on_an_emulated_processor(tmp_path: Path, planned_images: list[Path]) -> None:
    plan = build_for_host(tmp_path, "plan", "aarch64-linux-gnu-gcc", *STRICT, "-O2", "-static")
    assert run("qemu-aarch64", plan, *planned_images).split() == ["neon", "portable"]
