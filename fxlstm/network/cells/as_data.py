"""A cell as JSON and back, for files with cells that are not in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, get_args

from fxlstm.errors import ModelError
from fxlstm.network.cells.cell import Cell
from fxlstm.network.cells.equations import Equation, Multiply

_KINDS: dict[str, type] = {kind.__name__: kind for kind in get_args(Equation)}
_TUPLES = ("hidden", "memory", "parameters", "inputs", "passes")


def cell_to_data(cell: Cell) -> dict[str, Any]:
    """Return what JSON holds of a cell: equations as lists, constants as text, because JSON has no infinity."""
    return {
        "name": cell.name,
        "source": cell.source,
        "output": cell.output,
        "equations": [_equation_to_data(equation) for equation in cell.equations],
        "closing": [_equation_to_data(equation) for equation in cell.closing],
        **{key: list(getattr(cell, key)) for key in _TUPLES},
        "lengths": dict(cell.lengths),
        "ranges": {name: list(ends) for name, ends in cell.ranges.items()},
        "constants": {name: repr(float(value)) for name, value in cell.constants.items()},
    }


def cell_from_data(data: Mapping[str, Any]) -> Cell:
    """Return the cell that :func:`cell_to_data` wrote, checked like any other.

    Raises :class:`ModelError` for equations that do not fit together or are of no known kind; what is no such data raises
    ``KeyError``, ``TypeError`` or ``ValueError``.
    """
    ranges = {_text(name): (float(low), float(high)) for name, (low, high) in data["ranges"].items()}
    tuples: dict[str, tuple[str, ...]] = {key: tuple(map(_text, data[key])) for key in _TUPLES}
    return Cell(
        name=_text(data["name"]),
        source=_text(data["source"]),
        output=_text(data["output"]),
        equations=tuple(map(_equation_from_data, data["equations"])),
        closing=tuple(map(_equation_from_data, data["closing"])),
        lengths={_text(vector): _text(size) for vector, size in data["lengths"].items()},
        ranges=ranges,
        constants={_text(name): float(value) for name, value in data["constants"].items()},
        **tuples,
    )


def _equation_to_data(equation: Equation) -> list[Any]:
    values = [getattr(equation, field.name) for field in fields(equation)]
    return [type(equation).__name__, *(list(value) if isinstance(value, tuple) else value for value in values)]


def _equation_from_data(data: Sequence[Any]) -> Equation:
    name, *values = data
    if name not in _KINDS:
        raise ModelError(f"an equation of the kind {name!r}, unknown to this release; known kinds: {', '.join(_KINDS)}")
    if name == Multiply.__name__:
        results, operands, *names = values
        return Multiply(tuple(map(_text, results)), tuple(map(_text, operands)), *map(_text, names))
    equation: Equation = _KINDS[name](*map(_text, values))
    return equation


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
