"""Networks: layers in a stack, in either direction or in both, and their float forward pass."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network.directions import Block, directed_layers, is_forward, joined, last_recurrent, layers_of, merged
from fxlstm.network.forward import Trace, trace_blocks
from fxlstm.network.layer import Array, Layer, as_float
from fxlstm.network.lengths import checked_lengths, equal_lengths
from fxlstm.network.masking import Mask, present_timesteps

RETURNS = ("sequence", "last", "final")


@dataclass(frozen=True, eq=False)
class Network:
    """A stack of layers and what it gives back: the whole output sequence or one output alone.

    An entry of ``layers`` is a :class:`Layer`, a :class:`Backward` one or a :class:`Bidirectional` pair.
    Call it for the float forward pass. ``metadata`` travels with the saved file and must be JSON.
    ``returns``: ``"sequence"``; ``"last"``, the output of the last timestep; ``"final"``, the output once every layer of the last
    recurrent block has read the whole sequence: the forward ones at the last timestep, the backward ones at the first.
    ``initial``: initial states (length,) by the names of :attr:`states`, zero where not given; those given to a call go first.
    ``reads_backward``: every sequence is reversed, within its length, before the first layer sees it; outputs stand in the order
    of reading. ``mask_value``: timesteps whose features all equal it are left out; states and outputs of recurrent layers hold.
    Raises :class:`ModelError` where neighbouring layers do not fit, or options do not go together.
    """

    layers: tuple[Block, ...]
    returns: Literal["sequence", "last", "final"] = "sequence"
    name: str = "network"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    initial: Mapping[str, Array] = field(default_factory=dict)
    reads_backward: bool = False
    mask_value: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise ModelError(f"network {self.name!r} has no layers; give at least one")
        if self.returns not in RETURNS:
            raise ModelError(f"network {self.name!r}: returns = {self.returns!r}; choose one of {', '.join(RETURNS)}")
        for index, (below, above) in enumerate(zip(self.layers, self.layers[1:], strict=False)):
            if below.outputs != above.inputs:
                raise ModelError(
                    f"layer {index} ({below.name!r}) has {below.outputs} outputs but layer {index + 1} ({above.name!r}) "
                    f"has {above.inputs} inputs; make them equal"
                )
        for layer in self.every_layer:
            if layer.cell.inputs != ("x",):
                given = ", ".join(layer.cell.inputs[1:])
                raise ModelError(f"layer {layer.name!r}: its cell {layer.cell.name!r} takes {given}, which no network gives it")
        object.__setattr__(self, "initial", {name: self._initial_state(name, value) for name, value in self.initial.items()})
        self._check_mask()

    def _check_mask(self) -> None:
        if self.mask_value is None:
            return
        if not math.isfinite(self.mask_value):
            raise ModelError(f"network {self.name!r}: mask_value = {self.mask_value}; it must be a finite number")
        last = last_recurrent(self.layers)
        if last is None:
            raise ModelError(f"network {self.name!r}: mask_value without a recurrent layer, which alone can leave out timesteps")
        if self.returns != "final" and not is_forward(self.layers[last]):
            block = self.layers[last].name
            raise ModelError(
                f"network {self.name!r}: mask_value with returns = {self.returns!r} behind {block!r}: its output at a masked "
                f"timestep is not defined; it is where the last recurrent layer runs forward, or with returns='final'"
            )

    @property
    def inputs(self) -> int:
        """Features of one input vector."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        """Features of one output vector."""
        return self.layers[-1].outputs

    @property
    def every_layer(self) -> tuple[Layer, ...]:
        """All layers in order; of a pair the forward one first."""
        return tuple(layer for block in self.layers for layer in layers_of(block))

    @property
    def layer_names(self) -> tuple[str, ...]:
        """A name for each of ``every_layer``: its own, numbered where several have it."""
        return tuple(_unique([layer.name for layer in self.every_layer]))

    @property
    def states(self) -> dict[str, int]:
        """The length of every state by its name, ``layer/state``: what a call takes initial values for."""
        pairs = zip(self.layer_names, self.every_layer, strict=True)
        return {f"{name}/{state}": layer.length(state) for name, layer in pairs for state in layer.cell.states}

    def __call__(self, x: ArrayLike, lengths: ArrayLike | None = None, states: Mapping[str, ArrayLike] | None = None) -> Array:
        """Return the outputs for ``x``, (time, features) or (batch, time, features).

        The result has the same form with the output's features; without the time axis unless ``returns`` is ``"sequence"``.
        ``lengths``, (batch,): sequence i is its first ``lengths[i]`` timesteps; outputs beyond are 0, its last output is that of
        its last timestep, and a backward layer starts there. Of a bidirectional network the ``"last"`` output is the forward
        layer's last and the backward layer's at the same timestep, which has seen that timestep only.
        ``states``: initial values (batch, length) by the names of :attr:`states`; :attr:`initial` or zero where not given. A
        backward layer's are those before a sequence's last timestep.
        """
        batched, single = self._as_batch(x)
        batch, time, _ = batched.shape
        starts = self._starts(states or {}, batch)
        counts = checked_lengths(lengths, batch, time)
        is_sequence = self.returns == "sequence"
        result = np.zeros((batch, time, self.outputs) if is_sequence else (batch, self.outputs))
        for length, rows in equal_lengths(counts):
            part = self._run(self._read(batched[rows, :length]), {name: values[rows] for name, values in starts.items()})
            if is_sequence:
                result[rows, :length] = part
            else:
                result[rows] = part
        return result[0] if single else result

    def trace(self, x: ArrayLike) -> list[Trace]:
        """Return, for each of ``every_layer``, every vector its equations name, as ``{name: (batch, time, length)}``.

        ``x`` as in a call; a single sequence is a batch of one. All timesteps are there whatever ``returns`` says, in the order
        in which the network reads them; at those that a layer leaves out its vectors hold.
        """
        read = self._read(self._as_batch(x)[0])
        starts = self._starts({}, len(read))
        return trace_blocks(self.layers, self.layer_names, read, starts, False, present_timesteps(read, self.mask_value))

    def _read(self, x: Array) -> Array:
        """Return sequences of one length in the order in which the layers see them."""
        return x[:, ::-1] if self.reads_backward else x

    def _run(self, x: Array, starts: Mapping[str, Array]) -> Array:
        """Return the outputs of sequences of equal length: (batch, time, outputs), or (batch, outputs) of one timestep."""
        present = present_timesteps(x, self.mask_value)
        last = last_recurrent(self.layers)
        if self.returns != "final" or last is None:
            outputs = self._outputs(self.layers, self.layer_names, x, starts, present)
            return outputs if self.returns == "sequence" else outputs[:, -1]
        below, above = self.layers[: last + 1], self.layers[last + 1 :]
        traces = trace_blocks(below, self.layer_names[: _count(below)], x, starts, True, present)
        directed = directed_layers(below[-1])
        ends = [
            trace[layer.cell.output][:, 0 if reverse else -1]
            for (layer, reverse), trace in zip(directed, traces[-len(directed) :], strict=True)
        ]
        final = joined(below[-1], ends)[:, np.newaxis]
        return self._outputs(above, self.layer_names[_count(below) :], final, starts)[:, 0] if above else final[:, 0]

    @staticmethod
    def _outputs(
        blocks: Sequence[Block], names: Sequence[str], x: Array, starts: Mapping[str, Array], present: Mask | None = None
    ) -> Array:
        return merged(blocks[-1], trace_blocks(blocks, names, x, starts, True, present))

    def _starts(self, states: Mapping[str, ArrayLike], batch: int) -> dict[str, Array]:
        """Return the states that a batch starts from, (batch, length) each: the given ones, checked, else the network's own."""
        arrays = {name: np.broadcast_to(values, (batch, len(values))) for name, values in self.initial.items()}
        for name, values in states.items():
            self._check_state(name)
            arrays[name] = as_float(values, f"state {name!r}")
            if arrays[name].shape != (batch, self.states[name]):
                raise ModelError(f"state {name!r} has shape {arrays[name].shape}; give {(batch, self.states[name])}")
        return arrays

    def _initial_state(self, name: str, values: ArrayLike) -> Array:
        """Return a state of :attr:`initial`, checked."""
        self._check_state(name)
        array = as_float(values, f"initial state {name!r}")
        if array.shape != (self.states[name],):
            raise ModelError(f"initial state {name!r} has shape {array.shape}; give {(self.states[name],)}")
        return array

    def _check_state(self, name: str) -> None:
        if name not in self.states:
            known = ", ".join(self.states) or "none"
            raise ModelError(f"network {self.name!r} has no state {name!r}; its states: {known}")

    def _as_batch(self, x: ArrayLike) -> tuple[Array, bool]:
        """Return ``x`` as (batch, time, features) and whether it was one sequence."""
        array = as_float(x, f"input of network {self.name!r}")
        if array.ndim not in (2, 3) or array.shape[-1] != self.inputs:
            raise ModelError(
                f"input has shape {array.shape}; network {self.name!r} takes (time, {self.inputs}) or (batch, time, {self.inputs})"
            )
        if 0 in array.shape:
            raise ModelError(f"input has shape {array.shape}; give at least one sequence of at least one timestep")
        return (array[np.newaxis], True) if array.ndim == 2 else (array, False)


def _count(blocks: Sequence[Block]) -> int:
    return sum(len(layers_of(block)) for block in blocks)


def _unique(names: Sequence[str]) -> list[str]:
    """Return the names, numbered where one occurs more than once."""
    unique: list[str] = []
    for name in names:
        label, number = name, 1
        while names.count(label) > 1 or label in unique:
            label, number = f"{name}-{number}", number + 1
        unique.append(label)
    return unique
