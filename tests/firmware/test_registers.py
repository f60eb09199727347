"""The STM32F405 port against public descriptions of the part: registers by ST's SVD file, pins, interrupt and memory by modm's."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fxlstm.program.hardware import load_board

PORT = Path(__file__).resolve().parents[2] / "firmware/port/stm32f405"
HEADER = (PORT / "registers.h").read_text()
WIRED = load_board("reference")["microcontroller"]
SVD = ElementTree.parse(str(files("cmsis_svd") / "data/STMicro/STM32F40x.svd"))
DEVICE = ElementTree.parse(str(files("modm_devices") / "resources/devices/stm32/stm32f4-05_07_15_17.xml"))
# Where the SVD file has other names than the reference manual.
SVD_NAMES = {"GPIO": "GPIOA", "DBGMCU": "DBG", "APB1_FZ": "DBGMCU_APB1_FZ", "IWDG_STOP": "DBG_IWDEG_STOP"}


def number(text: str | None) -> int:
    assert text is not None
    return int(text.rstrip("u"), 0)


PERIPHERALS = {element.findtext("name", ""): element for element in SVD.iter("peripheral")}


def register(peripheral: str, name: str) -> ElementTree.Element:
    element = PERIPHERALS[SVD_NAMES.get(peripheral, peripheral)]
    element = PERIPHERALS[element.get("derivedFrom", element.findtext("name", ""))]
    return {found.findtext("name", ""): found for found in element.iter("register")}[SVD_NAMES.get(name, name)]


def defined(pattern: str) -> list[tuple[str, ...]]:
    """The groups of every definition in the header that a pattern matches."""
    return re.findall(rf"^#define {pattern}", HEADER, re.M)


BASES = [base for base in defined(r"(\w+) (0x[0-9A-F]+)u$") if base[0] != "UNIQUE_ID"]
REGISTERS = defined(r"([A-Z0-9]+)_(\w+?)(?:\(port\))? REGISTER\(\w+(?:\(port\))?, (0x[0-9A-F]+)u\)")
FIELDS = defined(r"((?:[A-Z0-9]+_)+?(?:[A-Z0-9]+|APB1_FZ))_([A-Z0-9]+|IWDG_STOP)(?:\(value\))? (?:BIT\(|FIELD\(value, )(\d+)\)")


def test_every_line_of_the_header_is_held_by_one_of_the_tests_below() -> None:
    known = len(BASES) + len(REGISTERS) + len(FIELDS) + len(defined(r"\w+_INTERRUPT "))
    others = {"REGISTERS_H", "REGISTER", "BIT", "FIELD", "GPIO", "UNIQUE_ID"}
    names = re.findall(r"^#define (\w+)", HEADER, re.M)
    assert known == len([name for name in names if name not in others])


@pytest.mark.parametrize(("name", "address"), BASES)
def test_peripheral_stands_where_the_svd_file_says(name: str, address: str) -> None:
    assert number(PERIPHERALS[SVD_NAMES.get(name, name)].findtext("baseAddress")) == number(address)


@pytest.mark.parametrize(("peripheral", "name", "offset"), REGISTERS)
def test_register_has_the_offset_of_the_svd_file(peripheral: str, name: str, offset: str) -> None:
    assert number(register(peripheral, name).findtext("addressOffset")) == number(offset)


@pytest.mark.parametrize(("name", "field", "position"), FIELDS)
def test_field_has_the_position_of_the_svd_file(name: str, field: str, position: str) -> None:
    found = register(*name.split("_", 1))
    positions = {element.findtext("name"): number(element.findtext("bitOffset")) for element in found.iter("field")}
    first = SVD_NAMES.get(field, field)
    assert positions.get(first, positions.get(f"{first}0")) == int(position)  # the file has wide fields bit by bit


def test_interrupt_numbers_are_those_of_the_part() -> None:
    for name, position in defined(r"(\w+)_INTERRUPT (\d+)u"):
        vectors = [vector for vector in DEVICE.iter("vector") if vector.get("name") == name]
        assert [vector.get("position") for vector in vectors] == [position]


def signals(pin: str) -> set[tuple[str, str]]:
    """(peripheral with number and signal, alternate function) that a pin can have."""
    gpios = [gpio for gpio in DEVICE.iter("gpio") if (gpio.get("port"), gpio.get("pin")) == (pin[1].lower(), pin[2:])]
    assert gpios, f"the part has no pin {pin}"
    found = (signal.attrib for gpio in gpios for signal in gpio)
    return {(f"{it['driver']}{it.get('instance', '')} {it['name']}", it.get("af", "")) for it in found}


@pytest.mark.parametrize(
    ("pins", "peripheral", "names"), [("spi_pins", "spi1", ("sck", "miso", "mosi")), ("serial_pins", "usart1", ("tx", "rx"))]
)
def test_wired_pins_have_the_function_that_the_port_gives_them(pins: str, peripheral: str, names: tuple[str, ...]) -> None:
    source = (PORT / "pins.c").read_text()
    (function,) = re.findall(rf"FUNCTION_{peripheral.upper()} = (\d+)", source)
    for pin, name in zip(WIRED[pins], names, strict=True):
        assert (f"{peripheral} {name}", function) in signals(pin)


def test_every_wired_pin_exists_and_none_is_the_debuggers() -> None:
    for pin in WIRED["line_pins"] + WIRED["select_pins"]:
        assert not {name for name, _ in signals(pin)} & {"sys swdio", "sys swclk"}


def test_the_linker_script_uses_no_more_memory_than_there_is() -> None:
    memories = [memory.attrib for memory in DEVICE.iter("memory") if memory.get("device-size") in (None, "g")]
    sizes = {name: sum(int(m["size"]) for m in memories if m["name"].startswith(name)) for name in ("flash", "sram", "ccm")}
    script = (PORT / "link.ld").read_text()
    lengths = {name: int(kib) * 1024 for name, kib in re.findall(r"(\w+) \(\w+\) : ORIGIN = \w+, LENGTH = (\d+)K", script)}
    assert lengths == {"flash": sizes["flash"], "ram": sizes["sram"], "core_coupled": sizes["ccm"]}
