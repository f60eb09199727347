"""What a name in the graph stands for: a constant array, data that layers compute, or a part of a graph input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fxlstm.network.importers.onnx.axes import Axis, Dimension
from fxlstm.network.importers.onnx.node import Node
from fxlstm.network.layers.layer import Array, Layer
from fxlstm.network.topologies.directions import Backward, Bidirectional, Block

Merge = Literal["concat", "sum"]
Returns = Literal["sequence", "last", "final"]
# Which outputs of a network a value can be; of a forward network "last" and "final" are the same. "first" is none of them: the
# first timestep of a layer that runs forward, which stands beside a backward one's until a part of them is taken.
Forms = frozenset[Returns | Literal["first"]]
SEQUENCE: Forms = frozenset({"sequence"})


@dataclass(frozen=True)
class Source:
    """A graph input."""

    name: str


@dataclass(frozen=True)
class Part:
    """A layer over what stands below it.

    Of a recurrent layer: ``lengths``, the graph input that tells where each sequence ends; ``initial``, the states (length,) that
    it starts from; ``given``, the graph inputs that hold initial states. ``elementwise``: the layer only scales and shifts.
    """

    below: Source | Stage
    layer: Layer
    reverse: bool = False
    lengths: str | None = None
    initial: Mapping[str, Array] = field(default_factory=dict, compare=False)
    given: tuple[str, ...] = ()
    elementwise: bool = False


@dataclass(frozen=True)
class Stage:
    """A layer, or two over the same input that run in opposite directions, with all that stands below."""

    parts: tuple[Part, ...]
    merge: Merge = "concat"

    @property
    def below(self) -> Source | Stage:
        """What the layers read."""
        return self.parts[0].below

    @property
    def block(self) -> Block:
        """The network's entry for these layers."""
        first, *others = self.parts
        if others:
            return Bidirectional(first.layer, others[0].layer, self.merge)
        return Backward(first.layer) if first.reverse else first.layer


@dataclass(frozen=True)
class Piece:
    """The output vector of one part, or of both parts of a sum, or a graph input itself."""

    origin: Source | Stage
    forms: Forms = SEQUENCE

    @property
    def length(self) -> int | None:
        """The number of features, where it is known."""
        return None if isinstance(self.origin, Source) else self.origin.block.outputs


@dataclass(frozen=True)
class Joined:
    """Pieces one after the other on the axis of features."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Data:
    """A tensor that depends on the data.

    ``dimensions``: what its axes are. ``stack``: the axes of directions and layers, by which ``parts`` (an array of
    :class:`Joined`) is indexed. ``features``: the axis of features, ``None`` while a graph input's is not known.
    ``host_edge``: softmax or argmax behind the network, which the host computes.
    """

    dimensions: tuple[Dimension, ...]
    parts: NDArray[Any]
    features: Axis | None = None
    stack: tuple[Axis, ...] = ()
    host_edge: str = ""

    @property
    def group(self) -> Dimension:
        """The axes that make up all features: those of directions, then that of each one's features."""
        return (*self.stack, self.features) if self.features else ()

    @property
    def source(self) -> str | None:
        """The graph input that this is, its axes possibly in another order."""
        first = self.parts.flat[0].pieces[0].origin
        return first.name if isinstance(first, Source) else None


@dataclass(frozen=True)
class Given:
    """Something made of a graph input: usable as the lengths of sequences or as an initial state, which calls provide."""

    name: str


Value = Data | Given | NDArray[Any] | None  # None: an operand left out


def stacked(entries: Sequence[Joined]) -> NDArray[Any]:
    """Return the parts of a tensor with one stacked axis; of one entry those of a tensor without."""
    parts = np.empty(len(entries), dtype=object)
    parts[:] = list(entries)
    return parts if len(entries) > 1 else parts.reshape(())


def resolved(node: Node, data: Data) -> Piece:
    """Return the tensor's features as one piece: that of one layer, or a forward and a backward one over the same input."""
    pieces = tuple(piece for joined in data.parts.flat for piece in joined.pieces)
    return joined_piece(node, pieces)


def joined_piece(node: Node, pieces: tuple[Piece, ...], merge: Merge = "concat") -> Piece:
    """Return pieces as one: the forward and the backward layer of a pair, joined or added."""
    if any("first" in piece.forms for piece in pieces):
        node.refuse("takes the first timestep, where only a layer that runs backward has read the whole sequence")
    if len(pieces) == 1:
        return pieces[0]
    origins = [piece.origin for piece in pieces]
    parts = tuple(part for origin in origins if isinstance(origin, Stage) for part in origin.parts)
    if len(parts) != len(pieces) or len(parts) != 2 or parts[0].below != parts[1].below:
        node.refuse(
            f"takes the outputs of {_names(origins)} together; only a forward and a backward layer over the same input can be"
        )
    if [part.reverse for part in parts] != [False, True]:
        node.refuse(f"takes the outputs of {_names(origins)} together; the first must run forward and the second backward")
    forms = pieces[0].forms & pieces[1].forms
    if not forms:
        node.refuse(f"takes the outputs of {_names(origins)} of different timesteps together; take both last or both final ones")
    return Piece(Stage(parts, merge), forms)


def _names(origins: Iterable[Source | Stage]) -> str:
    return " and ".join(repr(origin.name if isinstance(origin, Source) else origin.block.name) for origin in origins)


def chain(origin: Source | Stage) -> Iterator[Stage]:
    """Yield the stages of a network from the last to the first."""
    while isinstance(origin, Stage):
        yield origin
        origin = origin.below


def last_recurrent(origin: Source | Stage) -> Stage | None:
    """Return the last stage whose layers remember."""
    return next((stage for stage in chain(origin) if stage.parts[0].layer.remembers), None)


def without_scaling(origin: Source | Stage) -> tuple[Source | Stage, Array | None, Array | None]:
    """Return what stands below a layer that only scales and shifts, with its scale and shift for the next layer's weights."""
    if isinstance(origin, Stage) and len(origin.parts) == 1 and origin.parts[0].elementwise:
        parameters = origin.parts[0].layer.parameters
        return origin.below, np.diag(parameters["weight"]), parameters["bias"]
    return origin, None, None
