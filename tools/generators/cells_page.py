"""The tables of ``docs/cells.md``: every cell of the catalogue, its matrices and its equations."""

from __future__ import annotations

from fxlstm.network.cells import CELLS, Cell
from fxlstm.network.cells.catalogue import WITH_MORE_INPUTS, tree_nary
from generators.pages import fill, table

_LETTERS = {"inputs": "N", "units": "M", "projected": "P"}


def page(present: str) -> str:
    """Return the page with its catalogue renewed."""
    cells = (*CELLS.values(), *WITH_MORE_INPUTS.values(), tree_nary(2))
    rows = [(f"`{cell.name}`", _shapes(cell), cell.source) for cell in cells]
    present = fill(present, "catalogue", table(("cell", "weights, rows x columns", "source"), rows))
    return fill(present, "equations", "\n\n".join(_equations(cell) for cell in cells))


def _shapes(cell: Cell) -> str:
    shapes = [f"({_length(cell, ('bias', *part.operands))}) x {_length(cell, part.results)}" for part in cell.multiplies]
    return ", then ".join(shapes)


def _length(cell: Cell, vectors: tuple[str, ...]) -> str:
    """Return the sum of vectors' lengths in letters, as N + 4M + 1."""
    letters = ["B" if vector == "bias" else _LETTERS[cell.size(vector)] for vector in vectors]
    counts = {letter: letters.count(letter) for letter in sorted(set(letters), key="NMPB".index)}
    return " + ".join(letter if count == 1 else f"{count}{letter}" for letter, count in counts.items())


def _equations(cell: Cell) -> str:
    given = "" if cell.inputs == ("x",) else f"; inputs {', '.join(cell.inputs)}"
    passed = "".join(f" and {vector}" for vector in cell.passes)
    lines = [f"{cell.name}: output {cell.output}{passed}; states {', '.join(cell.states) or 'none'}{given}"]
    lines += [f"    {equation}" for equation in cell.equations]
    lines += ["  closing:", *(f"    {equation}" for equation in cell.closing)] if cell.closing else []
    return "```text\n" + "\n".join(lines) + "\n```"
