"""Serial port, SPI and pins do what ST's reference manual says, register by register, also where firmware does it wrong."""

from __future__ import annotations

import pytest
from moment import Moment

from fxlstm.emulator.stm32f405 import gpio, spi, usart
from fxlstm.emulator.stm32f405.gpio import Gpio
from fxlstm.emulator.stm32f405.spi import Spi
from fxlstm.emulator.stm32f405.usart import Usart

UE_TE_RE = 1 << 13 | 1 << 3 | 1 << 2
MASTER = 1 << 2 | 1 << 6 | 1 << 8 | 1 << 9  # MSTR, SPE, SSI, SSM
BYTE = 5000  # nanoseconds of ten bits at 2 Mbaud


# The serial port.


@pytest.fixture
def port(time: Moment) -> Usart:
    port = Usart(time, lambda: 84_000_000, 2_000_000, lambda end: True)  # type: ignore[arg-type]
    port.write(usart.BRR, 42)
    port.write(usart.CR1, UE_TE_RE)
    return port


def test_a_byte_is_received_after_ten_bits(port: Usart, time: Moment) -> None:
    port.feed(b"A")
    time.at = BYTE - 1
    assert not port.read(usart.SR) & usart.RXNE
    time.at = BYTE
    assert port.read(usart.SR) & usart.RXNE
    assert port.read(usart.DR) == ord("A")
    assert not port.read(usart.SR) & usart.RXNE


def test_an_unread_byte_is_kept_and_the_next_is_lost(port: Usart, time: Moment) -> None:
    port.feed(b"AB")
    time.at = 2 * BYTE
    assert port.read(usart.SR) & (usart.RXNE | usart.ORE) == usart.RXNE | usart.ORE
    assert port.read(usart.DR) == ord("A")
    assert not port.read(usart.SR) & (usart.RXNE | usart.ORE)


def test_an_overrun_stays_until_status_and_then_data_were_read(port: Usart, time: Moment) -> None:
    port.feed(b"AB")
    time.at = 2 * BYTE
    port.read(usart.DR)
    assert port.read(usart.SR) & usart.ORE
    port.read(usart.DR)
    assert not port.read(usart.SR) & usart.ORE


def test_bytes_are_sent_one_after_the_other(port: Usart, time: Moment) -> None:
    port.write(usart.DR, ord("x"))
    assert port.read(usart.SR) & (usart.TXE | usart.TC) == usart.TXE  # it is in the shift register
    port.write(usart.DR, ord("y"))
    assert not port.read(usart.SR) & usart.TXE
    time.at = BYTE
    assert port.read(usart.SR) & (usart.TXE | usart.TC) == usart.TXE
    time.at = 2 * BYTE
    assert port.read(usart.SR) & usart.TC
    assert port.sent == b"xy"


def test_a_byte_written_while_one_waits_replaces_it(port: Usart, time: Moment) -> None:
    for byte in b"xyz":
        port.write(usart.DR, byte)
    time.at = 3 * BYTE
    port.update()
    assert port.sent == b"xz"


@pytest.mark.parametrize(("register", "eight"), [(42, False), (0x52, True), (43, False)])
def test_the_divisor_gives_the_rate(port: Usart, time: Moment, register: int, eight: bool) -> None:
    port.write(usart.BRR, register)  # 0x52: 84 MHz / (8 x 5.25), the fraction in three bits
    port.write(usart.CR1, UE_TE_RE | eight << 15)
    port.feed(b"A")
    time.at = BYTE
    assert not port.read(usart.SR) & usart.FE
    assert port.read(usart.DR) == ord("A")


@pytest.mark.parametrize("divisor", [8, 40, 44, 84])
def test_another_rate_than_the_lines_is_garbage_both_ways(port: Usart, time: Moment, divisor: int) -> None:
    port.write(usart.BRR, divisor)
    port.feed(b"A")
    port.write(usart.DR, ord("x"))
    time.at = 4 * BYTE
    assert port.read(usart.SR) & usart.FE
    assert port.read(usart.DR) != ord("A")
    assert port.sent != b"x"


@pytest.mark.parametrize("control", [0, 1 << 13, 1 << 2])
def test_a_receiver_that_is_off_hears_nothing(port: Usart, time: Moment, control: int) -> None:
    port.write(usart.CR1, control)
    port.feed(b"A")
    time.at = BYTE
    assert not port.read(usart.SR) & usart.RXNE


def test_interrupts_come_from_the_flags_that_are_enabled(port: Usart, time: Moment) -> None:
    port.feed(b"A")
    time.at = BYTE
    port.update()
    assert not port.interrupt
    port.write(usart.CR1, UE_TE_RE | 1 << 5)
    assert port.interrupt
    port.read(usart.DR)
    assert not port.interrupt
    port.write(usart.CR1, UE_TE_RE | 1 << 7)
    assert port.interrupt  # TXE: there is room


# SPI.


class Loop:
    """Answers each byte with its complement."""

    def __init__(self) -> None:
        self.sent = bytearray()

    def shift(self, byte: int, mode: int, hertz: float) -> int:
        self.sent.append(byte)
        return byte ^ 0xFF


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def bus(time: Moment, loop: Loop, report: list[str]) -> Spi:
    bus = Spi(time, lambda: 84_000_000, loop, report.append)  # type: ignore[arg-type]
    bus.write(spi.CR1, MASTER | 1 << 3)  # 21 MHz: 380 ns a byte
    return bus


