"""Options of the whole test suite."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from firmware_builds import firmware_elf
from hypothesis import settings

# A shared machine may be slow for a moment; a hanging test is ended by pytest-timeout.
settings.register_profile("fxlstm", deadline=None)
settings.load_profile("fxlstm")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--programs", type=int, default=10_000, help="random programs of the conformance suite (default 10000)")
    parser.addoption("--device-programs", type=int, default=40, help="how many of them each emulated STM32F405 runs (default 40)")
    parser.addoption("--resets", type=int, default=4, help="places of each kind at which an emulated STM32F405 resets (default 4)")
    parser.addoption("--fuzz-seconds", type=int, default=6, help="of fuzzing beyond the corpus, per target (default 6)")
    parser.addoption("--port", help="a physical board's port: tests/board/test_every_board.py runs on it, too")
    parser.addoption("--importers", type=int, default=18, help="random models of PyTorch, Keras and ONNX to import (default 18)")


@pytest.fixture(params=["host", "stm32f405"])
def emu(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """The URL of an emulated board with such options: with the firmware in this process, and with its ELF file on a Cortex-M4."""
    if request.param == "host":
        return "emu://host?{}".format
    return f"emu://stm32f405?elf={firmware_elf('gcc')}&{{}}".format
