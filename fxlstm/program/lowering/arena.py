"""The working memory under construction, and operations between its slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fxlstm.program.program import Operation, Slice


@dataclass
class Arena:
    """The arena: its contents at reset, and the named slices."""

    contents: list[int] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)

    def allocate(self, length: int, align: bool = False) -> int:
        """Return the start of fresh codes, all 0; ``align`` makes it even."""
        if align:
            self.contents += [0] * (len(self.contents) % 2)
        start = len(self.contents)
        self.contents += [0] * length
        return start

    def place(self, parts: Sequence[Slice]) -> list[Slice]:
        """Return slices like the given ones on fresh codes, one after another."""
        return consecutive(parts, self.allocate(sum(part.length for part in parts)))

    def put(self, start: int, codes: Sequence[int]) -> None:
        """Set the contents at reset from ``start`` on."""
        self.contents[start : start + len(codes)] = codes


def operation(kind: str, result: Slice, parts: Sequence[Slice], **details: Any) -> Operation:
    """Return an element-wise operation on slices."""
    operands = {name: part.start for name, part in zip("abcd", parts, strict=False)}
    return Operation(kind, result.length, result.start, **operands | details)


def copied(part: Slice, result: Slice) -> list[Operation]:
    """Return what brings the values of a slice to another, in its format: nothing where they stand there already."""
    if (part.start, part.fraction) == (result.start, result.fraction):
        return []
    left = result.fraction - part.fraction
    return [operation("copy", result, [part], shift=max(-left, 0), shift_ab=max(left, 0))]


def added(parts: Sequence[Slice], result: Slice) -> Operation:
    """Return the sum of two slices, each with a format of its own."""
    first, second = (part.fraction for part in parts)
    common = max(first, second, result.fraction)
    shifts = {"shift": common - result.fraction, "shift_ab": common - first, "shift_cd": common - second}
    return operation("sum", result, parts, **shifts)


def consecutive(parts: Sequence[Slice], start: int) -> list[Slice]:
    """Return slices like the given ones, one after another from ``start`` on."""
    placed = []
    for part in parts:
        placed.append(moved(part, start))
        start += part.length
    return placed


def joined(name: str, parts: Sequence[Slice]) -> Slice:
    """Return the slice of parts that stand one after another, with the format of the first."""
    return replace(parts[0], name=name, length=sum(part.length for part in parts))


def moved(part: Slice, start: int) -> Slice:
    """Return a slice of the same length and format at another place."""
    return replace(part, start=start)
