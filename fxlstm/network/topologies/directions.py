"""Which way layers read: forward, backward, or two layers over the same input, one each way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fxlstm.errors import ModelError
from fxlstm.network.layers.layer import Array, Layer

MERGES = ("concat", "sum")


@dataclass(frozen=True, eq=False)
class Backward:
    """A layer that runs from the last timestep to the first; its outputs stand at their timestep.

    Raises :class:`ModelError` for a layer with a period, which counts timesteps from the first.
    """

    layer: Layer

    def __post_init__(self) -> None:
        _check_period(self.name, self.layer)

    @property
    def name(self) -> str:
        """The layer's name, for messages."""
        return f"backward({self.layer.name})"

    @property
    def inputs(self) -> int:
        """Features of one input vector."""
        return self.layer.inputs

    @property
    def outputs(self) -> int:
        """Features of one output vector."""
        return self.layer.outputs


@dataclass(frozen=True, eq=False)
class Bidirectional:
    """Two layers that see the same input: ``forward`` from the first timestep on, ``backward`` from the last one back.

    Their outputs of one timestep stand one after the other (``"concat"``, forward first) or are added (``"sum"``).
    Raises :class:`ModelError` where the two do not fit each other, or one has a period.
    """

    forward: Layer
    backward: Layer
    merge: Literal["concat", "sum"] = "concat"

    def __post_init__(self) -> None:
        if self.merge not in MERGES:
            raise ModelError(f"{self.name}: merge = {self.merge!r}; choose one of {', '.join(MERGES)}")
        if self.forward.inputs != self.backward.inputs:
            raise ModelError(f"{self.name}: {self.forward.inputs} and {self.backward.inputs} inputs; make them equal")
        if self.merge == "sum" and self.forward.outputs != self.backward.outputs:
            raise ModelError(
                f"{self.name}: {self.forward.outputs} and {self.backward.outputs} outputs cannot be added; choose merge='concat'"
            )
        _check_period(self.name, self.forward, self.backward)

    @property
    def name(self) -> str:
        """Both layers' names, for messages."""
        return f"bidirectional({self.forward.name}, {self.backward.name})"

    @property
    def inputs(self) -> int:
        """Features of one input vector."""
        return self.forward.inputs

    @property
    def outputs(self) -> int:
        """Features of one output vector."""
        return self.forward.outputs + (self.backward.outputs if self.merge == "concat" else 0)


Block = Layer | Backward | Bidirectional


def layers_of(block: Block) -> tuple[Layer, ...]:
    """Return a block's layers: one, or the forward and the backward one."""
    return tuple(layer for layer, _ in directed_layers(block))


def directed_layers(block: Block) -> tuple[tuple[Layer, bool], ...]:
    """Return a block's layers, each with whether it runs from the last timestep to the first."""
    match block:
        case Bidirectional():
            return (block.forward, False), (block.backward, True)
        case Backward():
            return ((block.layer, True),)
    return ((block, False),)


def is_forward(block: Block) -> bool:
    """Return whether no layer of a block looks ahead: it could run as its input comes in."""
    return not any(reverse for layer, reverse in directed_layers(block) if layer.remembers)


def last_recurrent(blocks: Sequence[Block]) -> int | None:
    """Return the index of the last block with a layer that remembers; ``None`` where no layer does."""
    found = [index for index, block in enumerate(blocks) if any(layer.remembers for layer in layers_of(block))]
    return found[-1] if found else None


def merged(block: Block, traces: Sequence[Mapping[str, Array]]) -> Array:
    """Return the output of a block, (batch, time, features), from traces of which the last ones are its layers'."""
    layers = layers_of(block)
    outputs = [trace[layer.cell.output] for layer, trace in zip(layers, traces[-len(layers) :], strict=True)]
    return joined(block, outputs)


def joined(block: Block, outputs: Sequence[Array]) -> Array:
    """Return the outputs of a block's layers as one array: one after the other on the last axis, or added."""
    if isinstance(block, Bidirectional) and block.merge == "sum":
        return outputs[0] + outputs[1]
    return np.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]


def _check_period(name: str, *layers: Layer) -> None:
    if any(layer.period != 1 for layer in layers):
        raise ModelError(f"{name}: a layer has a period, which counts from the first timestep; only forward layers may have one")
