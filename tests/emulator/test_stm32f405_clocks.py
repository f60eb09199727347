"""Clocks, timers and what resets the microcontroller do what ST's reference manual says, register by register."""

from __future__ import annotations

import pytest
from moment import Moment

from fxlstm.emulator.stm32f405 import rcc, systick, timer
from fxlstm.emulator.stm32f405.rcc import Rcc
from fxlstm.emulator.stm32f405.system import FlashInterface, RandomNumbers
from fxlstm.emulator.stm32f405.systick import SysTick
from fxlstm.emulator.stm32f405.timer import Timer, Watchdog


@pytest.fixture
def clocks(time: Moment, report: list[str]) -> Rcc:
    return Rcc(time, 8_000_000, report.append, lambda hertz: None)  # type: ignore[arg-type]


def start_pll(clocks: Rcc, time: Moment, multiplier: int = 336) -> None:
    clocks.write(rcc.CR, clocks.read(rcc.CR) | 1 << 16)
    time.at += rcc.CRYSTAL_START
    clocks.write(rcc.PLLCFGR, 8 | multiplier << 6 | 1 << 22 | 7 << 24)
    clocks.write(rcc.CR, clocks.read(rcc.CR) | 1 << 24)
    time.at += rcc.PLL_LOCK


def test_after_a_reset_it_runs_from_the_internal_oscillator(clocks: Rcc) -> None:
    assert clocks.hertz == clocks.apb1_timer_hertz == 16_000_000
    assert clocks.read(rcc.CR) & 0b11 == 0b11


def test_oscillators_are_ready_only_after_a_while(clocks: Rcc, time: Moment) -> None:
    clocks.write(rcc.CR, clocks.read(rcc.CR) | 1 << 16)
    assert not clocks.read(rcc.CR) >> 17 & 1
    time.at = rcc.CRYSTAL_START
    assert clocks.read(rcc.CR) >> 17 & 1


def test_the_pll_gives_168_mhz_and_the_buses_their_parts(clocks: Rcc, time: Moment) -> None:
    start_pll(clocks, time)
    clocks.write(rcc.CFGR, 5 << 10 | 4 << 13 | 2)
    assert clocks.read(rcc.CFGR) >> 2 & 3 == 2
    assert (clocks.hertz, clocks.apb1_hertz, clocks.apb2_hertz) == (168_000_000, 42_000_000, 84_000_000)
    assert clocks.apb1_timer_hertz == 84_000_000


def test_a_bus_that_is_too_fast_is_reported(clocks: Rcc, time: Moment, report: list[str]) -> None:
    start_pll(clocks, time)
    clocks.write(rcc.CFGR, 2)
    assert [text.split()[1] for text in report] == ["APB1", "APB2"]


@pytest.mark.parametrize("multiplier", [50, 500])
def test_a_pll_out_of_its_range_never_locks(clocks: Rcc, time: Moment, multiplier: int) -> None:
    start_pll(clocks, time, multiplier)
    assert not clocks.read(rcc.CR) >> 25 & 1
    clocks.write(rcc.CFGR, 2)
    assert clocks.read(rcc.CFGR) >> 2 & 3 == 0


def test_a_crystal_that_fails_falls_back_and_is_an_interrupt_that_nothing_masks(clocks: Rcc, time: Moment) -> None:
    start_pll(clocks, time)
    clocks.write(rcc.CR, clocks.read(rcc.CR) | 1 << 19)
    clocks.write(rcc.CFGR, 5 << 10 | 4 << 13 | 2)
    assert clocks.fail_crystal()
    assert clocks.hertz == 16_000_000
    assert clocks.read(rcc.CIR) & 1 << 7
    clocks.write(rcc.CIR, 1 << 23)
    assert not clocks.read(rcc.CIR) & 1 << 7


def test_reset_flags_stay_until_they_are_removed(clocks: Rcc) -> None:
    assert clocks.read(rcc.CSR) & rcc.POWER == rcc.POWER
    clocks.write(rcc.CSR, 1 << 24)
    clocks.reset(rcc.WATCHDOG)
    assert clocks.read(rcc.CSR) == rcc.WATCHDOG | rcc.PIN


def test_too_few_wait_states_are_reported(report: list[str]) -> None:
    flash = FlashInterface(report.append)
    flash.write(0, 4)
    flash.check(168_000_000)
    flash.write(0, 5)
    flash.check(168_000_000)
    assert len(report) == 1 and "4 wait states" in report[0]


def test_a_prescaler_counts_from_the_next_update(time: Moment) -> None:
    counter = Timer(time, lambda: 84_000_000, 32)  # type: ignore[arg-type]
    counter.write(timer.PSC, 83)
    counter.write(timer.CR1, 1)
    time.at = 1000
    assert counter.read(timer.CNT) == 84
    counter.write(timer.EGR, 1)
    time.at += 7000
    assert counter.read(timer.CNT) == 7


def test_a_counter_wraps_and_interrupts(time: Moment) -> None:
    counter = Timer(time, lambda: 1_000_000, 16)  # type: ignore[arg-type]
    counter.write(timer.ARR, 9)
    counter.write(timer.DIER, 1)
    counter.write(timer.CR1, 1)
    assert counter.moment == 10_000 and counter.may_interrupt
    time.at = 13_000
    assert counter.read(timer.CNT) == 3
    assert counter.interrupt
    counter.write(timer.SR, 0)
    assert not counter.interrupt and counter.moment == 20_000


def test_the_watchdog_resets_unless_it_is_kicked(time: Moment) -> None:
    expired: list[int] = []
    dog = Watchdog(time, lambda: expired.append(time.at))  # type: ignore[arg-type]
    for key, register, value in ((0x5555, timer.PR, 3), (0x5555, timer.RLR, 999), (0xCCCC, timer.PR, 6)):
        dog.write(timer.KR, key)
        dog.write(register, value)  # the last one comes after the lock
    time.at = 900_000_000
    dog.write(timer.KR, 0xAAAA)
    time.at = dog.moment - 1
    dog.update()
    assert dog.moment == 1_900_000_000 and not expired
    time.at += 1
    dog.update()
    assert expired == [1_900_000_000]


def test_the_system_timer_counts_down_and_ticks(time: Moment) -> None:
    ticks: list[int] = []
    counter = SysTick(time, lambda: 1_000_000, lambda: ticks.append(time.at))  # type: ignore[arg-type]
    counter.write(systick.LOAD, 99)
    counter.write(systick.VAL, 0)
    counter.write(systick.CTRL, 0b111)
    time.at = 30_000
    assert counter.read(systick.VAL) == 70
    time.at = counter.moment
    counter.update()
    assert (ticks, counter.moment) == ([100_000], 200_000)
    assert counter.read(systick.CTRL) >> 16 & 1
    assert not counter.read(systick.CTRL) >> 16 & 1


def test_random_numbers_come_while_the_generator_is_on_and_repeat_by_seed() -> None:
    one, other = RandomNumbers(1), RandomNumbers(1)
    assert one.read(8) == 0
    for generator in (one, other):
        generator.write(0, 4)
    assert one.read(4) == 1
    assert [one.read(8) for _ in range(3)] == [other.read(8) for _ in range(3)]
