"""What a network is asked for: whole sequences, sequences in pieces, what it generates, the nodes of a tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.network import EncoderDecoder, Model, Network, Tree, TreeNetwork
from fxlstm.program.hardware import Hardware
from fxlstm.program.program import Program
from fxlstm.program.quantize import quantize
from fxlstm.program.running.generation import generate
from fxlstm.program.running.reading import Reading
from fxlstm.program.running.trees import run_tree
from oracles.runners import Runner

Array = NDArray[np.float64]


class Task(Protocol):
    """Data for a network, and how the float network, the quantizer and a runner of its program are given them."""

    def floats(self, network: Model) -> Array:
        """Return what the float network gives."""
        ...

    def program(self, network: Model, hardware: Hardware) -> Program:
        """Return the network's program, calibrated with the same data."""
        ...

    def values(self, runner: Runner) -> Array:
        """Return what a runner of the program gives; values equal where codes are."""
        ...


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences from reset, x (batch, time, features); the rest as of :meth:`fxlstm.Engine.run`."""

    x: Array
    lengths: ArrayLike | None = None
    states: Mapping[str, ArrayLike] | None = None
    times: ArrayLike | None = None

    def floats(self, network: Model) -> Array:
        assert isinstance(network, Network)
        return network(self.x, self.lengths, self.states, self.times)

    def program(self, network: Model, hardware: Hardware) -> Program:
        return quantize(network, self.x, hardware, times=self.times)

    def values(self, runner: Runner) -> Array:
        reading = Reading(runner.program, self.x, self.lengths, self.times)
        codes = runner.run_codes(runner.program.encode(reading.x), reading.lengths, self.states)
        return reading.outputs(runner.program.decode(codes))


@dataclass(frozen=True, eq=False)
class Pieces:
    """One batch of sequences cut in pieces: in float the states go from piece to piece, an engine takes timestep after timestep."""

    x: Array
    pieces: int

    def floats(self, network: Model) -> Array:
        assert isinstance(network, Network)
        states: dict[str, Array] = {}
        outputs = []
        for piece in np.array_split(self.x, self.pieces, axis=1):
            outputs.append(network(piece, states=states))
            states = network.final_states(piece, states=states)
        return np.concatenate(outputs, axis=1)

    def program(self, network: Model, hardware: Hardware) -> Program:
        return quantize(network, self.x, hardware)

    def values(self, runner: Runner) -> Array:
        codes = runner.program.encode(self.x)
        step = getattr(runner, "step_codes", None)
        outputs = runner.run_codes(codes) if step is None else np.stack([step(code) for code in codes.swapaxes(0, 1)], axis=1)
        return runner.program.decode(outputs)


@dataclass(frozen=True, eq=False)
class Generation:
    """Outputs of a network that feeds back or of an encoder-decoder, after it has read x (batch, time, features)."""

    x: Array
    steps: int
    start: Array | None = None
    lengths: ArrayLike | None = None

    def floats(self, network: Model) -> Array:
        if isinstance(network, EncoderDecoder):
            return network.generate(self.x, self.steps, self.start, self.lengths)
        assert isinstance(network, Network)
        return network.generate(self.x, self.steps)

    def program(self, network: Model, hardware: Hardware) -> Program:
        if isinstance(network, EncoderDecoder):
            return quantize(network, self.x, hardware, steps=self.steps, start=self.start)
        return quantize(network, self.x, hardware)

    def values(self, runner: Runner) -> Array:
        return generate(runner, self.x, self.steps, self.start, self.lengths)


@dataclass(frozen=True, eq=False)
class Nodes:
    """All nodes of a tree, x (nodes, features)."""

    x: Array
    tree: Tree

    def floats(self, network: Model) -> Array:
        assert isinstance(network, TreeNetwork)
        return network(self.x, self.tree)

    def program(self, network: Model, hardware: Hardware) -> Program:
        return quantize(network, [(self.x, self.tree)], hardware)

    def values(self, runner: Runner) -> Array:
        return run_tree(runner, self.x, self.tree)
