"""The firmware's ELF file with a crystal that is off or does not oscillate, or with a PLL that does not lock."""

from __future__ import annotations

import numpy as np
import pytest
from firmware_builds import firmware_elf

from fxlstm.board.board import Board
from fxlstm.emulator.stm32f405.rcc import Rcc
from fxlstm.errors import LinkError
from fxlstm.urls.protocol_emu import emulated_board

NAME = "crystals"


def url(option: str) -> str:
    return f"emu://stm32f405?elf={firmware_elf('gcc')}&device=ideal&board={NAME}-{option}&{option}"


@pytest.mark.parametrize(
    ("option", "clock"), [("crystal_error=-0.03", "crystal"), ("crystal_error=0.03", "crystal"), ("dead_crystal=1", "no_crystal")]
)
def test_the_board_works_and_says_what_its_clock_is(option: str, clock: str) -> None:
    with Board(url(option), log=False) as board:
        snapshot = board.snapshot()
        products = board.multiply(np.zeros(128, np.int16))
    assert (snapshot["clock"], snapshot["clock_hertz"]) == (clock, 168_000_000)
    assert not products.any()
    assert emulated_board(f"{NAME}-{option}").bus.violations == []


def test_a_clock_further_off_than_the_line_bears_is_no_answer_and_no_wrong_one() -> None:
    with pytest.raises(LinkError, match="did not answer"):
        Board(url("crystal_error=0.06"), log=False)


def test_without_a_pll_the_line_keeps_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rcc, "_pll_hertz", lambda _: 0)
    with Board(url("seed=1"), log=False) as board:
        snapshot = board.snapshot()
    assert (snapshot["clock"], snapshot["clock_hertz"]) == ("no_lock", 16_000_000)
