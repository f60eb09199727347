"""What the documentation shows works, and what it names is there."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def commands() -> list[list[str]]:
    """The command lines of the README that begin with ``fxlstm``."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("fxlstm ")]


def test_the_python_example_runs(capsys):
    (example,) = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    assert "in tolerance" in capsys.readouterr().out


def test_the_python_example_has_fifteen_lines():
    assert len([line for line in blocks("python")[0].splitlines() if line]) == 15


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_every_command_shown_exists_with_its_options(command, arguments):
    words = [word for word in arguments if not word.startswith("-")]
    depth = 2 if words[0] in ("board", "demo") else 1
    help_text = command(*words[:depth], "--help")
    assert help_text.status == 0
    for option in (word for word in arguments if word.startswith("--")):
        assert option in help_text.out


def test_quantize_and_run_as_shown(command, network_file, inputs_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments in commands():
        if arguments[0] in ("quantize", "run"):
            assert command(*arguments).status == 0
    assert (tmp_path / "y.npy").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    assert [name for name in targets if "://" not in name and not (page.parent / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_named_with_their_folder_exist(page):
    named = re.findall(r"`((?:fxlstm|firmware|tests|tools|scripts|docs|examples)/[\w/.]+)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []
