"""Trees on integer programs: node by node, children first, on any runner."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.errors import ModelError, ProgramError
from fxlstm.network.cells import Cell
from fxlstm.network.cells.as_data import cell_from_data
from fxlstm.network.layers.layer import as_float
from fxlstm.network.topologies.trees import Tree, cell_inputs, node_batches
from fxlstm.program.formats import decode, encode
from fxlstm.program.program import Codes, Program


class RunsCodes(Protocol):
    """What runs a program: :class:`Reference`, :class:`fxlstm.Engine`, :class:`fxlstm.Board`."""

    @property
    def program(self) -> Any:
        """The program; a board has a verb of this name."""
        ...

    def run_codes(self, codes: Codes) -> Codes:
        """Run sequences of codes (batch, time, inputs) from reset."""
        ...


def run_tree(runner: RunsCodes, x: ArrayLike, tree: Tree, program: Program | None = None) -> NDArray[np.float64]:
    """Run a tree network's program on a tree: features (nodes, features) in, the output at every node (nodes, outputs) out.

    ``runner``: an :class:`fxlstm.Engine`, the reference interpreter, or a :class:`fxlstm.Board`, together with the ``program`` that
    it holds.
    Values beyond the program's input scale saturate. Raises :class:`ModelError` for features or a tree that do not fit,
    :class:`ProgramError` for a program of another kind of network.
    """
    program = program or runner.program
    part = program.inputs[0][0]
    values = as_float(x, "the features of the tree")
    if values.shape != (len(tree), part.length):
        raise ModelError(f"features have shape {values.shape}; a tree of {len(tree)} nodes needs {(len(tree), part.length)}")
    codes = run_tree_codes(runner, encode(values, part.fraction, part.scale), tree, program)
    carried = len(tree_cell(program).passes) + 1
    output = program.outputs[0][0 if len(program.outputs[0]) == carried else -1]
    start = output.start - program.output.start
    return decode(codes[:, start : start + output.length], output.fraction, output.scale)


def run_tree_codes(runner: RunsCodes, codes: Codes, tree: Tree, program: Program | None = None) -> Codes:
    """Run a tree on codes (nodes, features); return all that the program gives at every node, (nodes, codes)."""
    program = program or runner.program
    cell = tree_cell(program)
    outputs = program.outputs[0]
    ends = np.cumsum([part.length for part in outputs])[:-1]
    carried = (cell.output, *cell.passes)
    given = {name: np.zeros((len(tree) + 1, part.length), np.int16) for name, part in zip(carried, outputs, strict=False)}
    results = np.zeros((len(tree), program.output.length), np.int16)
    for batch in node_batches(cell, tree):
        inputs = cell_inputs(cell, batch, codes, given)
        results[batch.nodes] = runner.run_codes(np.concatenate([inputs[name] for name in cell.inputs], axis=-1).astype(np.int16))
        for values, piece in zip(given.values(), np.split(results[batch.nodes], ends, axis=-1), strict=False):
            values[batch.nodes] = piece
    return results


def tree_cell(program: Program) -> Cell:
    """Return the cell of a tree network's program. Raises :class:`ProgramError` for another program."""
    data = program.metadata.get("tree_cell")
    if data is None:
        raise ProgramError("the program is none of a tree network; run it on sequences")
    try:
        return cell_from_data(data)
    except (KeyError, TypeError, ValueError) as error:
        raise ProgramError(f"the program's tree cell is not readable ({error}); quantize again") from error
