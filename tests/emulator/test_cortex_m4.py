"""What Unicorn does not know of a Cortex-M4, exceptions and sleep, and the time that instructions take; by small C programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from firmware_builds import PROCESSOR

from fxlstm.emulator.bus import Bus
from fxlstm.emulator.clock import VirtualClock
from fxlstm.emulator.stm32f405.memory import read_elf
from fxlstm.emulator.stm32f405.microcontroller import Stm32f405
from fxlstm.emulator.stm32f405.nvic import AIRCR, ICPR, IPR, ISER, Nvic
from fxlstm.emulator.stm32f405.wiring import Wiring
from fxlstm.errors import ImageError
from fxlstm.program.hardware import load_board

SOURCES = Path(__file__).resolve().parents[1] / "c/arm"
FLAGS = [
    "-O1",
    "-g",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fno-sanitize=undefined",
    "-std=c11",
    "-ffreestanding",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-nostdlib",
    "-Wl,--entry=start",
]
NESTED, MASKED, FLOATS, CALL, SLEEP, READ_NOWHERE, UNDEFINED, EMPTY_VECTOR, JUMP_TO_DATA, COUNT = range(10)
BFARVALID_PRECISERR, IBUSERR, UNDEFINSTR, INVSTATE, FORCED = 0x8200, 0x100, 1 << 16, 1 << 17, 1 << 30
MILLISECOND = 1_000_000


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("arm") / "exceptions.elf"
    script = f"-Wl,-T,{SOURCES / 'stm32f405.ld'}"
    subprocess.run([*PROCESSOR["zig"], *FLAGS, script, SOURCES / "exceptions.c", "-o", path], check=True)
    return path


class Bench:
    """A microcontroller with the program, and what the program has seen."""

    def __init__(self, elf: Path) -> None:
        self.reports: list[str] = []
        board, clock = load_board("reference"), VirtualClock()
        wiring = Wiring(Bus(NoArray(), clock=clock), board, self.reports.append)
        self.part = Stm32f405(wiring, 8_000_000, 2_000_000, clock, self.reports.append)
        self.part.memory.load(read_elf(elf))
        with elf.open("rb") as file:
            symbols = ELFFile(file).get_section_by_name(".symtab")
            self._at = {symbol.name: symbol["st_value"] for symbol in symbols.iter_symbols()}

    def run(self, scenario: int, nanoseconds: int = 5 * MILLISECOND) -> list[int]:
        self.part.power_on()
        self.part.memory.sram[:] = bytes(len(self.part.memory.sram))
        self.part.memory.sram[self._at["scenario"] - 0x20000000] = scenario
        self.part.run(self.part.time.now() + nanoseconds)
        return self.seen

    @property
    def seen(self) -> list[int]:
        first = self._at["seen"] - 0x20000000
        return [int.from_bytes(self.part.memory.sram[first + 4 * i : first + 4 * i + 4], "little") for i in range(8)]


class NoArray:
    """Nothing behind the converters."""

    def convert(self, row_codes: object, range_index: int) -> object: ...

    def pulse(self, row_volts: object, gate_volts: object, seconds: float) -> None: ...


@pytest.fixture
def bench(elf: Path) -> Bench:
    return Bench(elf)


def test_a_more_urgent_interrupt_interrupts_a_handler(bench: Bench) -> None:
    assert bench.run(NESTED)[:4] == [8, 9, 80, 1]


def test_masks_hold_interrupts_back_until_they_are_lifted(bench: Bench) -> None:
    assert bench.run(MASKED)[:8] == [1, 8, 2, 3, 9, 4, 8, 5]


def test_floating_point_registers_survive_interrupts_that_use_them(bench: Bench) -> None:
    assert bench.run(FLOATS)[7] == 500500


def test_a_system_call_is_exception_11(bench: Bench) -> None:
    assert bench.run(CALL)[:2] == [11, 1]


def test_a_sleeper_wakes_at_the_tick_and_time_has_passed_without_instructions(bench: Bench) -> None:
    bench.run(SLEEP, MILLISECOND - 1000)
    assert bench.seen[:2] == [0, 0] and bench.part.asleep
    before = bench.part.instructions
    bench.part.run(bench.part.time.now() + 3 * MILLISECOND)
    assert bench.seen[:4] == [15, 1, 15, 2]
    assert bench.part.instructions - before < 200


@pytest.mark.parametrize(
    ("scenario", "cause", "address"),
    [
        (READ_NOWHERE, BFARVALID_PRECISERR, 0x30000000),
        (UNDEFINED, UNDEFINSTR, 0),
        (EMPTY_VECTOR, INVSTATE, 0),
        (JUMP_TO_DATA, IBUSERR, 0),
    ],
)
def test_a_fault_says_its_cause(bench: Bench, scenario: int, cause: int, address: int) -> None:
    seen = bench.run(scenario)
    start = seen.index(3)
    assert seen[start : start + 4] == [3, cause, FORCED, address]


def test_instructions_are_counted_and_take_their_time(bench: Bench) -> None:
    bench.run(COUNT, 1)
    before, start = bench.part.instructions, bench.part.time.now()
    bench.part.run(start + 60_000)
    assert not bench.seen[0]
    bench.part.run(start + 5 * MILLISECOND)
    assert bench.seen[0] == 1
    assert 2001 <= bench.part.instructions - before <= 2100  # the loop, and what is around it


def test_an_image_that_is_no_program_for_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no image")
    with pytest.raises(ImageError, match="no ELF file"):
        read_elf(tmp_path / "text")
    with pytest.raises(ImageError, match="no ARM program"):
        read_elf(sys.executable)
    with pytest.raises(ImageError, match="cannot be read"):
        read_elf(tmp_path / "absent")


# The interrupt controller by itself.


def test_the_group_of_a_priority_decides_what_interrupts() -> None:
    nvic = Nvic(lambda: None)
    nvic.write(ISER, 0b11)
    nvic.write(IPR, 0x1020)  # interrupt 0: 0x20, interrupt 1: 0x10
    nvic.set_line(16, True)
    nvic.set_line(17, True)
    assert nvic.next_exception(256) == 17
    nvic.enter(17)
    assert nvic.next_exception(nvic.running_priority(0, 0, 0)) is None
    nvic.leave(17)
    assert nvic.next_exception(256) == 17  # its line is still high
    nvic.write(AIRCR, 0x05FA0500)  # two bits of group: 0x10 and 0x20 are of one
    nvic.set_line(17, False)
    nvic.write(ICPR, 0b10)
    nvic.enter(16)
    nvic.pend(17)
    assert nvic.next_exception(nvic.running_priority(0, 0, 0)) is None


def test_a_system_reset_wants_its_key() -> None:
    asked: list[bool] = []
    nvic = Nvic(lambda: asked.append(True))
    nvic.write(AIRCR, 4)
    assert not asked
    nvic.write(AIRCR, 0x05FA0004)
    assert asked
