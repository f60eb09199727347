"""Kernel sets on emulated x86-64 processors: each runs what it has, and refuses the rest before an instruction that it lacks."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest
from planned_programs import planned_programs

SETS = ("portable", "avx2", "avx512-vnni", "amx")
RUN = {"Nehalem": ("portable",), "max": ("portable", "avx2")}  # the emulator's "max" has AVX2, not AVX-512

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="these are sets for x86-64")


@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("processor", RUN)
def test_a_processor_runs_what_it_has_and_refuses_the_rest(processor: str, kernels: str, timesteps: Path, tmp_path: Path) -> None:
    image = tmp_path / "image.fxl"
    image.write_bytes(planned_programs()["lstm-bytes"].to_bytes())
    emulator = "qemu-x86_64", "-cpu", processor
    result = subprocess.run([*emulator, timesteps, kernels, image, "2", "3"], capture_output=True, text=True)
    refused = result.returncode == 1 and "kernels != NULL" in result.stderr  # a signal would give a negative code
    assert result.returncode == 0 if kernels in RUN[processor] else refused, result.stderr
