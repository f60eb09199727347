"""The engine as a user meets it: shapes, state, batches, threads, counters and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from random_programs import random_program
from small_programs import accumulator, doubler

from fxlstm.core import Engine
from fxlstm.errors import ImageError, ModelError, ProgramError
from fxlstm.program.reference import Reference


def codes(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32768, 32768, shape).astype(np.int16)


# ---- shapes


def test_output_has_the_form_of_the_input() -> None:
    engine = Engine(doubler())
    assert engine.run(np.zeros((5, 2))).shape == (5, 3)
    assert engine.run(np.zeros((4, 5, 2))).shape == (4, 5, 3)
    assert engine.run(np.zeros((0, 5, 2))).shape == (0, 5, 3)
    assert engine.step(np.zeros(2)).shape == (3,)


def test_a_program_that_returns_its_last_output_gives_no_time_axis() -> None:
    engine = Engine(doubler(returns_last=True))
    assert engine.run(np.zeros((5, 2))).shape == (3,)
    assert engine.run(np.zeros((4, 5, 2))).shape == (4, 3)
    assert engine.run(np.zeros((0, 5, 2))).shape == (0, 3)


def test_values_pass_through_the_scales_of_input_and_output() -> None:
    np.testing.assert_array_equal(Engine(doubler(scale=4.0)).run([[0.5, -1.0]]), [[1.0, -2.0, 0.5]])


def test_values_beyond_the_input_scale_saturate() -> None:
    assert Engine(doubler()).run([[9.0, -9.0]])[0, 2] == 32767 / 32768


def test_lists_and_strided_arrays_are_taken() -> None:
    engine = Engine(doubler())
    x = codes(6, 5, 4)
    np.testing.assert_array_equal(engine.run_codes(x[::2, :, ::2]), engine.run_codes(np.ascontiguousarray(x[::2, :, ::2])))
    assert engine.run([[0.25, 0.0]]).tolist() == [[0.5, 0.0, 0.25]]


# ---- state


def test_every_run_starts_from_reset() -> None:
    engine = Engine(accumulator())
    x = np.full((4, 1), 0.125)
    assert engine.run(x).ravel().tolist() == [0.125, 0.25, 0.375, 0.5]
    assert engine.run(x).ravel().tolist() == [0.125, 0.25, 0.375, 0.5]


def test_steps_carry_the_state_on_and_reset_forgets_it() -> None:
    engine = Engine(accumulator())
    assert [engine.step([0.125])[0] for _ in range(3)] == [0.125, 0.25, 0.375]
    engine.run(np.ones((4, 1)))
    assert engine.step([0.125])[0] == 0.5
    engine.reset()
    assert engine.step([0.125])[0] == 0.125


def test_steps_of_a_batch_equal_its_run() -> None:
    engine = Engine(accumulator())
    x = codes(3, 6, 1) // 16
    engine.reset(batch=3)
    steps = np.stack([engine.step_codes(x[:, t]) for t in range(6)], axis=1)
    np.testing.assert_array_equal(steps, engine.run_codes(x))


def test_after_reset_the_first_step_decides_the_batch() -> None:
    engine = Engine(accumulator())
    engine.step(np.zeros((3, 1)))
    with pytest.raises(ModelError, match=r"2 sequences, but the state is of 3; reset\(batch=2\)"):
        engine.step(np.zeros((2, 1)))
    engine.reset()
    assert engine.step(np.zeros((2, 1))).shape == (2, 1)


# ---- batches and counters


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("batch", [1, 63, 64, 65, 200])
def test_blocks_and_threads_do_not_change_the_result(batch: int, threads: int) -> None:
    program = random_program(1, most_phases=1)
    x = codes(batch, 3, program.input.length)
    expected = np.concatenate([Engine(program).run_codes(x[i : i + 1]) for i in range(batch)])
    np.testing.assert_array_equal(Engine(program, threads=threads).run_codes(x), expected)


def test_saturations_add_up_over_runs_and_steps() -> None:
    engine = Engine(doubler())
    x = np.full((70, 1, 2), 32767, dtype=np.int16)
    engine.run_codes(x)
    engine.step_codes(x[0])
    engine.reset()
    engine.step_codes(x[0])
    assert [(count.adc, count.result) for count in engine.saturations] == [(0, 144), (0, 0)]


def test_an_image_runs_like_its_program() -> None:
    program = random_program(3, most_phases=1)
    x = codes(2, 2, program.input.length)
    np.testing.assert_array_equal(Engine(program.to_bytes()).run_codes(x), Reference(program).run_codes(x))


# ---- bad input


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(value: float) -> None:
    with pytest.raises(ModelError, match="only finite"):
        Engine(doubler()).run([[0.0, value]])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(2), r"shape \(2,\); give \(time, features\) or \(batch, time, features\) with 2 features"),
        (np.zeros((4, 3)), r"shape \(4, 3\)"),
        (np.zeros((1, 1, 1, 2)), r"shape \(1, 1, 1, 2\)"),
        (np.zeros((0, 2)), "no timestep"),
        ([[1.0, 2.0], [1.0]], "not an array of numbers"),
        ([["a", "b"]], "not an array of numbers"),
        (np.zeros((1, 2), dtype=complex) + 1j, "not an array of numbers"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_by_shape(x: object, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Engine(doubler()).run(x)


def test_steps_that_do_not_fit_are_refused_by_shape() -> None:
    with pytest.raises(ModelError, match=r"shape \(1, 1, 2\); give \(features,\) or \(batch, features\) with 2 features"):
        Engine(doubler()).step(np.zeros((1, 1, 2)))
    with pytest.raises(ModelError, match="no sequence"):
        Engine(doubler()).step(np.zeros((0, 2)))


def test_codes_of_another_type_are_refused() -> None:
    with pytest.raises(ModelError, match="codes are float64; give int16"):
        Engine(doubler()).run_codes(np.zeros((1, 2)))


def test_a_path_is_not_a_program() -> None:
    with pytest.raises(ProgramError, match=r"'model.fxl' is a path; give Program.load of it"):
        Engine("model.fxl")  # type: ignore[arg-type]


def test_damaged_images_are_refused() -> None:
    image = bytearray(doubler().to_bytes())
    image[-1] ^= 1
    with pytest.raises(ImageError, match="CRC-32"):
        Engine(bytes(image))
    with pytest.raises(ImageError, match="IMAGE_SHORT"):
        Engine(b"")


@pytest.mark.parametrize("value", [0, -1, 2.5, "2", 2**32])
def test_numbers_of_threads_and_sequences_that_are_none_are_refused(value: object) -> None:
    with pytest.raises(ProgramError, match=f"threads = {value!r}: choose a whole number"):
        Engine(doubler(), threads=value)  # type: ignore[arg-type]
    with pytest.raises(ProgramError, match=f"batch = {value!r}: choose a whole number"):
        Engine(doubler()).reset(batch=value)  # type: ignore[arg-type]


# ---- outputs into an array


def test_a_step_puts_its_output_where_it_is_told() -> None:
    engine, out = Engine(accumulator()), np.zeros(1, np.int16)
    for expected in (3, 6, 9):
        assert engine.step_codes(np.array([3], np.int16), out=out) is out
        assert out.tolist() == [expected]


def test_a_step_of_a_batch_puts_all_outputs_there() -> None:
    engine, x, out = Engine(doubler()), codes(4, 2), np.zeros((4, 3), np.int16)
    for _ in range(2):
        engine.step_codes(x, out=out)
        np.testing.assert_array_equal(out, Engine(doubler()).step_codes(x))


def test_inputs_in_pieces_step_like_whole_ones() -> None:
    engine, x, out = Engine(doubler()), codes(4, 6), np.zeros((4, 3), np.int16)
    engine.step_codes(np.ascontiguousarray(x[:, ::3]), out=out)
    np.testing.assert_array_equal(engine.step_codes(x[:, ::3], out=out), Engine(doubler()).step_codes(x[:, ::3]))


@pytest.mark.parametrize(
    "out", [np.zeros(3), np.zeros(2, np.int16), np.zeros((1, 3), np.int16), np.zeros(6, np.int16)[::2], [0, 0, 0], b"\0" * 6]
)
def test_an_array_that_cannot_take_the_output_is_refused(out: object) -> None:
    engine = Engine(doubler())
    for _ in range(2):
        with pytest.raises(ModelError, match=r"C-contiguous, writable int16 array of shape \(3,\)"):
            engine.step_codes(np.zeros(2, np.int16), out=out)  # type: ignore[arg-type]
        engine.step_codes(np.zeros(2, np.int16))


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (3,), (2, 2)])
def test_inputs_of_another_shape_are_refused_by_a_step_into_an_array(shape: tuple[int, ...]) -> None:
    engine, out = Engine(doubler()), np.zeros(3, np.int16)
    engine.step_codes(np.zeros(2, np.int16))
    with pytest.raises(ModelError):
        engine.step_codes(np.zeros(shape, np.int16), out=out)
