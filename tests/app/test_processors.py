"""The processor of an emulated board, chosen on the command line."""

import pytest
from firmware_builds import firmware_elf

import fxlstm.app.firmware
from fxlstm.app.processors import Processor, on_processor
from fxlstm.emulator.board import EmulatedBoard
from fxlstm.emulator.clock import RealClock
from fxlstm.emulator.processors import make_firmware, newest_build
from fxlstm.errors import ImageError, LinkError


def test_the_same_board_with_its_firmware_on_another_processor(monkeypatch):
    monkeypatch.setattr(fxlstm.app.firmware, "build", lambda target: f"/tmp/{target}.elf")
    url = "emu://host?device=ideal&seed=1"
    assert on_processor(url, Processor.HOST) == url
    assert on_processor(url, Processor.STM32F405) == "emu://stm32f405?device=ideal&seed=1&elf=/tmp/stm32f405.elf"


def test_a_board_on_a_port_has_its_own_processor(command):
    outcome = command("demo", "airline", "--port", "emu://host", "--board", "stm32f405")
    assert outcome.status == 2 and "--board" in outcome.err


def test_an_emulated_microcontroller_keeps_up_with_the_walls_clock_as_far_as_it_can():
    board = EmulatedBoard("ideal", clock=RealClock(), processor="stm32f405", elf=firmware_elf("gcc"))
    said = b""
    while not said:
        before = board.clock.now()
        said, _ = board.poll()
        assert board.clock.now() - before < 30_000_000
    assert said.endswith(b"\0")  # the frame that tells of its start
    assert board.instructions > 0


def test_an_unknown_processor_lists_the_known_ones():
    with pytest.raises(LinkError, match="host, stm32f405"):
        EmulatedBoard("ideal", processor="z80")


def test_without_the_package_that_emulates_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "fxlstm.emulator.stm32f405.firmware", None)
    with pytest.raises(LinkError, match=r"fxlstm\[stm32\]"):
        make_firmware("stm32f405", None, "reference", None, None)


def test_without_a_build_it_is_said_how_to_get_one(tmp_path):
    with pytest.raises(ImageError, match="fxlstm firmware build"):
        newest_build(tmp_path)
