"""Activations run with the multiply before them only where nobody can tell: the same integers as operation by operation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from small_programs import DIGITAL

from fxlstm.core import Engine, kernel_names
from fxlstm.program.program import Matrix, Operation, Program, Slice
from fxlstm.program.reference import Reference

SETS = [name for name in kernel_names() if name != "portable"]
ROWS, UNITS = 12, 20
COLUMNS = 3 * UNITS
RESULT, ACTIVATED, OTHER = ROWS, ROWS + COLUMNS, ROWS + COLUMNS + UNITS  # arena places
LENGTH = OTHER + 2 * UNITS


def matrix(shift: int = 40, offset: int = 0) -> Matrix:
    """Random weights; results of some thousand for a full-scale input, and an offset."""
    weights = np.random.default_rng(shift).integers(-127, 128, (ROWS, COLUMNS)).astype(np.int16)
    scale = {"mantissa": max(1, (1 << shift) // 2500), "shift": shift, "bias": offset << shift}
    return Matrix("m", weights, tiles=(), **{name: np.full(COLUMNS, value, np.int64) for name, value in scale.items()})


MULTIPLY = Operation("multiply", COLUMNS, result=RESULT, a=0)
ACTIVATE = Operation("activate", UNITS, result=ACTIVATED, a=RESULT + UNITS, function="tanh", fraction=12)


def program(*operations: Operation, of: Matrix | None = None, output: int = RESULT) -> Program:
    """The operations on all of the arena behind the input; from ``output`` on it is an output."""
    ends = Slice("x", 0, ROWS, 15), Slice("y", output, LENGTH - output, 15)
    arena = np.random.default_rng(1).integers(-30000, 30000, LENGTH).astype(np.int16)
    return Program.of_one_sweep(DIGITAL, arena, operations, (of or matrix(),), *ends)


def copy(result: int, a: int) -> Operation:
    return Operation("copy", UNITS, result=result, a=a)


def orders() -> Iterator[tuple[str, tuple[Operation, ...]]]:
    """Operations around an activation that would notice if it ran too early, and such that would not."""
    yield "alone", (MULTIPLY, ACTIVATE)
    yield "behind one that has nothing to do with it", (MULTIPLY, copy(OTHER, OTHER + UNITS), ACTIVATE)
    yield "behind one that reads its place", (MULTIPLY, copy(OTHER, ACTIVATED), ACTIVATE)
    yield "behind one that writes its place", (MULTIPLY, copy(ACTIVATED, OTHER), ACTIVATE)
    yield "behind one that writes its operand", (MULTIPLY, copy(RESULT + UNITS, OTHER), ACTIVATE)
    yield "in place", (MULTIPLY, replace(ACTIVATE, result=ACTIVATE.a))
    yield "over the multiply's operand", (MULTIPLY, replace(ACTIVATE, length=ROWS, result=0))
    yield "over other columns", (MULTIPLY, replace(ACTIVATE, result=RESULT), replace(ACTIVATE, a=RESULT))
    yield "one after the other", (MULTIPLY, ACTIVATE, replace(ACTIVATE, a=ACTIVATED, result=OTHER))
    yield "twice from the same columns", (MULTIPLY, ACTIVATE, replace(ACTIVATE, result=OTHER, function="sigmoid"))
    yield "across the ends of chunks", (MULTIPLY, replace(ACTIVATE, a=RESULT + 13), replace(ACTIVATE, a=RESULT + 33, result=OTHER))
    yield "of few codes", (MULTIPLY, replace(ACTIVATE, length=7))
    few = [replace(ACTIVATE, length=5, a=RESULT + start, result=OTHER + start) for start in (0, 5, 10)]
    yield "one that continues the other", (MULTIPLY, *few)
    yield "one that continues the other with another function", (MULTIPLY, few[0], replace(few[1], function="sigmoid"), few[2])
    yield "one that continues the other where it has written", (MULTIPLY, *(replace(one, result=one.a + 5) for one in few))
    yield "beyond the columns", (MULTIPLY, replace(ACTIVATE, a=RESULT + COLUMNS - 5, result=OTHER + 15))
    yield "before the multiply", (ACTIVATE, MULTIPLY)
    yield "of two multiplies", (MULTIPLY, ACTIVATE, MULTIPLY, replace(ACTIVATE, a=RESULT, result=OTHER))


def same_as_the_reference(made: Program, kernels: str) -> None:
    for batch in (1, 7, 40):
        x = np.random.default_rng(batch).integers(-32768, 32768, (batch, 3, ROWS)).astype(np.int16)
        found = Engine(made, kernels=kernels).run_codes(x)
        for sequence in range(0, batch, 13):
            np.testing.assert_array_equal(found[sequence], Reference(made).run_codes(x[sequence]))


@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("operations", [pytest.param(chosen, id=name) for name, chosen in orders()])
def test_no_order_of_operations_tells_where_an_activation_runs(operations: tuple[Operation, ...], kernels: str) -> None:
    same_as_the_reference(program(*operations), kernels)


@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("offset", [-9000, 0, 9000])
@pytest.mark.parametrize("shift", [15, 31, 32, 33, 42])
def test_results_are_the_references_with_shifts_around_32(shift: int, offset: int, kernels: str) -> None:
    same_as_the_reference(program(MULTIPLY, ACTIVATE, of=matrix(shift, offset)), kernels)


@pytest.mark.parametrize("kernels", SETS)
def test_what_saturates_in_a_multiply_is_counted_wherever_it_stands(kernels: str) -> None:
    bright = replace(matrix(32), mantissa=np.arange(1, COLUMNS + 1, dtype=np.int64) << 19)
    x = np.random.default_rng(0).integers(-32767, 32768, (9, 5, ROWS)).astype(np.int16)
    engine, plain = (Engine(program(MULTIPLY, of=bright), kernels=chosen) for chosen in (kernels, "portable"))
    np.testing.assert_array_equal(engine.run_codes(x), plain.run_codes(x))
    assert engine.saturations == plain.saturations
    assert 0 < plain.saturations[0].result < x.shape[0] * x.shape[1] * COLUMNS
