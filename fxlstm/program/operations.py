"""The operations of an integer program and the scalar functions they may apply: the one table.

``tools/generate.py`` writes the C enumerations from it. The semantics stand in words here, in plain integers in
:mod:`fxlstm.program.reference`, and as fast as a target allows in ``fxlstm/core``.

``round(v, s)`` is ``(v + (1 << (s - 1))) >> s`` with an arithmetic shift, ``v`` itself when ``s`` is 0;
``sat`` limits to -32768..32767. ``<<`` is exact. Operands are slices of the arena, ``length`` codes each.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OperationKind:
    """One operation: its number in the image, its name, which slices it reads and what it computes."""

    code: int
    name: str
    operands: tuple[str, ...]
    meaning: str


OPERATIONS: tuple[OperationKind, ...] = (
    OperationKind(1, "multiply", ("a",), "result = a times the matrix: DAC, tiles, ADC, rescale (docs/numerics.md)"),
    OperationKind(2, "activate", ("a",), "result = the code nearest to function(a * 2**-fraction)"),
    OperationKind(3, "product", ("a", "b"), "result = sat(round(a * b, shift))"),
    OperationKind(
        4,
        "product_sum",
        ("a", "b", "c", "d"),
        "result = sat(round((a * b << shift_ab) + (c * d << shift_cd), shift))",
    ),
    OperationKind(5, "sum", ("a", "b"), "result = sat(round((a << shift_ab) + (b << shift_cd), shift))"),
    OperationKind(6, "complement", ("a",), "result = sat((1 << shift) - a)"),
    OperationKind(7, "interpolate", ("a", "b", "c"), "result = sat(round(a * b + (32768 - a) * c, 15))"),
    OperationKind(8, "copy", ("a",), "result = sat(round(a << shift_ab, shift))"),
    OperationKind(9, "clamp", ("a", "b", "c"), "result = min(max(a, b), c)"),
)


@dataclass(frozen=True)
class Function:
    """A scalar function of an activation: its number, name, and the fraction bits of its result."""

    code: int
    name: str
    result_fraction: int
    meaning: str


FUNCTIONS: tuple[Function, ...] = (
    Function(0, "sigmoid", 15, "1 / (1 + exp(-x)), in (0, 1)"),
    Function(1, "tanh", 15, "tanh(x), in (-1, 1)"),
    Function(2, "centred_logistic_g", 14, "4 / (1 + exp(-x)) - 2, in (-2, 2): the cell input squasher of 1997"),
    Function(3, "centred_logistic_h", 15, "2 / (1 + exp(-x)) - 1, in (-1, 1): the output squasher of 1997"),
)

OPERATION_BY_CODE: dict[int, OperationKind] = {kind.code: kind for kind in OPERATIONS}
OPERATION_BY_NAME: dict[str, OperationKind] = {kind.name: kind for kind in OPERATIONS}
FUNCTION_BY_CODE: dict[int, Function] = {function.code: function for function in FUNCTIONS}
FUNCTION_BY_NAME: dict[str, Function] = {function.name: function for function in FUNCTIONS}

# Limits of a program's numbers. Shifts so that every intermediate of an element-wise operation stays inside 64 bits.
MAX_LEFT_SHIFT = 30
MAX_RIGHT_SHIFT = 47
MAX_FRACTION = 15  # of an activation's operand
MAX_ALIGN = 15  # left shift of a tile's ADC codes
MAX_SCALE_SHIFT = 62  # right shift of a column's rescale
LIMITS: dict[str, int] = {
    "MAX_LEFT_SHIFT": MAX_LEFT_SHIFT,
    "MAX_RIGHT_SHIFT": MAX_RIGHT_SHIFT,
    "MAX_FRACTION": MAX_FRACTION,
    "MAX_ALIGN": MAX_ALIGN,
    "MAX_SCALE_SHIFT": MAX_SCALE_SHIFT,
}
