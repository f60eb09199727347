"""C functions as terms over the integers, from the compiler's own syntax tree, for an SMT solver.

A term is a Python integer where everything is known and a solver's integer where not. Whatever C leaves undefined or lets wrap
(overflow, a shift beyond the width, a cast that loses something) becomes an obligation; when all hold, C computes what the term
says. Loops are followed for one element; members and array elements are inputs, found by their names.
"""

from __future__ import annotations

import json
import operator
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import z3

CORE = Path(__file__).resolve().parents[2] / "fxlstm" / "core"

_WIDTHS = {"char": 8, "short": 16, "int": 32, "long": 64}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_WRAPPERS = ("ParenExpr", "ConstantExpr")

Node = dict[str, Any]


@cache
def functions(source: str) -> dict[str, Node]:
    """Return the syntax trees of the functions that a file of the core defines or includes."""
    command = ["clang", "-std=c11", "-fsyntax-only", "-Xclang", "-ast-dump=json", str(CORE / source)]
    tree = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    defined = (node for node in tree["inner"] if node["kind"] == "FunctionDecl")
    return {node["name"]: node for node in defined if any(part["kind"] == "CompoundStmt" for part in node.get("inner", ()))}


def bounds(width: int, signed: bool) -> tuple[int, int]:
    return (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)


def within(term: Any, low: int, high: int) -> Any:
    return z3.And(term >= low, term <= high)


