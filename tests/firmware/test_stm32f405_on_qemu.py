"""The firmware as a lab flashes it, on an STM32F405 that nobody here wrote: QEMU's, which has no converters and no oscillators.

So start-up, interrupts, arithmetic, protocol and faults are proved here, and that whatever does not answer is reported and hangs
nothing. It is also the digital mode: a board without an array runs programs by their integers.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from firmware_builds import COMPILERS, FIRMWARE, firmware_elf
from golden import FOLDER, read_vector
from qemu import Qemu

import fxlstm as fx
from fxlstm.board.board import Board
from fxlstm.board.protocol import SELFTEST_CHIP_KINDS
from fxlstm.errors import BoardError, LinkLost
from fxlstm.network import CELLS, Layer, Network
from fxlstm.program.program import Program

PC, SP = 15, 13
NOWHERE = 0xF0000000


@pytest.fixture(params=COMPILERS, scope="module")
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The serial line of a board that runs what one of the compilers made."""
    with Qemu(firmware_elf(request.param), tmp_path_factory.mktemp("qemu")) as board:
        yield board.url


@pytest.fixture
def upset(tmp_path: Path) -> Iterator[Qemu]:
    """A board whose processor is to be upset."""
    with Qemu(firmware_elf("gcc"), tmp_path) as board:
        yield board


@pytest.fixture(scope="module")
def program() -> Program:
    """A small LSTM for 16-bit converters."""
    random = np.random.default_rng(5)
    shapes = CELLS["lstm"].parameter_shapes({"inputs": 2, "units": 3})
    parameters = {name: random.uniform(-1, 1, shape) for name, shape in shapes.items()}
    return fx.quantize(Network((Layer(CELLS["lstm"], 2, 3, parameters),)), calibration=random.normal(size=(20, 2)))


def test_the_board_identifies_itself_and_says_what_it_came_up_without(url: str) -> None:
    with Board(url, log=False) as board:
        snapshot = board.snapshot()
    assert (snapshot["name"], snapshot["rows"], snapshot["columns"]) == ("fxlstm-reference", 128, 64)
    assert snapshot["reset_reason"] == "power" and snapshot["faults"] == 0
    assert (snapshot["clock"], snapshot["clock_hertz"]) == ("no_lock", 16_000_000)
    assert snapshot["start_chip"] == 0 and "did not echo" in snapshot["start_status"]


def test_a_program_runs_by_its_integers_as_on_the_host(url: str, program: Program) -> None:
    x = np.random.default_rng(6).normal(size=(2, 30, 2))
    with Board(url, log=False) as board:
        board.load(program)
        outputs = board.run(x, on_array=False)
    assert np.array_equal(outputs, fx.Engine(program).run(x))


@pytest.mark.parametrize("name", ["airline", "bidirectional-alone", "encoder-decoder-feedback"])
def test_golden_outputs_come_back_over_the_serial_line(url: str, name: str) -> None:
    vector = read_vector(FOLDER / f"{name}.json")
    with Board(url, log=False) as board:
        board.load(vector.program)
        outputs = board.run_phases(vector.inputs, vector.timesteps, on_array=False)
    assert outputs.tolist() == vector.outputs


def test_what_needs_the_array_is_refused_by_the_chip_that_is_missing(url: str, program: Program) -> None:
    with Board(url, log=False) as board:
        board.load(program)
        with pytest.raises(BoardError, match=r"did not echo.*DAC_ECHO"):
            board.run(np.zeros((3, 2)))
        assert {chip.kind for chip in board.selftest() if chip.status} == set(SELFTEST_CHIP_KINDS)


def test_a_fault_restarts_the_board_which_then_says_where_it_was(upset: Qemu) -> None:
    with Board(upset.url, log=False, reconnect=False) as board, pytest.raises(LinkLost, match="restarted"):
        upset.set_register(PC, NOWHERE)
        for _ in range(20):
            board.snapshot()
    with Board(upset.url, log=False) as board:
        snapshot = board.snapshot()
    assert (snapshot["reset_reason"], snapshot["faults"]) == ("fault", 1)
    assert (snapshot["fault_exception"], snapshot["fault_pc"]) == (3, NOWHERE)
    assert snapshot["fault_status"] != 0


def test_a_stack_that_overflows_is_a_fault_and_overwrites_nothing(upset: Qemu) -> None:
    with firmware_elf("gcc").open("rb") as file:
        (bottom,) = (s["st_value"] for s in ELFFile(file).get_section_by_name(".symtab").iter_symbols() if s.name == "stack_bottom")
    with Board(upset.url, log=False, reconnect=False) as board, pytest.raises(LinkLost, match="restarted"):
        upset.set_register(SP, bottom)
        for _ in range(20):
            board.snapshot()
    with Board(upset.url, log=False) as board:
        snapshot = board.snapshot()
    assert (snapshot["reset_reason"], snapshot["faults"], snapshot["fault_pc"]) == ("fault", 1, 0)


def test_a_program_may_come_with_the_firmware(tmp_path: Path, program: Program) -> None:
    program.save(tmp_path / "model.fxl")
    shutil.copytree(firmware_elf("gcc").parent, tmp_path / "build")
    settings = ("PORT=stm32f405", "TOOLCHAIN=gcc", f"BUILD={tmp_path / 'build'}", f"PROGRAM={tmp_path / 'model.fxl'}")
    subprocess.run(["make", "-C", FIRMWARE, *settings], check=True, capture_output=True)
    x = np.random.default_rng(7).normal(size=(4, 2))
    with Qemu(tmp_path / "build/firmware.elf", tmp_path) as qemu, Board(qemu.url, log=False) as board:
        held = board.snapshot()["program_crc"]
        board.load(program)
        assert held != 0 and board.snapshot()["frames"] < 10  # nothing had to be sent
        assert np.array_equal(board.run(x, on_array=False), fx.Engine(program).run(x))
