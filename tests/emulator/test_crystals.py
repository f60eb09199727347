"""The firmware's ELF file with a crystal that is off or does not oscillate, or with a PLL that does not lock."""

from __future__ import annotations

import numpy as np
import pytest
from firmware_builds import firmware_elf

from fxlstm.board.board import Board
from fxlstm.board.link import Link
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


@pytest.mark.parametrize("hertz", [168_000_000, 16_000_000])
def test_the_board_counts_the_milliseconds_that_pass_on_every_clock(hertz: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if hertz < 168_000_000:
        monkeypatch.setattr(Rcc, "_pll_hertz", lambda _: 0)
    option = f"seed={hertz}"
    link = Link(url(option))
    clock, looks = emulated_board(f"{NAME}-{option}").clock, []
    for _ in range(2):
        looks.append((link.request("keep_alive")["uptime_ms"], clock.now() * 1e-6))
        link.listen(0.4)
    link.close()
    counted, passed = np.subtract(looks[1], looks[0])
    assert counted == pytest.approx(passed, abs=2)  # a prescaler that is off by one counts 5 too few or more


def test_a_clock_further_off_than_the_line_bears_is_no_answer_and_no_wrong_one() -> None:
    with pytest.raises(LinkError, match="did not answer"):
        Board(url("crystal_error=0.06"), log=False)


def test_without_a_pll_the_line_keeps_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rcc, "_pll_hertz", lambda _: 0)
    with Board(url("seed=1"), log=False) as board:
        snapshot = board.snapshot()
    assert (snapshot["clock"], snapshot["clock_hertz"]) == ("no_lock", 16_000_000)
