"""Any number of threads may use one engine at once, it shares its own work among threads, and the GIL is free while it runs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from planned_programs import HARDWARE, planned_programs, program_of
from random_programs import random_program, random_run
from small_programs import accumulator

from fxlstm.core import Engine, kernel_names, threads
from fxlstm.program.program import Program


def test_runs_from_many_threads_do_not_disturb_each_other() -> None:
    program = random_program(5, most_phases=1)
    engine = Engine(program, threads=2)
    inputs = [np.repeat(random_run(5, program).inputs[0], 30, axis=0) for _ in range(40)]
    inputs = [np.roll(x, shift, axis=0) for shift, x in enumerate(inputs)]
    expected = [Engine(program).run_codes(x) for x in inputs]
    with ThreadPoolExecutor(8) as pool:
        for outputs, wanted in zip(pool.map(engine.run_codes, inputs), expected, strict=True):
            np.testing.assert_array_equal(outputs, wanted)


def test_steps_from_many_threads_are_each_taken_once() -> None:
    engine = Engine(accumulator())
    with ThreadPoolExecutor(8) as pool:
        sums = list(pool.map(lambda _: int(engine.step_codes(np.array([1], np.int16))[0]), range(400)))
    assert sorted(sums) == list(range(1, 401))


def test_other_threads_run_while_the_engine_does() -> None:
    engine = Engine(accumulator())
    x = np.ones((1, 5_000_000, 1), dtype=np.int16)
    runner = threading.Thread(target=engine.run_codes, args=(x,))
    beats = 0
    runner.start()
    while runner.is_alive():
        beats += 1
        runner.join(0.001)
    assert beats > 3


# ---- one run shared among threads


@pytest.fixture
def every_work_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "LEAST_RUN", 0)
    monkeypatch.setattr(threads, "LEAST_PRODUCT", 0)


def outcome(program: Program, x: np.ndarray, **options: object) -> tuple[list, object]:
    engine = Engine(program, **options)
    return engine.run_codes(x).tolist(), engine.saturations


def any_codes(program: Program, batch: int, timesteps: int) -> np.ndarray:
    random = np.random.default_rng([batch, timesteps])
    return random.integers(-32768, 32768, (batch, timesteps, program.input.length)).astype(np.int16)


@pytest.mark.usefixtures("every_work_is_shared")
@pytest.mark.parametrize("kernels", kernel_names())
@pytest.mark.parametrize("name", ["lstm-bytes", "lstm-split", "lstm-adc", "lstm-top", "dense-large-bytes"])
def test_columns_shared_among_threads_give_the_same_codes_and_counts(name: str, kernels: str) -> None:
    program = planned_programs()[name]
    x = any_codes(program, 1, 40)
    wanted = outcome(program, x, kernels=kernels)
    for count in (2, 3, 4):
        assert outcome(program, x, kernels=kernels, threads=count) == wanted


@pytest.mark.usefixtures("every_work_is_shared")
@pytest.mark.parametrize("units", [1, 4, 5, 31])
@pytest.mark.parametrize("batch", [1, 2, 7])
def test_layers_of_a_few_odd_columns_are_shared_like_large_ones(units: int, batch: int) -> None:
    program = program_of("lstm", HARDWARE["bytes"], 17, units)
    x = any_codes(program, batch, 20)
    assert outcome(program, x, threads=4) == outcome(program, x)


@pytest.mark.usefixtures("every_work_is_shared")
def test_sequences_shared_among_threads_give_the_same_codes_and_counts() -> None:
    program = planned_programs()["lstm-bytes"]
    x = any_codes(program, 53, 5)
    for count in (2, 3, 4):
        assert outcome(program, x, threads=count) == outcome(program, x)


def test_runs_with_shared_columns_do_not_disturb_each_other(every_work_is_shared: None) -> None:
    program = planned_programs()["lstm-bytes"]
    engine, x = Engine(program, threads=2), any_codes(program, 24, 30)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(engine.run_codes, x))
    np.testing.assert_array_equal(found, Engine(program).run_codes(x))


def test_an_error_on_a_helper_reaches_the_caller() -> None:
    both = threading.Barrier(2)

    def run(_: int) -> None:
        both.wait(10)
        if threading.current_thread() is not threading.main_thread():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        threads.Workers(2).spread(run, range(2), 2)


@pytest.mark.parametrize("shape", [(1, 15, 15), (32, 15, 15), (1, 64, 64)])
def test_no_thread_is_started_for_little_work(shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads.Workers, "_start", None)
    batch, inputs, units = shape
    program = program_of("lstm", HARDWARE["bytes"], inputs, units)
    x = any_codes(program, batch, 10)
    np.testing.assert_array_equal(Engine(program, threads=4).run_codes(x), Engine(program).run_codes(x))
    with pytest.raises(TypeError, match="not callable"):  # so it would have been seen
        Engine(program, threads=4).run_codes(np.tile(x, (40, 20, 1)))


def test_a_large_layer_has_its_columns_shared_and_a_large_batch_its_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    shared: list[str] = []
    for way in ("team", "spread"):
        real = getattr(threads.Workers, way)
        monkeypatch.setattr(threads.Workers, way, lambda *given, way=way, real=real: shared.append(way) or real(*given))
    program = program_of("lstm", HARDWARE["bytes"], 16, 256)
    for batch, timesteps, way in ((1, 100, ["team"]), (32, 10, ["spread"]), (1, 2, [])):
        shared.clear()
        Engine(program, threads=2).run_codes(any_codes(program, batch, timesteps))
        assert shared == way
