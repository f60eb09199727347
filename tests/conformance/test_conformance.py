"""With an ideal array, every executor gives the integers of the reference interpreter, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from executors import ARRAYS, EXECUTORS, Executor, Outcome, reference
from random_networks import RECURRENT, quantized_network, random_network
from random_programs import Run, random_program, random_run

from fxlstm.network import Bidirectional
from fxlstm.program import layout
from fxlstm.program.operations import FUNCTIONS, OPERATIONS
from fxlstm.program.program import Program

CHUNK = 500
NETWORKS = 300
NETWORKS_ON_DEVICE = 6


@dataclass(frozen=True)
class Case:
    """A program, its inputs and what the reference makes of them."""

    seed: int
    program: Program
    given: Run
    expected: Outcome


def make_case(seed: int) -> Case:
    program = random_program(seed)
    given = random_run(seed, program)
    return Case(seed, program, given, reference(program, given))


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
    return [Case(seed, program, given, reference(program, given)) for seed, program, given in made]


@pytest.mark.parametrize("name", EXECUTORS)
def test_executor_equals_the_reference_on_random_programs(name: str, cases: list[Case], pytestconfig: pytest.Config) -> None:
    every = EXECUTORS[name].every
    if EXECUTORS[name].on_device:
        every = max(pytestconfig.getoption("--programs") // pytestconfig.getoption("--device-programs"), 1)
    assert check_cases(EXECUTORS[name], cases[::every]) > 0


@pytest.mark.parametrize("name", [*EXECUTORS, *ARRAYS])
def test_executor_equals_the_reference_on_quantized_networks(name: str, network_cases: list[Case]) -> None:
    executor = (EXECUTORS | ARRAYS)[name]
    cases = network_cases[:: NETWORKS // NETWORKS_ON_DEVICE if executor.on_device else 1]
    assert check_cases(executor, cases) >= len(cases) // 4


def check_cases(executor: Executor, cases: list[Case]) -> int:
    """Hold the executor to the reference on all cases that it takes; return how many these are."""
    taken = [case for case in cases if executor.takes(case.program)]
    for case in taken:
        outcome = executor.run(case.program, case.given)
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


def test_random_networks_read_forward_and_backward() -> None:
    blocks = [block for seed in range(NETWORKS) for block in random_network(seed).layers]
    assert {block.merge for block in blocks if isinstance(block, Bidirectional)} == {"concat", "sum"}


def test_random_programs_hold_every_form_of_sweep_and_phase() -> None:
    programs = [random_program(seed) for seed in range(300)]
    phases = [phase for program in programs for phase in program.phases]
    assert {len(program.phases) for program in programs} == {1, 2, 3}
    assert {len(phase.sweeps) for phase in phases} == {1, 2, 3, 4}
    assert {phase.streams for phase in phases if len(phase.sweeps) > 1} == {False, True}
    assert {bool(phase.input[1]) for phase in phases} == {bool(phase.output[1]) for phase in phases} == {False, True}
    assert {sweep.period for program in programs for sweep in program.sweeps} == {1, 2, 3}
    assert {layout.weight_bits(program.hardware.levels) for program in programs} == {8, 16}
    runs = [random_run(seed, program) for seed, program in enumerate(programs)]
    assert {run.is_whole for run, program in zip(runs, programs, strict=True) if len(program.phases) == 1} == {False, True}


def test_results_of_random_programs_use_the_codes_between_the_ends() -> None:
    outputs = np.concatenate([make_case(seed).expected.outputs.ravel() for seed in range(200)])
    assert np.mean(np.abs(outputs.astype(np.int32)) < 32767) > 0.5
