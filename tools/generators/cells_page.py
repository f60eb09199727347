"""The tables of ``docs/cells.md``: every cell of the catalogue, its matrices and its equations."""

from __future__ import annotations

from fxlstm.network.cells import CELLS, Cell
from generators.pages import fill, table

_LETTERS = {"inputs": "N", "units": "M", "projected": "P"}


def page(present: str) -> str:
    """Return the page with its catalogue renewed."""
    rows = [(f"`{cell.name}`", _shapes(cell), cell.source) for cell in CELLS.values()]
    present = fill(present, "catalogue", table(("cell", "weights, rows x columns", "source"), rows))
    return fill(present, "equations", "\n\n".join(_equations(cell) for cell in CELLS.values()))


def _shapes(cell: Cell) -> str:
    shapes = [f"({_length(cell, ('bias', *part.operands))}) x {_length(cell, part.results)}" for part in cell.multiplies]
    return ", then ".join(shapes)


def _length(cell: Cell, vectors: tuple[str, ...]) -> str:
    """Return the sum of vectors' lengths in letters, as N + 4M + 1."""
    letters = ["B" if vector == "bias" else _LETTERS[cell.size(vector)] for vector in vectors]
    counts = {letter: letters.count(letter) for letter in sorted(set(letters), key="NMPB".index)}
    return " + ".join(letter if count == 1 else f"{count}{letter}" for letter, count in counts.items())


def _equations(cell: Cell) -> str:
    states = ", ".join(cell.states) or "none"
    lines = [f"{cell.name}: output {cell.output}; states {states}", *(f"    {equation}" for equation in cell.equations)]
    return "```text\n" + "\n".join(lines) + "\n```"