class Run:
    """One symbolic run of a function of ``source``. ``inputs``: terms by name of parameter, member or array.

    ``results``: what it assigned, by name; ``returned``: what it returned; ``obligations``: what has to hold, with its reason.
    """

    def __init__(self, source: str, name: str, inputs: Mapping[str, Any]) -> None:
        self._source = source
        self._name = name
        self._names = dict(inputs)
        self._path: list[Any] = []
        self.obligations: list[tuple[str, Any]] = []
        self.results: dict[str, Any] = {}
        self.returned: Any = None
        self._statement(functions(source)[name]["inner"][-1])

    # Statements.

    def _statement(self, node: Node) -> None:
        kind, parts = node["kind"], node.get("inner", [])
        if kind == "CompoundStmt":
            for part in parts:
                self._statement(part)
        elif kind == "ForStmt":
            self._statement(parts[-1])
        elif kind == "DeclStmt":
            for part in parts:
                self._declare(part)
        elif kind == "ReturnStmt":
            self.returned = self._value(parts[0]) if _type(parts[0]) else None
        elif kind == "BinaryOperator" and node["opcode"] == "=":
            self.results[_name(parts[0])] = self._names[_name(parts[0])] = self._value(parts[1])
        elif kind == "CompoundAssignOperator":
            self.results[_name(parts[0])] = self._value(parts[1])
        else:
            assert kind == "CallExpr", f"{self._source}, {self._name}: a {kind} has no translation"

    def _declare(self, node: Node) -> None:
        if node["name"] not in self._names and _type(node) and "inner" in node:
            self._names[node["name"]] = self._value(node["inner"][0])

    # Expressions.

    def _value(self, node: Node) -> Any:
        kind, parts = node["kind"], node.get("inner", [])
        if kind in _WRAPPERS:
            return self._value(parts[0])
        if kind == "IntegerLiteral":
            return int(node["value"])
        if kind in ("ImplicitCastExpr", "CStyleCastExpr"):
            return self._cast(node, self._value(parts[0]))
        if kind in ("DeclRefExpr", "MemberExpr", "ArraySubscriptExpr"):
            return self._names[_name(node)]
        if kind == "UnaryOperator":
            return self._unary(node, parts[0])
        if kind == "BinaryOperator":
            return self._binary(node, *parts)
        if kind == "ConditionalOperator":
            return self._conditional(*parts)
        assert kind == "CallExpr", f"{self._source}, {self._name}: {kind} has no translation"
        return self._call(node, parts)

    def _unary(self, node: Node, operand: Node) -> Any:
        value = self._value(operand)
        if node["opcode"] == "!":
            return z3.Not(_truth(value))
        assert node["opcode"] == "-"
        return self._fitted(node, -_number(value))

    def _binary(self, node: Node, left: Node, right: Node) -> Any:
        opcode = node["opcode"]
        if opcode in ("&&", "||"):
            return self._logical(opcode, left, right)
        a, b = _number(self._value(left)), _number(self._value(right))
        if opcode in _COMPARISONS:
            return _COMPARISONS[opcode](a, b)
        if opcode in ("<<", ">>"):
            return self._shift(node, a, b)
        if opcode == "&":
            assert isinstance(b, int) and b & b + 1 == 0, "only masks of low bits have a translation"
            return a % (b + 1)
        return self._fitted(node, {"+": operator.add, "-": operator.sub, "*": operator.mul}[opcode](a, b))

    def _logical(self, opcode: str, left: Node, right: Node) -> Any:
        first = _truth(self._value(left))
        second = _truth(self._under(first if opcode == "&&" else z3.Not(first), right))
        return z3.And(first, second) if opcode == "&&" else z3.Or(first, second)

    def _conditional(self, condition: Node, chosen: Node, other: Node) -> Any:
        test = self._value(condition)
        if isinstance(test, (bool, int)):
            return self._value(chosen if test else other)
        taken, left = self._under(test, chosen), self._under(z3.Not(test), other)
        return z3.If(test, _number(taken), _number(left))

    def _under(self, condition: Any, node: Node) -> Any:
        """The value of what is only evaluated under a condition."""
        self._path.append(condition)
        value = self._value(node)
        self._path.pop()
        return value

    def _shift(self, node: Node, value: Any, distance: Any) -> Any:
        width, signed = _type(node)
        assert isinstance(distance, int) and 0 <= distance < width, f"{self._name}: a shift by {distance} of {width} bits"
        if node["opcode"] == ">>":
            return value >> distance if isinstance(value, int) else value / (1 << distance)  # both round down
        if signed:
            self._oblige("a left shift of a negative value", value >= 0)
        return self._fitted(node, value * (1 << distance))

    def _cast(self, node: Node, value: Any) -> Any:
        source = _type(node["inner"][0])
        if node["castKind"] != "IntegralCast" or (source and not source[1] and source[0] < _type(node)[0]):
            return value
        return self._fitted(node, _number(value))

    def _call(self, node: Node, parts: list[Node]) -> Any:
        callee = _name(parts[0])
        parameters = [part for part in functions(self._source)[callee]["inner"] if part["kind"] == "ParmVarDecl"]
        values = ((parameter, part) for parameter, part in zip(parameters, parts[1:], strict=True) if _type(parameter))
        arguments = {parameter["name"]: self._value(part) for parameter, part in values}
        run = Run(self._source, callee, arguments)
        self.obligations += [(reason, self._here(claim)) for reason, claim in run.obligations]
        for parameter, part in zip(parameters, parts[1:], strict=True):
            if parameter["name"] in run.results:
                self.results[_name(part)] = run.results[parameter["name"]]
        return run.returned

    def _fitted(self, node: Node, value: Any) -> Any:
        """A value of the node's type: what is signed has to fit, what is unsigned wraps."""
        width, signed = _type(node)
        low, high = bounds(width, signed)
        if isinstance(value, int) and low <= value <= high:
            return value
        if signed:
            self._oblige(f"{node['kind']} {node.get('opcode', '')} leaves {width} bits", within(value, low, high))
            return value
        return value % (1 << width)

    def _oblige(self, reason: str, claim: Any) -> None:
        self.obligations.append((f"{self._name}: {reason}", self._here(z3.BoolVal(claim) if isinstance(claim, bool) else claim)))

    def _here(self, claim: Any) -> Any:
        """A claim that needs to hold only where this point is reached."""
        return z3.Implies(z3.And(*self._path), claim) if self._path else claim


def _type(node: Node) -> tuple[int, bool]:
    """(width, signed) of an integer type; an empty tuple, which is false, for pointers, structs and void."""
    spelled = node["type"].get("desugaredQualType", node["type"]["qualType"]).replace("const ", "")
    if spelled == "_Bool":
        return 1, False
    words = spelled.split()
    known = words[-1] if words[-1] in _WIDTHS else "int" if words == ["unsigned"] else ""
    return (_WIDTHS[known], "unsigned" not in words) if known else ()  # type: ignore[return-value]


def _name(node: Node) -> str:
    """The name of what a node refers to: of the variable, the member, the array."""
    if node["kind"] == "MemberExpr":
        return str(node["name"])
    if node["kind"] == "DeclRefExpr":
        return str(node["referencedDecl"]["name"])
    return _name(node["inner"][0])


def _truth(value: Any) -> Any:
    return value if isinstance(value, bool) or z3.is_bool(value) else value != 0


def _number(value: Any) -> Any:
    return z3.If(value, 1, 0) if z3.is_bool(value) else int(value) if isinstance(value, bool) else value
