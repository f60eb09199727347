"""Building the firmware and writing it into a microcontroller, with whatever tools are installed."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from firmware_builds import firmware_elf

from fxlstm.app import firmware


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put tools of these names, and no others, on the path; each writes down how it was called, and fails if told to."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def install(*names: str, fails: bool = False) -> Path:
        for name in names:
            script = f'#!/bin/sh\necho {name} "$@" > {tmp_path / "called"}\necho no probe found >&2\nexit {int(fails)}\n'
            (folder / name).write_text(script)
            (folder / name).chmod(stat.S_IRWXU)
        return tmp_path / "called"

    return install


def test_build_prints_where_the_firmware_is(command) -> None:
    built = firmware_elf("gcc")
    outcome = command("firmware", "build", "--compiler", "gcc", "--json")
    assert outcome.status == 0
    assert Path(json.loads(outcome.out)["elf"]) == built


def test_an_unknown_target_is_refused_with_those_there_are(command) -> None:
    outcome = command("firmware", "build", "--target", "z80")
    assert outcome.status == 1
    assert "no port to 'z80'" in outcome.err and "stm32f405" in outcome.err and "docs/porting.md" in outcome.err


def test_without_a_compiler_both_that_would_do_are_named(command, tools, monkeypatch) -> None:
    monkeypatch.setattr(firmware.importlib.util, "find_spec", lambda _: None)
    outcome = command("firmware", "build")
    assert outcome.status == 1
    assert "arm-none-eabi-gcc" in outcome.err and "ziglang" in outcome.err


def test_without_make_it_is_asked_for(command, tools) -> None:
    outcome = command("firmware", "build")
    assert outcome.status == 1
    assert "make is not installed" in outcome.err


def test_without_a_flashing_tool_all_that_would_do_are_named(command, tools) -> None:
    outcome = command("firmware", "flash", firmware_elf("gcc"))
    assert outcome.status == 1
    assert all(name in outcome.err for name in firmware.FLASHERS)


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("pyocd", "pyocd load --target stm32f405rgtx {elf}"),
        ("openocd", "openocd -f interface/stlink.cfg -f target/stm32f4x.cfg -c program {{{elf}}} verify reset exit"),
        ("dfu-util", "dfu-util --device 0483:df11 --alt 0 --dfuse-address 0x08000000:leave --download {bin}"),
    ],
)
def test_flash_uses_the_tool_that_is_there(command, tools, tool: str, words: str) -> None:
    elf = firmware_elf("gcc")
    called = tools(tool)
    assert command("firmware", "flash", elf).status == 0
    assert called.read_text().strip() == words.format(elf=elf, bin=elf.with_suffix(".bin"))


def test_a_tool_that_fails_is_heard(command, tools) -> None:
    tools("openocd", fails=True)
    outcome = command("firmware", "flash", firmware_elf("gcc"))
    assert outcome.status == 1
    assert "openocd did not write firmware.elf" in outcome.err and "no probe found" in outcome.err


def test_a_file_that_is_absent_or_no_firmware_is_refused(command, tools, tmp_path: Path) -> None:
    tools("dfu-util")
    assert "does not exist" in command("firmware", "flash", tmp_path / "none.elf").err
    (tmp_path / "text.elf").write_text("no program")
    assert "is no ELF file" in command("firmware", "flash", tmp_path / "text.elf").err


@pytest.mark.parametrize("compiler", ["gcc", "zig"])
def test_the_bytes_for_the_part_begin_with_its_vectors(compiler: str) -> None:
    image = firmware.flash_image(firmware_elf(compiler))
    stack, reset = (int.from_bytes(image[at : at + 4], "little") for at in (0, 4))
    assert 0x20000000 < stack <= 0x20020000 and 0x08000000 < reset < 0x08000000 + len(image)
