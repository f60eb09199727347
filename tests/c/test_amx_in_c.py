"""The kernel set for AMX: its tile instructions are there, and nowhere else. What they give is tested by a model, tile_model.c."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import pytest
from test_core_in_c import CORE, HOST, listed, run

from fxlstm.core import _core

TILE_INSTRUCTIONS = {"ldtilecfg", "tilezero", "tileloadd", "tdpbusd", "tilestored", "tilerelease"}
WITHOUT_TILES = [source for source in listed(HOST) if source != "host/amx.c"]


def tile_instructions(code: str | Path) -> set[str]:
    """The tile instructions in an object file or library."""
    listing = run("objdump", "-d", "--no-show-raw-insn", code)
    return set(re.findall(r"^ *[0-9a-f]+:\t(\w*(?:tile|tdp)\w*)", listing, re.M))


def test_the_extension_has_the_tile_instructions() -> None:
    assert tile_instructions(_core.__file__) == (TILE_INSTRUCTIONS if platform.machine() == "x86_64" else set())


@pytest.mark.parametrize("source", WITHOUT_TILES)
def test_no_other_file_has_one(source: str, tmp_path: Path) -> None:
    run("cc", "-std=c11", "-O1", "-DFX_HOST", "-c", CORE / source, "-o", tmp_path / "object.o")
    assert tile_instructions(tmp_path / "object.o") == set()
