"""The arithmetic does not change unnoticed: the reference still gives the outputs on file."""

from pathlib import Path

import pytest
from golden import VECTORS, read_vector

from fxlstm.network import CELLS
from fxlstm.program.image import to_bytes
from fxlstm.program.reference import Reference


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_the_reference_gives_the_golden_outputs(path: Path) -> None:
    vector = read_vector(path)
    assert Reference(vector.program).run_phases(vector.inputs, vector.timesteps).tolist() == vector.outputs
    assert to_bytes(vector.program) == vector.image


def test_there_is_a_golden_vector_for_every_kind_of_program() -> None:
    names = {path.stem for path in VECTORS}
    assert names >= {cell.name for cell in CELLS.values() if cell.states}
    assert names >= {
        "lstm",
        "lstm-digital",
        "airline",
        "stacked-last",
        "stacked-last-digital",
        "dense-heads",
        "low-bits",
        "tiled",
        "column-pairs",
    }
    assert names >= {"lstm-phased", "tree-child-sum", "tree-nary", "hierarchy", "final-initial", "feedback", "rnn-relu-activations"}
    assert names >= {f"encoder-decoder-{feed}" for feed in ("feedback", "context", "given")}
