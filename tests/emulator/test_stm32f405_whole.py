"""The parts of the microcontroller together: what is clocked, what is wired, what a reset does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fxlstm.emulator.bus import Bus
from fxlstm.emulator.clock import VirtualClock
from fxlstm.emulator.stm32f405.microcontroller import Stm32f405
from fxlstm.emulator.stm32f405.wiring import Wiring
from fxlstm.program.hardware import load_board

RCC, GPIOA, GPIOC, USART1, SPI1 = 0x40023800, 0x40020000, 0x40020800, 0x40011000, 0x40013000
AHB1ENR, APB2ENR, MODER, AFRL, BSRR, BRR, CR1, SR, DR = 0x30, 0x44, 0x00, 0x20, 0x18, 0x08, 0x00, 0x08, 0x0C
SPI_MASTER = 1 << 2 | 1 << 6 | 1 << 8 | 1 << 9
FOUR_BYTES = bytes((0, 0xE0, 0, 2))  # span 2 for all outputs


class NoArray:
    """Nothing behind the converters."""

    def convert(self, row_codes: object, range_index: int) -> Any:
        return np.zeros(64, np.int16)

    def pulse(self, row_volts: object, gate_volts: object, seconds: float) -> None: ...


@pytest.fixture
def bus() -> Bus:
    return Bus(NoArray(), clock=VirtualClock())


@pytest.fixture
def part(bus: Bus) -> Stm32f405:
    """Ports A and C and SPI1 are clocked and set up, chip select 0 (PC0) is an output and high."""
    wiring = Wiring(bus, load_board("reference"), bus.report)
    part = Stm32f405(wiring, 8_000_000, 2_000_000, bus.clock, bus.report)
    part._write(RCC + AHB1ENR, 0b101, 4)
    part._write(RCC + APB2ENR, 1 << 12, 4)
    part._write(GPIOA + AFRL, 0x55500000, 4)
    part._write(GPIOA + MODER, 0b101010 << 10, 4)
    part._write(GPIOC + BSRR, 1, 4)
    part._write(GPIOC + MODER, 1, 4)
    part._write(SPI1 + CR1, SPI_MASTER, 4)
    return part


def send(part: Stm32f405, data: bytes) -> bytes:
    """Send a frame to chip 0 as firmware does."""
    part._write(GPIOC + BSRR, 1 << 16, 4)
    answer = bytearray()
    for byte in data:
        part._write(SPI1 + DR, byte, 1)
        part.time.sleep_until(part.time.now() + 10_000)
        answer.append(part._read(SPI1 + DR, 1))
    part._write(GPIOC + BSRR, 1, 4)
    return bytes(answer)


def test_a_chip_echoes_the_frame_before(part: Stm32f405, bus: Bus) -> None:
    send(part, FOUR_BYTES)
    assert send(part, bytes(4)) == FOUR_BYTES
    assert not bus.violations


@pytest.mark.parametrize(
    ("pins", "echo"),
    [(0b001010, bytes(4)), (0b101000, b"\xff" * 4), (0b100010, bytes(4))],
    ids=["data to the chips", "clock", "data from the chips"],
)
def test_a_pin_that_is_not_switched_through_carries_nothing(part: Stm32f405, pins: int, echo: bytes) -> None:
    part._write(GPIOA + MODER, pins << 10, 4)
    send(part, FOUR_BYTES)
    assert send(part, bytes(4)) == echo


@pytest.mark.parametrize("wrong", [0b01, 0b10, 0b11])
def test_a_chip_clocked_in_another_mode_understands_nothing(part: Stm32f405, bus: Bus, wrong: int) -> None:
    part._write(SPI1 + CR1, SPI_MASTER | wrong, 4)
    assert send(part, FOUR_BYTES) == b"\xff" * 4
    assert "wants mode 0" in bus.violations[0]


def test_two_chips_selected_at_once_are_reported(part: Stm32f405, bus: Bus) -> None:
    part._write(GPIOC + BSRR, 2 << 16, 4)
    part._write(GPIOC + MODER, 0b0101, 4)
    send(part, FOUR_BYTES)
    assert "at once" in bus.violations[0]


def test_a_select_that_moves_amid_a_byte_is_reported(part: Stm32f405, bus: Bus) -> None:
    part._write(GPIOC + BSRR, 1 << 16, 4)
    part._write(SPI1 + DR, 0, 1)
    part._write(GPIOC + BSRR, 1, 4)
    assert "amid a byte" in bus.violations[0]


def test_a_peripheral_without_its_clock_keeps_silent(part: Stm32f405, bus: Bus) -> None:
    part._write(USART1 + BRR, 42, 4)
    assert part._read(USART1 + BRR, 4) == 0
    assert "USART1 was used while its clock is off" in bus.violations[0]
    part._write(RCC + APB2ENR, 1 << 12 | 1 << 4, 4)
    assert part._read(USART1 + BRR, 4) == 0
    part._write(USART1 + BRR, 42, 4)
    assert part._read(USART1 + BRR, 4) == 42


def test_an_unknown_register_reads_zero_and_is_reported(part: Stm32f405, bus: Bus) -> None:
    assert part._read(0x40012000, 4) == 0  # ADC1
    assert "0x40012000" in bus.violations[0]


def test_bytes_and_halfwords_reach_their_part_of_a_register(part: Stm32f405) -> None:
    part._write(GPIOC + 0x16, 0xABCD, 2)
    part._write(GPIOC + 0x14, 0x34, 1)
    assert part._read(GPIOC + 0x14, 4) == 0x34
    assert part._read(GPIOC + 0x14, 1) == 0x34
    assert part._read(GPIOC + MODER, 1) == 1


def test_a_reset_frees_the_pins_amid_a_frame_and_is_no_fault_of_the_firmware(part: Stm32f405, bus: Bus) -> None:
    part._write(GPIOC + BSRR, 1 << 16, 4)
    part._write(SPI1 + DR, 0xE0, 1)
    part.power_on()
    assert not bus._selected
    assert not bus.violations
