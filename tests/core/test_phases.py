"""Phases, periods and runs beyond the given inputs, on programs whose outputs are known by heart; reference and engine alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from small_programs import DIGITAL, accumulator, two_tiles

from fxlstm.core import Engine
from fxlstm.errors import ModelError, ProgramError
from fxlstm.program import layout
from fxlstm.program.image import from_bytes
from fxlstm.program.program import Codes, Operation, Program, Slice, Sweep
from fxlstm.program.reference import Reference

RUNNERS = {"reference": Reference, "engine": Engine}
runners = pytest.mark.parametrize("runner", RUNNERS.values(), ids=RUNNERS)
Runner = Callable[[Program], Reference | Engine]


def codes(*values: int) -> Codes:
    """One feature over time."""
    return np.array(values, dtype=np.int16)[:, np.newaxis]


def with_sweeps(operations: tuple[Operation, ...], *sweeps: Sweep, arena: int = 4) -> Program:
    """A program of one input code at 0 and one output code at 1 for each phase that has them."""
    made = Program(DIGITAL, np.zeros(arena, np.int16), operations, (), sweeps, (), ())
    inputs = tuple((Slice("x", *phase.input, 15),) if phase.input[1] else () for phase in made.phases)
    outputs = tuple((Slice("y", *phase.output, 15),) if phase.output[1] else () for phase in made.phases)
    return replace(made, inputs=inputs, outputs=outputs)


ADD = Operation("sum", 1, result=1, a=0, b=1)  # y += x
FEED_BACK = Operation("copy", 1, result=0, a=1)
ENCODER = Sweep(1, 1, input_start=0, input_length=1)
DECODER = Sweep(1, 1, phase=1, output_start=1, output_length=1)


@runners
def test_a_decoder_goes_on_with_the_state_of_its_encoder(runner: Runner) -> None:
    program = with_sweeps((ADD, Operation("sum", 1, result=1, a=1, b=1)), ENCODER, DECODER)
    nothing = np.zeros((0, 0), dtype=np.int16)
    assert runner(program).run_phases([codes(1, 2, 3), nothing], [3, 4]).ravel().tolist() == [12, 24, 48, 96]


@runners
def test_each_sequence_of_a_batch_has_its_own_state_through_all_phases(runner: Runner) -> None:
    program = with_sweeps((ADD, Operation("sum", 1, result=1, a=1, b=1)), ENCODER, DECODER)
    x, nothing = np.stack([codes(1, 2), codes(5, 5)]), np.zeros((2, 0, 0), dtype=np.int16)
    outputs = runner(program).run_phases([x, nothing], [2, 2], {1: np.array([[0], [100]], dtype=np.int16)})
    assert outputs[..., 0].tolist() == [[6, 12], [220, 440]]


@runners
def test_a_phase_runs_on_by_itself_with_its_input_held_or_fed_back(runner: Runner) -> None:
    assert runner(accumulator()).run_phases([codes(1, 2)], [5]).ravel().tolist() == [1, 3, 5, 7, 9]
    feeding = with_sweeps((ADD, FEED_BACK), Sweep(2, 2, input_length=1, output_start=1, output_length=1))
    assert runner(feeding).run_phases([codes(1, 2)], [5]).ravel().tolist() == [1, 3, 6, 12, 24]


@runners
def test_a_sweep_with_a_period_holds_its_output_between(runner: Runner) -> None:
    program = with_sweeps((ADD,), Sweep(1, 1, period=3, input_length=1, output_start=1, output_length=1))
    assert runner(program).run_codes(codes(1, 2, 3, 4, 5, 6, 7)).ravel().tolist() == [0, 0, 3, 3, 3, 9, 9]


@runners
def test_a_period_counts_the_timesteps_of_its_phase(runner: Runner) -> None:
    decoder = replace(DECODER, period=2)
    program = with_sweeps((ADD, Operation("sum", 1, result=1, a=1, b=1)), ENCODER, decoder)
    nothing = np.zeros((0, 0), dtype=np.int16)
    assert runner(program).run_phases([codes(1), nothing], [1, 4]).ravel().tolist() == [1, 2, 2, 4]


@runners
def test_sweeps_of_a_streaming_phase_meet_in_the_arena(runner: Runner) -> None:
    operations = Operation("copy", 1, result=2, a=0, shift_ab=1), Operation("sum", 1, result=1, a=2, b=1)
    program = with_sweeps(operations, Sweep(1, 1, input_length=1), Sweep(1, 1, period=2, output_start=1, output_length=1))
    assert runner(program).run_codes(codes(1, 2, 3, 4)).ravel().tolist() == [0, 4, 4, 12]


@runners
def test_steps_count_timesteps_as_a_run_does(runner: Runner) -> None:
    program = with_sweeps((ADD,), Sweep(1, 1, period=2, input_length=1, output_start=1, output_length=1))
    made = runner(program)
    step = made.step if isinstance(made, Reference) else made.step_codes
    assert [int(np.ravel(step(np.array([1], np.int16)))[0]) for _ in range(5)] == [0, 1, 1, 2, 2]


@runners
def test_clamp_limits_to_its_bounds_and_the_upper_one_wins(runner: Runner) -> None:
    x, y = Slice("x", 0, 3, 15), Slice("y", 3, 1, 15)
    program = Program.of_one_sweep(DIGITAL, np.zeros(4, np.int16), (Operation("clamp", 1, 3, 0, 1, 2),), (), x, y)
    given = np.array([[5, -2, 2], [-5, -2, 2], [1, -2, 2], [0, 7, 3], [-32768, -32768, 32767]], dtype=np.int16)
    assert runner(program).run_codes(given).ravel().tolist() == [2, -2, 1, 3, -32768]


@runners
@pytest.mark.parametrize(
    ("inputs", "timesteps"),
    [([codes(1)], [1, 1]), ([codes(1, 2)], [1]), ([codes(1)], [0]), ([np.zeros((1, 2), np.int16)], [1]), ([codes(1)[0]], [1])],
)
def test_runs_that_do_not_fit_the_phases_are_refused(runner: Runner, inputs: list[Codes], timesteps: list[int]) -> None:
    with pytest.raises(ProgramError):
        runner(accumulator()).run_phases(inputs, timesteps)


@runners
def test_a_phase_that_reads_backward_does_not_run_on_by_itself(runner: Runner) -> None:
    backward = Sweep(1, 1, reverse=True, input_length=1, output_start=1, output_length=1)
    last = Sweep(1, 1, source=1, input_start=2, input_length=1, output_start=3, output_length=1)
    program = with_sweeps((ADD, Operation("copy", 1, result=3, a=2)), backward, last)
    assert runner(program).run_codes(codes(1, 2, 3)).ravel().tolist() == [6, 5, 3]
    with pytest.raises(ProgramError, match="reads backward"):
        runner(program).run_phases([codes(1, 2)], [3])


def test_weights_take_8_bits_where_they_fit_and_give_the_same_integers() -> None:
    (matrix,) = two_tiles().matrices
    program = replace(two_tiles(), matrices=(replace(matrix, weights=np.array([[-127], [3]], np.int16)),))
    images = [replace(program, hardware=replace(program.hardware, levels=levels)).to_bytes() for levels in (128, 129)]
    headers = [dict(zip(layout.HEADER.names, layout.HEADER.format.unpack_from(image), strict=True)) for image in images]
    assert [header["weight_bits"] for header in headers] == [8, 16]
    x = np.array([[1, 2], [-3, 4], [32767, -32768]], dtype=np.int16)
    first, second = (Engine(image).run_codes(x).tolist() for image in images)
    assert first == second == Reference(from_bytes(images[0])).run_codes(x).tolist()


def test_parts_of_an_input_and_an_output_have_formats_of_their_own() -> None:
    copy = Operation("copy", 2, result=2, a=0)
    sweep = Sweep(1, 1, input_length=2, output_start=2, output_length=2)
    x = Slice("value", 0, 1, 15, scale=2.0), Slice("count", 1, 1, 0)
    y = Slice("value", 2, 1, 15, scale=2.0), Slice("count", 3, 1, 0)
    program = Program(DIGITAL, np.zeros(4, np.int16), (copy,), (), (sweep,), (x,), (y,))
    assert program.encode([[1.0, 7.0]]).tolist() == [[16384, 7]]
    for same in (program, from_bytes(program.to_bytes())):
        np.testing.assert_array_equal(Engine(same).run([[1.0, 7.0], [0.5, -3.0]]), [[1.0, 7.0], [0.5, -3.0]])
    with pytest.raises(ModelError, match="2 features"):
        program.encode([1.0, 2.0, 3.0])
