"""The kernels for the Cortex-M4: the integers of every shape of a matrix, and how many instructions a timestep takes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from arm_core import ArmCore
from firmware_builds import COMPILERS, firmware_elf
from planned_programs import HARDWARE, planned_programs, program_of
from random_programs import Run

from bench_peers import PAGE
from cortex_m4_work import HEADS, KERNELS, LARGEST_CODE, LEVELS, Core, layer, random_codes, steps
from fxlstm.core import Engine, activation
from fxlstm.program.operations import FUNCTIONS, MAX_FRACTION, Function
from fxlstm.program.program import Codes, Program
from generators.pages import part

GUARDED = HEADS.index("DSP, GCC -O2")
TOLERANCE = 0.03  # releases of a compiler differ by as much
BYTE_WEIGHT = LEVELS["8-bit"] - 1  # the largest
MOST, LEAST = LARGEST_CODE, -LARGEST_CODE - 1  # codes that leave room for it


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
    program = layer(inputs, units, LEVELS[line[1]])
    done = steps(core("gcc"), program, KERNELS["DSP"], random_codes(program, 2))
    assert done[1].instructions == pytest.approx(int(line[GUARDED].replace(",", "")), rel=TOLERANCE)


def agrees_step_by_step(program: Program, codes: Codes, compiler: str) -> list[int]:
    """Run both, compare outputs; the instructions of each timestep."""
    done = steps(core(compiler), program, KERNELS["DSP"], codes)
    expected = Engine(program, kernels="portable").run_codes(codes[None])[0]
    np.testing.assert_array_equal([step.outputs for step in done], expected)
    return [step.instructions for step in done]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("levels", LEVELS.values())
@pytest.mark.parametrize("rows", [*range(2, 34), 41, *range(47, 53), *range(63, 69), 82, 127, 130, 257, 262, 324, 514, 530])
def test_columns_of_any_length_give_the_integers_of_the_portable_kernels(rows: int, levels: int, compiler: str) -> None:
    program = layer(rows - 1, 1, levels)
    for largest in (LARGEST_CODE, 32767):
        agrees_step_by_step(program, random_codes(program, 2, largest), compiler)


def extreme(rows: int, codes: Codes) -> Program:
    """A dense layer of the largest weights, of one sign and of random ones; none of its columns saturates on the codes."""
    program = program_of("dense-tanh", HARDWARE["bytes"], rows, 5)
    (matrix,) = program.matrices
    weights = BYTE_WEIGHT * np.random.default_rng(rows).choice([-1, 1], matrix.weights.shape).astype(np.int16)
    weights[:, :2] = BYTE_WEIGHT, -BYTE_WEIGHT
    largest = np.abs(codes.astype(np.int64) @ weights).max(axis=0)
    shift = np.maximum(33, 31 + np.ceil(np.log2(largest / 32768)).astype(np.int64))
    mantissa = np.full_like(matrix.mantissa, 2**30)
    return replace(program, matrices=(replace(matrix, weights=weights, mantissa=mantissa, shift=shift, bias=0 * matrix.bias),))


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("rows", [2, 13, 16, 18, 64, 66, 130, 514])
def test_codes_that_leave_no_room_for_a_weight_take_another_way_to_the_same_integers(rows: int, compiler: str) -> None:
    random = np.random.default_rng(rows)
    fitting = [np.full(rows, MOST), np.full(rows, LEAST), *random.choice([MOST, LEAST], (4, rows))]
    beyond = [
        np.where(np.arange(rows) == random.integers(rows), code, fitting[-1]) for code in (MOST + 1, LEAST - 1, 32767, -32768)
    ]
    codes = np.array([*fitting, *beyond], np.int16)
    counts = agrees_step_by_step(extreme(rows, codes), codes, compiler)
    assert len(set(counts[: len(fitting)])) == 1
    assert min(counts[len(fitting) :]) > counts[0]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_every_code_has_the_activation_of_plain_c(function: Function, compiler: str) -> None:
    codes = np.arange(-32768, 32768).astype(np.int16)
    for fraction in range(MAX_FRACTION + 1):
        expected = activation(function.name, fraction, codes)
        np.testing.assert_array_equal(core(compiler).activate(function.code, fraction, codes), expected)


@cache
def arm_core(compiler: str) -> ArmCore:
    return ArmCore(compiler)


def agrees_with_portable(program: Program, batch: int, compiler: str) -> list[tuple[int, int]]:
    """Run both, compare outputs and counts of clipped codes; the counts."""
    codes = np.random.default_rng(batch).integers(-32768, 32768, (batch, 5, program.input.length)).astype(np.int16)
    engine = Engine(program, kernels="portable")
    expected = engine.run_codes(codes)
    outputs, clipped = arm_core(compiler).run(program, Run.of(codes))
    np.testing.assert_array_equal(outputs, expected)
    assert clipped == [(count.adc, count.result) for count in engine.saturations]
    return clipped


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", planned_programs())
def test_every_cell_and_form_of_weights_gives_the_integers_and_the_counts_of_the_portable_kernels(name: str, compiler: str) -> None:
    for batch in (1, 3):
        agrees_with_portable(planned_programs()[name], batch, compiler)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("inputs, units", [(5, 11), (18, 38), (18, 37), (300, 12)])
@pytest.mark.parametrize("form", ["bytes", "words", "split"])
def test_saturated_columns_are_counted(form: str, inputs: int, units: int, compiler: str) -> None:
    program = program_of("lstm", HARDWARE[form], inputs, units)
    loud = replace(program, matrices=tuple(replace(matrix, shift=matrix.shift - 4) for matrix in program.matrices))
    for batch in (1, 2):
        assert agrees_with_portable(loud, batch, compiler)[0][1] > 0
