"""The arithmetic does not change unnoticed: the reference still gives the outputs on file."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from fxlstm.network import CELLS
from fxlstm.program.image import from_bytes, to_bytes
from fxlstm.program.reference import Reference

VECTORS = sorted((Path(__file__).parent.parent / "vectors").glob("*.json"))


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_the_reference_gives_the_golden_outputs(path: Path) -> None:
    vector = json.loads(path.read_text())
    image = base64.b64decode(vector["image"])
    program = from_bytes(image)
    assert Reference(program).run_codes(np.array(vector["inputs"], dtype=np.int16)).tolist() == vector["outputs"]
    assert to_bytes(program) == image


def test_there_is_a_golden_vector_for_every_kind_of_program() -> None:
    names = {path.stem for path in VECTORS}
    assert names >= {cell.name for cell in CELLS.values() if cell.states}
    assert names >= {"lstm", "lstm-digital", "airline", "stacked-last", "stacked-last-digital", "dense-heads", "low-bits", "tiled"}
