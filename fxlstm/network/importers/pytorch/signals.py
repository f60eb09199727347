"""What a module computes, vector by vector, and how it is read from labels."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ModelError
from fxlstm.network.importers.pytorch.labels import Codes
from fxlstm.network.layers.layer import Array, Layer
from fxlstm.network.topologies.directions import Block, layers_of

SUPPORTED = (
    "LSTM, GRU, RNN and their cells, Linear, Sigmoid, Tanh, ReLU, LeakyReLU, Hardsigmoid, BatchNorm1d, "
    "Identity, Dropout, sums and products with constants, Softmax and LogSoftmax at the end, and what only moves elements"
)


@dataclass(frozen=True, eq=False)
class Signal:
    """A vector at each timestep, which ``blocks`` compute from the input.

    The label of an element is ``base`` + (sequence * ``times`` + timestep) * ``features`` + feature.
    The first ``forward`` features are those of layers that read forward; the others have read the whole sequence at timestep 0.
    ``times`` is 1 where there is one vector for a whole sequence, read by both directions (``returns="final"``).
    """

    blocks: tuple[Block, ...]
    features: int
    forward: int
    times: int
    base: int
    name: str = ""
    is_cell_state: bool = False
    host_edge: str = ""
    scaled: Scaled | None = None


@dataclass(frozen=True, eq=False)
class Scaled:
    """That a signal's last block is only ``scale`` * ``signal`` + ``shift``, which a layer that follows takes in."""

    signal: Signal
    scale: Array
    shift: Array


@dataclass(frozen=True, eq=False)
class Reading:
    """What a tensor of labels holds: ``features`` of the vectors of ``signal`` at ``places``.

    A place is sequence * times + timestep, or -1 for none.
    """

    signal: Signal
    places: Codes
    features: Codes

    @property
    def is_whole(self) -> bool:
        """Whether the vectors are whole and in order."""
        return np.array_equal(self.features, np.arange(self.signal.features))

    @property
    def reads_backward(self) -> bool:
        """Whether all features are those of layers that read backward."""
        return bool((self.features >= self.signal.forward).all())

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks below a layer with :meth:`kernel`."""
        return self.signal.blocks if self.signal.scaled is None else self.signal.scaled.signal.blocks

    def kernel(self, weight: Array) -> tuple[Array, Array]:
        """Return what a layer behind :attr:`blocks` multiplies by, one row for each feature, and what it adds.

        ``weight`` has one row for each of ``features``.
        """
        rows = np.zeros((self.signal.features, weight.shape[1]))
        np.add.at(rows, self.features, weight)
        scaled = self.signal.scaled
        return (rows, np.zeros(weight.shape[1])) if scaled is None else (rows * scaled.scale[:, None], scaled.shift @ rows)


@dataclass
class Signals:
    """All signals of one run of a module over ``batch`` sequences of ``time`` timesteps, of which ``lengths`` count."""

    batch: int
    time: int
    lengths: NDArray[np.int64]
    initial: dict[Layer, dict[str, Array]] = field(default_factory=dict)
    known: list[Signal] = field(default_factory=list)

    def new(
        self,
        blocks: tuple[Block, ...],
        features: int,
        forward: int,
        like: Signal | None = None,
        name: str = "",
        is_cell_state: bool = False,
        host_edge: str = "",
        scaled: Scaled | None = None,
    ) -> Signal:
        """Return a signal with labels of its own; it has as many timesteps as ``like``, else all."""
        last = self.known[-1] if self.known else None
        base = 1 if last is None else last.base + self._size(last)
        times = self.time if like is None else like.times
        signal = Signal(blocks, features, forward, times, base, name, is_cell_state, host_edge, scaled)
        self.known.append(signal)
        return signal

    def vectors(self, signal: Signal, places: Codes) -> Codes:
        """Return the labels of a signal's vectors at ``places``, in one more dimension; 0 where a place is none."""
        codes = signal.base + places[..., np.newaxis] * signal.features + np.arange(signal.features)
        return np.where(places[..., np.newaxis] >= 0, codes, 0)

    def place(self, sequence: Codes, timestep: Codes) -> Codes:
        """Return the places of timesteps of a signal that has all."""
        return sequence * self.time + timestep

    def ends(self, sequence: Codes) -> Codes:
        """Return the last timestep of each sequence."""
        return self.lengths[sequence] - 1

    def relabelled(self, codes: Codes, old: Signal, new: Signal) -> Codes:
        """Return ``codes`` of one signal as those of another of the same size."""
        return np.where(codes > 0, codes - old.base + new.base, 0)

    def signal(self, codes: Codes, name: str) -> Signal:
        """Return the one signal that all of ``codes`` come from."""
        real = codes[codes > 0]
        if not real.size:
            refuse(name, "takes elements that the network does not compute")
        bases = [signal.base for signal in self.known]
        first, last = (self.known[bisect_right(bases, code) - 1] for code in (real.min(), real.max()))
        if first is not last:
            refuse(name, f"joins {first.name!r} and {last.name!r}; one tensor goes from layer to layer")
        return first

    def read(self, codes: Codes, name: str) -> Reading:
        """Return the vectors in ``codes``, whose features stand in the last dimension, or in none where there is one feature."""
        signal = self.signal(codes, name)
        places, features = divmod(codes - signal.base, signal.features)
        if signal.features == 1 and (places != places[..., :1]).any():
            codes, places, features = (array[..., np.newaxis] for array in (codes, places, features))
        real = codes > 0
        if (real != real[..., :1]).any():
            refuse(name, "takes vectors with padding inside")
        rows = features[real[..., 0]]
        if (rows != rows[0]).any():
            refuse(name, f"takes different features of {signal.name!r} at different timesteps", Misplaced)
        if (places != places[..., :1])[real].any():
            if not self._have_read_all(signal, places[real], features[real]):
                refuse(name, f"mixes timesteps of {signal.name!r}", Misplaced)
            signal, places = self._final(signal), places // self.time
        return Reading(signal, np.where(real[..., 0], places[..., 0], -1), rows[0])

    def are_last_states(self, codes: Codes) -> bool:
        """Return whether all labels are of states of recurrent layers that have read the whole sequence."""
        for signal in self.known:
            own = codes[(codes >= signal.base) & (codes < signal.base + self._size(signal))]
            places, features = divmod(own - signal.base, signal.features)
            is_state = bool(signal.blocks) and any(layer.cell.states for layer in layers_of(signal.blocks[-1]))
            if own.size and not (is_state and self._have_read_all(signal, places, features)):
                return False
        return bool((codes > 0).all())

    def _have_read_all(self, signal: Signal, places: Codes, features: Codes) -> bool:
        """Return whether each feature stands at the timestep at which its direction has read the whole sequence."""
        if signal.times == 1:
            return False
        sequence, timestep = divmod(places, self.time)
        return bool((timestep == np.where(features < signal.forward, self.ends(sequence), 0)).all())

    def _size(self, signal: Signal) -> int:
        return self.batch * signal.times * signal.features

    def _final(self, signal: Signal) -> Signal:
        """Return the one vector for a whole sequence of a signal from two directions."""
        one = Signal(signal.blocks, signal.features, signal.features, 1, 0, signal.name)
        return self.new(signal.blocks, signal.features, signal.features, one, signal.name)


class Misplaced(ModelError):
    """A layer takes other vectors than it needs, as it does when the input has another layout than the module expects."""


def refuse(layer: str, reason: str, error: type[ModelError] = ModelError) -> NoReturn:
    """Raise the error that names the layer, the reason and what is supported."""
    raise error(f"layer {layer!r}: {reason}; from_torch supports {SUPPORTED}")
