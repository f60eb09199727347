"""Any number of threads may use one engine at once, and the GIL is free while it runs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from random_programs import random_program, random_run
from small_programs import accumulator

from fxlstm.core import Engine


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
