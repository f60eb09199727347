#!/usr/bin/env python3
"""Fuzz the frame decoder, the command handlers and the image loader, guided by coverage (Clang's libFuzzer and sanitizers).

Starts from the corpus in tests/c/corpus and from images of random programs. With --keep the corpus is replaced by the smallest one
that reaches what the old one and this run have reached. An input that fails is written to the current folder, and its path is said.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests/conformance")]

from random_programs import random_program  # noqa: E402

CORE, FIRMWARE, CORPUS = ROOT / "fxlstm/core", ROOT / "firmware", ROOT / "tests/c/corpus"
FLAGS = ["-std=c11", "-O1", "-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-DCOVERAGE_GUIDED"]
TARGETS = ("frames", "firmware", "loader")  # tests/c/fuzz_<target>.c
LONGEST_INPUT = {"frames": 2048, "firmware": 4096, "loader": 4096}  # bytes
PROGRAMS = 8  # whose images are beginnings for the loader, and what the firmware is sent


def listed(folder: Path) -> list[Path]:
    """Return the C files that ``folder/SOURCES`` lists."""
    return [folder / line for line in (folder / "SOURCES").read_text().splitlines() if line and not line.startswith("#")]


def build(target: str, folder: Path) -> Path:
    """Build a target into ``folder``; return the program."""
    sources = listed(CORE)
    if target != "loader":
        sources += [*listed(FIRMWARE), FIRMWARE / "port/host/port.c"]
    program = folder / f"fuzz_{target}"
    command = ["clang", *FLAGS, f"-I{CORE}", f"-I{FIRMWARE}", ROOT / f"tests/c/fuzz_{target}.c", *sources, "-o", program]
    subprocess.run([str(part) for part in command], check=True)
    return program


def write_images(folder: Path) -> list[Path]:
    """Write the images that runs begin with; the same every time."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{seed}.fxl" for seed in range(PROGRAMS)]
    for seed, path in enumerate(paths):
        path.write_bytes(random_program(seed).to_bytes())
    return paths


def run(target: str, folder: Path, *options: str, corpora: list[Path]) -> str:
    """Run a built target; return what libFuzzer says. Raises :class:`RuntimeError` with that when an input fails."""
    images = write_images(folder / f"images-{target}")
    beginnings = [folder / f"images-{target}"] if target == "loader" else []
    command = [folder / f"fuzz_{target}", *options, f"-max_len={LONGEST_INPUT[target]}", *corpora, *beginnings]
    command += ["-ignore_remaining_args=1", *images] if target == "firmware" else []
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"{target}: an input fails\n{result.stderr[-4000:]}")
    return result.stderr


def fuzz(target: str, folder: Path, seconds: int, seed: int, keep: bool) -> str:
    """Fuzz a built target for so long; return libFuzzer's last line."""
    found, smallest = folder / f"found-{target}", folder / f"smallest-{target}"
    found.mkdir()
    smallest.mkdir()
    said = run(target, folder, f"-max_total_time={seconds}", f"-seed={seed}", corpora=[found, CORPUS / target])
    if keep:
        run(target, folder, "-merge=1", "-use_counters=0", corpora=[smallest, CORPUS / target, found])
        for path in (CORPUS / target).iterdir():
            path.unlink()
        for path in smallest.iterdir():
            path.rename(CORPUS / target / f"{path.name}.input")
    return said.strip().splitlines()[-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=TARGETS, help=f"of {', '.join(TARGETS)}; all by default")
    parser.add_argument("--seconds", type=int, default=60, help="per target (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="of libFuzzer; 0, the default: another each time")
    parser.add_argument("--keep", action="store_true", help="replace the corpus by the smallest that reaches as much")
    arguments = parser.parse_args()
    unknown = set(arguments.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; choose of {', '.join(TARGETS)}")
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor() as pool:
        folder = Path(name)
        list(pool.map(lambda target: build(target, folder), arguments.targets))
        jobs = [
            pool.submit(fuzz, target, folder, arguments.seconds, arguments.seed, arguments.keep) for target in arguments.targets
        ]
        for target, job in zip(arguments.targets, jobs, strict=True):
            try:
                print(f"{target}: {job.result()}")
            except RuntimeError as failure:
                print(failure, file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
