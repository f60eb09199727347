"""What goes from layer to layer while a model is read: the layers so far, and the form of the data behind them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from fxlstm.network.cells import DENSE
from fxlstm.network.cells.functions import Activation
from fxlstm.network.importers.keras.refusal import refuse
from fxlstm.network.layers.builders import dense
from fxlstm.network.layers.layer import Array, Layer
from fxlstm.network.network import Network
from fxlstm.network.topologies.directions import Backward, Bidirectional, Block
from fxlstm.network.topologies.encoder_decoder import EncoderDecoder


@dataclass(frozen=True)
class Run:
    """A layer or a pair, and whether it (of a pair the first one) reads the model's input from its last timestep to its first."""

    block: Layer | Bidirectional
    backward: bool


@dataclass(frozen=True)
class Stream:
    """The layers so far and the data behind them.

    ``form``: a sequence, its last timestep, or a vector where the model's input has no time axis. ``shape``: of one timestep,
    channels last, ``None`` where the model does not say; ``time``: how many, likewise. ``backward``: its timesteps stand in the
    reverse order of the model's input. ``zeroed``: the last recurrent layer, by name, where Keras sets its outputs at masked
    timesteps to 0. ``softmax``: the layer that ends the network, by name. ``encoder``: the network whose last output is repeated
    as the input of the layers so far, a decoder of ``time`` steps.
    """

    runs: tuple[Run, ...] = ()
    form: Literal["sequence", "last", "vector"] = "sequence"
    shape: tuple[int, ...] | None = None
    time: int | None = None
    backward: bool = False
    mask_value: float | None = None
    zeroed: str | None = None
    softmax: str | None = None
    encoder: Network | None = None

    @property
    def features(self) -> int | None:
        """Numbers of one timestep."""
        if self.runs:
            return self.runs[-1].block.outputs
        return math.prod(self.shape) if self.shape else None

    def behind(self, block: Layer | Bidirectional, shape: tuple[int, ...] | None = None, **changes: Any) -> Stream:
        """Return the stream behind one more layer; its data is of the shape, a vector of its outputs where none is given."""
        backward = changes.get("backward", self.backward)
        return replace(self, runs=(*self.runs, Run(block, backward)), shape=shape or (block.outputs,), **changes)

    def activated(self, activation: Activation, name: str) -> Stream:
        """Return the stream behind an activation: the linear layer before takes it on, else a layer of identity weights."""
        if activation == "linear":
            return self
        if activation == "softmax":
            return self.ended(name)
        last = self.runs[-1].block if self.runs else None
        if isinstance(last, Layer) and last.cell == DENSE:
            below = replace(self, runs=self.runs[:-1])
            return below.behind(dense(last.parameters["weight"], last.parameters["bias"], activation, last.name), self.shape)
        if self.features is None:
            refuse(name, "is an activation of an input whose shape the model does not say; begin it with an Input")
        return self.behind(dense(np.eye(self.features), np.zeros(self.features), activation, name), self.shape)

    def scaled(self, scale: Array, shift: Array, name: str) -> Stream:
        """Return the stream behind scale * y + shift: the linear layer before takes it on, else one of a diagonal does it."""
        last = self.runs[-1].block if self.runs else None
        if isinstance(last, Layer) and last.cell == DENSE:
            weight, bias = last.parameters["weight"] * scale, last.parameters["bias"] * scale + shift
            return replace(self, runs=self.runs[:-1]).behind(dense(weight, bias, name=last.name), self.shape)
        return self.behind(dense(np.diag(scale), shift, name=name), self.shape)

    def ended(self, name: str) -> Stream:
        """Return the stream before a softmax, which is left to the host."""
        if self.shape is not None and len(self.shape) > 1:
            refuse(name, f"is a softmax over each of {math.prod(self.shape[:-1])} positions")
        return replace(self, softmax=name)

    def permuted(self, order: Array, shape: tuple[int, ...] | None, name: str) -> Stream:
        """Return the stream with its features in another order: feature i was feature ``order[i]``."""
        return self.behind(_permutation(order, name), shape)

    def repeated(self, steps: int, name: str) -> Stream:
        """Return the stream of a decoder that reads the one vector of this stream at each of so many steps."""
        if self.encoder is not None:
            refuse(name, "repeats the output of a decoder; a model has one encoder and one decoder")
        if not self.runs:
            refuse(name, "repeats the model's input; an encoder has a layer with weights")
        encoder = self.network("encoder")
        return Stream(shape=(encoder.outputs,), time=steps, encoder=encoder)

    def model(self, name: str) -> Network | EncoderDecoder:
        """Return what computes all this."""
        network = self.network(name if self.encoder is None else "decoder")
        if self.encoder is None:
            return network
        metadata = {**network.metadata, "steps": self.time}
        return EncoderDecoder(self.encoder, network, feed="context", name=name, metadata=metadata)

    def network(self, name: str) -> Network:
        """Return the network of the layers so far."""
        if not self.runs:
            refuse(name, "has no layer with weights")
        recurrent = [run for run in self.runs if _is_recurrent(run.block)]
        if self.mask_value is not None and not recurrent:
            refuse(name, "masks timesteps for no recurrent layer")
        if self.mask_value is not None and self.zeroed and self.form == "sequence":
            refuse(self.zeroed, "gives 0 at masked timesteps, where networks hold; take its last timestep, or leave out Masking")
        pair_ends = bool(recurrent) and isinstance(recurrent[-1].block, Bidirectional)
        returns: Literal["sequence", "last", "final"] = "sequence"
        if self.form == "last":
            returns = "final" if pair_ends else "last"
        return Network(
            tuple(block for run in self.runs for block in _turned(run, self.backward)),
            returns,
            name,
            {"host_edge": "softmax"} if self.softmax else {},
            reads_backward=self.backward,
            mask_value=self.mask_value,
        )


def interleaved(positions: int, channels: Sequence[int]) -> Array:
    """Return the order that brings blocks of (positions, channels each) into positions of all blocks' channels."""
    starts = np.cumsum([0, *(positions * count for count in channels)])
    blocks = [
        start + np.arange(positions * count).reshape(positions, count) for start, count in zip(starts, channels, strict=False)
    ]
    return np.concatenate(blocks, axis=1).ravel()


def _turned(run: Run, backward: bool) -> Iterator[Block]:
    """Yield the blocks that do what a run does in a network that reads the model's input backward, or does not."""
    block = run.block
    if run.backward == backward or not _is_recurrent(block):
        yield block
    elif isinstance(block, Layer):
        yield Backward(block)
    else:
        yield Bidirectional(block.backward, block.forward, block.merge)
        if block.merge == "concat":
            first, second = block.forward.outputs, block.backward.outputs
            yield _permutation(np.roll(np.arange(first + second), first), f"{block.forward.name} first")


def _permutation(order: Array, name: str) -> Layer:
    """Return a layer whose output i is input ``order[i]``: weights of 0 and 1, exact in integers too."""
    return dense(np.eye(len(order))[:, order], np.zeros(len(order)), name=name)


def _is_recurrent(block: Layer | Bidirectional) -> bool:
    return isinstance(block, Bidirectional) or bool(block.cell.states)
