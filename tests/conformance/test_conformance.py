"""With an ideal array, every executor gives the integers of the reference interpreter, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from executors import ARRAYS, EXECUTORS, Executor, Outcome, reference
from random_networks import RECURRENT, quantized_network, random_network
from random_programs import random_inputs, random_program

from fxlstm.network import Bidirectional
from fxlstm.program.operations import FUNCTIONS, OPERATIONS
from fxlstm.program.program import Codes, Program

CHUNK = 500
NETWORKS = 300


@dataclass(frozen=True)
class Case:
    """A program, its inputs and what the reference makes of them."""

    seed: int
    program: Program
    inputs: Codes
    expected: Outcome


def make_case(seed: int) -> Case:
    program = random_program(seed)
    inputs = random_inputs(seed, program)
    return Case(seed, program, inputs, reference(program, inputs))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "cases" in metafunc.fixturenames:
        count = metafunc.config.getoption("--programs")
        chunks = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
        metafunc.parametrize("cases", chunks, indirect=True, scope="module", ids=[f"seeds-{c.start}-{c.stop - 1}" for c in chunks])


@pytest.fixture(scope="module")
def cases(request: pytest.FixtureRequest) -> list[Case]:
    """The programs of a range of seeds, run once by the reference for all executors."""
    return [make_case(seed) for seed in request.param]


@pytest.fixture(scope="module")
def network_cases() -> list[Case]:
    """Quantized random networks, run once by the reference for all executors."""
    made = [(seed, *quantized_network(seed)) for seed in range(NETWORKS)]
    return [Case(seed, program, inputs, reference(program, inputs)) for seed, program, inputs in made]


@pytest.mark.parametrize("name", EXECUTORS)
def test_executor_equals_the_reference_on_random_programs(name: str, cases: list[Case]) -> None:
    assert check_cases(EXECUTORS[name], cases) > 0


@pytest.mark.parametrize("name", [*EXECUTORS, *ARRAYS])
def test_executor_equals_the_reference_on_quantized_networks(name: str, network_cases: list[Case]) -> None:
    assert check_cases((EXECUTORS | ARRAYS)[name], network_cases) >= NETWORKS // 4


def check_cases(executor: Executor, cases: list[Case]) -> int:
    """Hold the executor to the reference on all cases that it takes; return how many these are."""
    taken = [case for case in cases if executor.takes(case.program)]
    for case in taken:
        outcome = executor.run(case.program, case.inputs)
        np.testing.assert_array_equal(outcome.outputs, case.expected.outputs, f"seed {case.seed}")
        check_counts(executor, outcome, case)
    return len(taken)


def check_counts(executor: Executor, outcome: Outcome, case: Case) -> None:
    if outcome.clipped is not None:
        assert case.expected.clipped is not None
        expected = [(adc if executor.counts_adc else 0, result) for adc, result in case.expected.clipped]
        assert outcome.clipped == expected, f"seed {case.seed}"


def test_random_programs_hold_everything_that_a_program_may_hold() -> None:
    programs = [random_program(seed) for seed in range(300)]
    operations = [operation for program in programs for operation in program.operations]
    assert {operation.kind for operation in operations} == {kind.name for kind in OPERATIONS}
    activations = {(operation.function, operation.fraction) for operation in operations if operation.kind == "activate"}
    assert {function for function, _ in activations} == {function.name for function in FUNCTIONS}
    assert {fraction for _, fraction in activations} == set(range(16))
    assert any(len(matrix.tiles) > 4 for program in programs for matrix in program.matrices)
    assert {program.hardware.adc_bits for program in programs} >= {None, 2, 16}
    assert {program.returns_last for program in programs} == {False, True}


def test_random_networks_hold_every_recurrent_cell() -> None:
    assert {random_network(seed).every_layer[0].cell.name for seed in range(NETWORKS)} == {cell.name for cell in RECURRENT}


def test_random_networks_and_programs_read_forward_and_backward() -> None:
    blocks = [block for seed in range(NETWORKS) for block in random_network(seed).layers]
    assert {block.merge for block in blocks if isinstance(block, Bidirectional)} == {"concat", "sum"}
    sweeps = [random_program(seed).sweeps for seed in range(300)]
    assert {len(some) for some in sweeps} == {1, 2, 3, 4}
    assert any(sweep.reverse for some in sweeps for sweep in some)


def test_results_of_random_programs_use_the_codes_between_the_ends() -> None:
    outputs = np.concatenate([make_case(seed).expected.outputs.ravel() for seed in range(200)])
    assert np.mean(np.abs(outputs.astype(np.int32)) < 32767) > 0.5
