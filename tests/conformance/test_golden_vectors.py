"""Every executor gives the outputs of the golden vectors (tests/vectors, written by tools/make_vectors.py)."""

from __future__ import annotations

import pytest
from executors import ARRAYS, EXECUTORS
from golden import VECTORS, read_vector
from random_programs import Run


@pytest.mark.parametrize("name", [*EXECUTORS, *ARRAYS])
def test_executor_gives_the_golden_outputs(name: str) -> None:
    executor = (EXECUTORS | ARRAYS)[name]
    taken = 0
    for path in VECTORS:
        vector = read_vector(path)
        given = Run(vector.inputs, vector.timesteps)
        if executor.takes(vector.program):
            taken += 1
            assert executor.run(vector.program, given).outputs.tolist() == vector.outputs, path.stem
    assert taken >= len(VECTORS) // 4
