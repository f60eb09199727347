"""Every executor gives the outputs of the golden vectors (tests/vectors, written by tools/make_vectors.py)."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from executors import EXECUTORS

from fxlstm.program.image import from_bytes

VECTORS = sorted((Path(__file__).parent.parent / "vectors").glob("*.json"))


@pytest.mark.parametrize("name", EXECUTORS)
@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_executor_gives_the_golden_outputs(name: str, path: Path) -> None:
    vector = json.loads(path.read_text())
    program = from_bytes(base64.b64decode(vector["image"]))
    executor = EXECUTORS[name]
    if not executor.runs_digital and program.hardware.adc_bits is None:
        assert vector["name"].endswith("digital")
        return
    outputs = executor.run(program, np.array(vector["inputs"], dtype=np.int16)).outputs
    assert outputs.tolist() == vector["outputs"]
