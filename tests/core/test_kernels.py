"""Kernel sets: the one that is forced runs, and an unknown name is an error."""

from __future__ import annotations

import pytest
from small_programs import doubler

from fxlstm.core import Engine, kernel_names
from fxlstm.core._core import Executor, Image, kernels_need, kernels_usable
from fxlstm.errors import ProgramError


def test_portable_kernels_are_always_there() -> None:
    assert kernel_names()[-1] == "portable"


@pytest.mark.parametrize("name", kernel_names())
def test_the_forced_kernels_really_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Engine(doubler(), kernels=name).kernels == name
    monkeypatch.setenv("FXLSTM_KERNELS", name)
    assert Engine(doubler()).kernels == name
    assert Executor(Image(doubler().to_bytes()), 1, name).kernels == name


def test_an_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FXLSTM_KERNELS", "abacus")
    assert Engine(doubler(), kernels="portable").kernels == "portable"


def test_without_force_the_best_kernels_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FXLSTM_KERNELS", raising=False)
    assert Engine(doubler()).kernels == kernel_names()[0]


@pytest.mark.parametrize("name", [name for name in ("avx512-vnni", "amx", "avx2") if kernels_need(name)])
def test_kernels_of_another_processor_are_refused_with_what_they_need(name: str) -> None:
    if kernels_usable(name):
        assert Engine(doubler(), kernels=name).kernels == name
    else:
        with pytest.raises(ProgramError, match=f"this machine cannot run kernels '{name}', which need .*; choose from: .*portable"):
            Engine(doubler(), kernels=name)


def test_an_unknown_name_is_an_error_that_lists_the_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProgramError, match=r"no kernels named 'abacus' on this machine; choose from: .*portable"):
        Engine(doubler(), kernels="abacus")
    monkeypatch.setenv("FXLSTM_KERNELS", "abacus")
    with pytest.raises(ProgramError, match="'abacus'"):
        Engine(doubler())