def test_a_value_comes_back_after_its_bits(bus: Spi, time: Moment) -> None:
    bus.write(spi.DR, 0x5A)
    assert bus.read(spi.SR) & (spi.TXE | spi.BSY | spi.RXNE) == spi.TXE | spi.BSY
    time.at = 379
    assert not bus.read(spi.SR) & spi.RXNE
    time.at = 381
    assert bus.read(spi.SR) & (spi.BSY | spi.RXNE) == spi.RXNE
    assert bus.read(spi.DR) == 0xA5


def test_a_value_written_while_one_waits_replaces_it(bus: Spi, time: Moment, loop: Loop) -> None:
    for value in (1, 2, 3):
        bus.write(spi.DR, value)
    assert not bus.read(spi.SR) & spi.TXE
    time.at = 2000
    bus.update()
    assert loop.sent == bytes((1, 3))


def test_a_value_that_is_not_read_in_time_is_an_overrun(bus: Spi, time: Moment) -> None:
    bus.write(spi.DR, 1)
    bus.write(spi.DR, 2)
    time.at = 1000
    assert bus.read(spi.SR) & spi.OVR
    assert bus.read(spi.DR) == 1 ^ 0xFF
    assert bus.read(spi.SR) & spi.OVR  # this read clears it
    assert not bus.read(spi.SR) & spi.OVR


@pytest.mark.parametrize("control", [0, MASTER & ~(1 << 6), MASTER & ~(1 << 2)])
def test_nothing_moves_while_the_interface_is_off_or_no_master(bus: Spi, time: Moment, loop: Loop, control: int) -> None:
    bus.write(spi.CR1, control)
    bus.write(spi.DR, 1)
    time.at = 10_000
    assert not bus.read(spi.SR) & spi.RXNE
    assert not loop.sent


def test_a_master_whose_select_is_low_stops(bus: Spi) -> None:
    bus.write(spi.CR1, MASTER & ~(1 << 8))
    assert bus.read(spi.SR) & spi.MODF
    assert not bus.read(spi.CR1) & (1 << 2 | 1 << 6)


def test_switching_off_amid_a_byte_loses_it_and_is_reported(bus: Spi, time: Moment, loop: Loop, report: list[str]) -> None:
    bus.write(spi.DR, 1)
    bus.write(spi.CR1, MASTER & ~(1 << 6))
    time.at = 1000
    bus.update()
    assert not loop.sent
    assert "amid a byte" in report[0]


def test_sixteen_bits_and_the_other_order_of_bits(bus: Spi, time: Moment, loop: Loop) -> None:
    bus.write(spi.CR1, MASTER | 1 << 11 | 1 << 7)
    bus.write(spi.DR, 0x8001)
    time.at = 1000
    assert bus.read(spi.DR) == 0x7FFE
    assert loop.sent == b"\x80\x01"


# Pins.


class Nets:
    """Remembers what is driven; ``levels`` are what the board drives."""

    def __init__(self) -> None:
        self.driven: dict[str, bool | None] = {}
        self.levels: dict[str, bool] = {}

    def drive(self, pin: str, high: bool | None) -> None:
        self.driven[pin] = high

    def level(self, pin: str) -> bool | None:
        return self.levels.get(pin)


@pytest.fixture
def nets() -> Nets:
    return Nets()


@pytest.fixture
def pins(nets: Nets) -> Gpio:
    return Gpio("C", nets)


def test_only_an_output_drives(pins: Gpio, nets: Nets) -> None:
    pins.write(gpio.BSRR, 1 << 3)
    assert "PC3" not in nets.driven
    pins.write(gpio.MODER, 1 << 6)
    assert nets.driven == {"PC3": True}
    pins.write(gpio.MODER, 2 << 6)
    assert nets.driven == {"PC3": None}


def test_setting_wins_over_resetting(pins: Gpio) -> None:
    pins.write(gpio.BSRR, 0b01 << 16 | 0b11)
    assert pins.read(gpio.ODR) == 0b11
    pins.write(gpio.BSRR, 0b10 << 16)
    assert pins.read(gpio.ODR) == 0b01


def test_an_open_drain_pulls_low_only(pins: Gpio, nets: Nets) -> None:
    pins.write(gpio.OTYPER, 1)
    pins.write(gpio.MODER, 1)
    assert nets.driven["PC0"] is False
    pins.write(gpio.BSRR, 1)
    assert nets.driven["PC0"] is None


def test_inputs_read_the_board_else_their_pull(pins: Gpio, nets: Nets) -> None:
    nets.levels = {"PC1": True, "PC2": False}
    pins.write(gpio.PUPDR, 1 << 4 | 1 << 6)
    assert pins.read(gpio.IDR) == 1 << 1 | 1 << 3


def test_a_pin_is_switched_through_to_one_function(pins: Gpio) -> None:
    pins.write(gpio.AFRH, 7 << 4)
    assert not pins.is_alternate(9, 7)
    pins.write(gpio.MODER, 2 << 18)
    assert pins.is_alternate(9, 7) and not pins.is_alternate(9, 5)


def test_a_reset_lets_every_pin_go(pins: Gpio, nets: Nets) -> None:
    pins.write(gpio.MODER, 1)
    pins.reset()
    assert nets.driven == {"PC0": None}
