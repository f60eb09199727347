"""The kernels for the Cortex-M4: the integers of every shape of a matrix, and how many instructions a timestep takes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from firmware_builds import COMPILERS, firmware_elf

from bench_peers import PAGE
from cortex_m4_work import HEADS, KERNELS, LEVELS, Core, layer, steps
from fxlstm.core import Engine, activation
from fxlstm.program.operations import FUNCTIONS, MAX_FRACTION, Function
from generators.pages import part

GUARDED = HEADS.index("DSP, GCC -O2")
TOLERANCE = 0.03  # releases of a compiler differ by as much


@cache
def core(compiler: str) -> Core:
    return Core(firmware_elf(compiler))


def committed() -> list[list[str]]:
    """Lines of the table of docs/performance.md."""
    lines = part(PAGE.read_text(), "cortex-m4").splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("line", committed(), ids=lambda line: " ".join(line[:2]))
def test_a_timestep_takes_the_instructions_that_the_page_says(line: list[str]) -> None:
    inputs, units = map(int, line[0].split(","))
    _, done = steps(core("gcc"), layer(inputs, units, LEVELS[line[1]]), KERNELS["DSP"], 2)
    assert done[1].instructions == pytest.approx(int(line[GUARDED].replace(",", "")), rel=TOLERANCE)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("levels", LEVELS.values())
@pytest.mark.parametrize("rows", [*range(2, 18), 31, 32, 33, 41, 530])
def test_columns_of_any_length_give_the_integers_of_the_portable_kernels(rows: int, levels: int, compiler: str) -> None:
    program = layer(rows - 1, 1, levels)
    codes, done = steps(core(compiler), program, KERNELS["DSP"], 2)
    expected = Engine(program, kernels="portable").run_codes(codes[None])[0]
    np.testing.assert_array_equal([step.outputs for step in done], expected)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_every_code_has_the_activation_of_plain_c(function: Function, compiler: str) -> None:
    codes = np.arange(-32768, 32768).astype(np.int16)
    for fraction in range(MAX_FRACTION + 1):
        expected = activation(function.name, fraction, codes)
        np.testing.assert_array_equal(core(compiler).activate(function.code, fraction, codes), expected)
