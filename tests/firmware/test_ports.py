"""A port is only a folder: each builds from the same sources with both compilers, and says where everything stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from firmware_builds import COMPILERS, FIRMWARE, firmware_elf

from firmware_budget import sections, symbols
from fxlstm.app.firmware import targets

MICROCONTROLLERS = targets()


def test_there_are_ports_to_two_families() -> None:
    assert {"stm32f405", "rp2040"} <= set(MICROCONTROLLERS)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("target", MICROCONTROLLERS)
def test_port_builds_for_its_processor_and_starts_at_its_vectors(target: str, compiler: str) -> None:
    elf = firmware_elf(compiler, target)
    names = symbols(elf)
    with elf.open("rb") as file:
        image = ELFFile(file)
        assert image["e_machine"] == "EM_ARM"
        text = image.get_section_by_name(".text")
        place = names["vectors"][0] - text["sh_addr"]
        stack, reset = (int.from_bytes(text.data()[place + at : place + at + 4], "little") for at in (0, 4))
    assert (stack, reset & ~1) == (names["stack_top"][0], names["start_reset"][0] & ~1)
    assert names["vectors"][0] % 256 == 0  # where the processor lets them stand
    assert sections(elf)[".data"] == 0  # nothing is global but what the port itself keeps


@pytest.mark.parametrize("folder", [path.parent for path in sorted(FIRMWARE.glob("port/*/SOURCES"))], ids=lambda path: path.name)
def test_sources_of_a_port_lists_every_file_once(folder: Path) -> None:
    lines = [line for line in (folder / "SOURCES").read_text().splitlines() if not line.startswith("#")]
    found = [path.name for path in folder.iterdir() if path.suffix in (".c", ".S")]
    assert sorted(line for line in lines if not line.startswith("../")) == sorted(found)
    assert all((folder / line).is_file() for line in lines)


@pytest.mark.parametrize("path", sorted(FIRMWARE.glob("port/*/*.[ch]")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_port_includes_another(path: Path) -> None:
    included = set(re.findall(r'#include "port/(\w+)/', path.read_text()))
    assert included <= {path.parent.name, "cortex_m"}
