"""Every executor gives the outputs of the golden vectors (tests/vectors, written by tools/make_vectors.py)."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from executors import ARRAYS, EXECUTORS
from random_programs import Run

from fxlstm.program.image import from_bytes

VECTORS = sorted((Path(__file__).parent.parent / "vectors").glob("*.json"))


@pytest.mark.parametrize("name", [*EXECUTORS, *ARRAYS])
def test_executor_gives_the_golden_outputs(name: str) -> None:
    executor = (EXECUTORS | ARRAYS)[name]
    taken = 0
    for path in VECTORS:
        vector = json.loads(path.read_text())
        program = from_bytes(base64.b64decode(vector["image"]))
        if executor.takes(program):
            taken += 1
            outputs = executor.run(program, Run.of(np.array(vector["inputs"], dtype=np.int16))).outputs
            assert outputs.tolist() == vector["outputs"], path.stem
    assert taken >= len(VECTORS) // 4
