"""Where a layer's arrays are: at paths in a ``.keras`` archive, in a flat list in a legacy ``.h5`` file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fxlstm.errors import ModelError
from fxlstm.network.layers.layer import Array

_OLDER_FOLDER = "_layer_checkpoint_dependencies"


class Arrays(Protocol):
    """The arrays of a model, of a layer in it, or of a part of that layer."""

    def layer(self, name: str, folder: str, group: str, index: int) -> Arrays:
        """Return those of a model's layer: by its own name, or as the ``index``-th group of its class in a folder."""

    def part(self, path: str) -> Arrays:
        """Return those of a layer's part, such as ``forward_layer/cell``; parts are asked for in Keras's own order."""

    def take(self, count: int, layer: str) -> list[Array]:
        """Return the ``count`` arrays that stand here; ``layer`` names the layer in errors."""

    def finish(self, layer: str) -> None:
        """Refuse the layer if it has arrays that nothing took."""


@dataclass(frozen=True)
class InArchive:
    """Arrays by their path in ``model.weights.h5``: ``layers/lstm/cell/vars/0``."""

    arrays: Mapping[str, Array]
    path: str = ""

    def layer(self, name: str, folder: str, group: str, index: int) -> InArchive:
        """Return those under the layer's group; its name does not stand in the file."""
        older = sorted(self._older(group)) if folder == "layers" else []
        if older:
            folder, index = _OLDER_FOLDER, dict(enumerate(older)).get(index, -1)
        return self.part(f"{folder}/{group}{_number(index)}")

    def part(self, path: str) -> InArchive:
        """Return those under a path from here."""
        return InArchive(self.arrays, f"{self.path}{path}/")

    def take(self, count: int, layer: str) -> list[Array]:
        """Return the arrays here, which must be so many."""
        prefix = f"{self.path}vars/"
        found = {key.removeprefix(prefix): array for key, array in self.arrays.items() if key.startswith(prefix)}
        _check_count(len(found), count, layer)
        if missing := [str(index) for index in range(count) if str(index) not in found]:
            raise ModelError(f"layer {layer!r} lacks its array {prefix}{missing[0]}; save the model again")
        return [found[str(index)] for index in range(count)]

    def finish(self, layer: str) -> None:
        """Nothing to do: ``take`` has counted."""

    def _older(self, group: str) -> set[int]:
        """Return the numbers of a class's groups as Keras 2.12 and 2.13 write them, leaving some out."""
        pattern = re.compile(re.escape(f"{self.path}{_OLDER_FOLDER}/{group}") + r"(?:_(\d+))?/")
        return {int(match[1] or 0) for match in map(pattern.match, self.arrays) if match}


@dataclass(frozen=True)
class InOrder:
    """The arrays of one layer one after the other; a layer's parts follow each other."""

    arrays: list[Array]

    def layer(self, name: str, folder: str, group: str, index: int) -> InOrder:
        """Return itself: the layers of a model within the model."""
        return self

    def part(self, path: str) -> InOrder:
        """Return itself: parts are told apart by their order alone."""
        return self

    def take(self, count: int, layer: str) -> list[Array]:
        """Return the next arrays and remove them."""
        taken, self.arrays[:] = self.arrays[:count], self.arrays[count:]
        _check_count(len(taken), count, layer)
        return taken

    def finish(self, layer: str) -> None:
        """Refuse arrays that are left over."""
        if self.arrays:
            raise ModelError(f"layer {layer!r} has {len(self.arrays)} arrays more than its settings need; save the model again")


@dataclass(frozen=True)
class ByLayer:
    """The arrays of each layer of a legacy file, by the layer's name."""

    arrays: Mapping[str, Sequence[Array]]

    def layer(self, name: str, folder: str, group: str, index: int) -> InOrder:
        """Return those of one layer; none where the file has no such group."""
        return InOrder(list(self.arrays.get(name, ())))

    def part(self, path: str) -> ByLayer:
        """Return itself: a model has no parts but its layers."""
        return self

    def take(self, count: int, layer: str) -> list[Array]:
        """Refuse: a model has no arrays of its own."""
        _check_count(0, count, layer)
        return []

    def finish(self, layer: str) -> None:
        """Nothing to do: each layer finishes on its own."""


def _number(index: int) -> str:
    """Return what Keras puts behind the name of the second group and of those after it."""
    return f"_{index}" if index else ""


def _check_count(found: int, count: int, layer: str) -> None:
    if found != count:
        raise ModelError(f"layer {layer!r} has {found} arrays, its settings need {count}; build the model, then save it whole")
