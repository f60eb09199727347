"""What the axes of a tensor mean, and how a Reshape puts them together or takes them apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["", "time", "batch", "features", "directions"]


@dataclass(eq=False)
class Axis:
    """An axis of the data: its length, ``None`` where each call decides, and its role, empty until an operator tells it.

    ``mirror``: the axis of which this one is the reverse; only time may run backward.
    """

    size: int | None
    role: Role = ""
    mirror: Axis | None = None

    def take(self, role: Role) -> bool:
        """Give the axis a role; return whether it fits the one that it has."""
        self.role = self.role or role
        return self.role == role and (self.mirror is None or (role == "time" and self.mirror.take(role)))

    def reversed(self) -> Axis:
        """Return the axis that runs the other way."""
        return self.mirror or Axis(self.size, self.role, self)


# A dimension of a tensor is the product of its axes, outermost first; one without axes has length 1.
Dimension = tuple[Axis, ...]


@dataclass(frozen=True)
class Extent:
    """A length that each call decides: ``factor`` times the lengths of ``axes``. An element of a shape, as integers are."""

    factor: int
    axes: tuple[Axis, ...]

    def __mul__(self, other: Any) -> Extent:
        if isinstance(other, Extent):
            return Extent(self.factor * other.factor, tuple(sorted(self.axes + other.axes, key=id)))
        return Extent(self.factor * int(other), self.axes)

    __rmul__ = __mul__


def extent(dimension: Dimension) -> int | Extent:
    """Return the length of a dimension."""
    known = math.prod(axis.size for axis in dimension if axis.size is not None)
    unknown = sorted((axis.mirror or axis for axis in dimension if axis.size is None), key=id)
    return Extent(known, tuple(unknown)) if unknown else known


def frame(dimensions: Sequence[Dimension], leave_out: int | None = None) -> list[Any]:
    """Return what two tensors must have alike to be added or joined: the very axes of time and batch, the lengths of the others."""
    return [
        tuple(axis.size if axis.role in ("features", "directions") else axis for axis in dimension)
        for place, dimension in enumerate(dimensions)
        if place != leave_out
    ]


def regrouped(dimensions: Sequence[Dimension], shape: Sequence[int | Extent]) -> tuple[Dimension, ...] | None:
    """Return the dimensions of a tensor reshaped to ``shape``, with 0 and -1 as in ONNX; ``None`` where an axis would be cut.

    An axis whose length each call decides fits a fixed length: exporters write the length of their example into some shapes.
    """
    axes = [axis for dimension in dimensions for axis in dimension]
    targets = [extent(dimensions[place]) if size == 0 and place < len(dimensions) else size for place, size in enumerate(shape)]
    if -1 not in targets:
        groups, rest = _taken(axes, targets)
        if groups is None or any(axis.size != 1 for axis in rest):
            return None
        return (*groups[:-1], (*groups[-1], *rest)) if groups else ()
    place = targets.index(-1)
    before, rest = _taken(axes, targets[:place])
    after, middle = _taken(rest[::-1], targets[:place:-1])
    if before is None or after is None:
        return None
    return (*before, tuple(middle[::-1]), *(group[::-1] for group in after[::-1]))


def _taken(axes: Sequence[Axis], targets: Sequence[int | Extent]) -> tuple[list[Dimension] | None, list[Axis]]:
    """Return for each target the next axes that have its length, and the axes left over; ``None`` where they do not fit."""
    rest, groups = list(axes), []
    for target in targets:
        group: Dimension = ()
        if target == 1 and rest and rest[0].size == 1:
            group = (rest.pop(0),)
        while extent(group) != target and rest:
            group = (*group, rest.pop(0))
            if len(group) == 1 and group[0].size is None and isinstance(target, int) and target != 1:
                break
        else:
            if extent(group) != target:
                return None, rest
        groups.append(group)
    return groups, rest
