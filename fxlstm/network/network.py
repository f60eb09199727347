"""Networks: layers, stacked or in pairs of both directions, and their float forward pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network.bidirectional import Bidirectional, Block, layers_of
from fxlstm.network.forward import Trace, trace_layer
from fxlstm.network.layer import Array, Layer, as_float
from fxlstm.network.lengths import checked_lengths, equal_lengths


@dataclass(frozen=True, eq=False)
class Network:
    """A stack of layers and what it gives back: the whole output sequence or its last timestep only.

    An entry of ``layers`` is a :class:`Layer` or a :class:`Bidirectional` pair.
    Call it for the float forward pass. ``metadata`` travels with the saved file and must be JSON.
    Raises :class:`ModelError` where neighbouring layers do not fit.
    """

    layers: tuple[Block, ...]
    returns: Literal["sequence", "last"] = "sequence"
    name: str = "network"
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise ModelError(f"network {self.name!r} has no layers; give at least one")
        if self.returns not in ("sequence", "last"):
            raise ModelError(f"network {self.name!r}: returns = {self.returns!r}; choose 'sequence' or 'last'")
        for index, (below, above) in enumerate(zip(self.layers, self.layers[1:], strict=False)):
            if below.outputs != above.inputs:
                raise ModelError(
                    f"layer {index} ({below.name!r}) has {below.outputs} outputs but layer {index + 1} ({above.name!r}) "
                    f"has {above.inputs} inputs; make them equal"
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

        The result has the same form with the output's features; without the time axis where ``returns`` is ``"last"``.
        ``lengths``, (batch,): sequence i is its first ``lengths[i]`` timesteps; outputs beyond are 0, its last output is that of
        its last timestep, and a backward layer starts there. Of a bidirectional network the last output is the forward layer's
        last and the backward layer's at the same timestep, which has seen that timestep only.
        ``states``: initial values (batch, length) by the names of :attr:`states`; zero where not given. A backward layer's are
        those before a sequence's last timestep.
        """
        batched, single = self._as_batch(x)
        batch, time, _ = batched.shape
        initial = self._initial(states or {}, batch)
        result = np.zeros((batch, time, self.outputs))
        counts = checked_lengths(lengths, batch, time)
        for length, rows in equal_lengths(counts):
            traces = self._trace(
                batched[rows, :length], {name: values[rows] for name, values in initial.items()}, outputs_only=True
            )
            result[rows, :length] = self._output(traces)
        if self.returns == "last":
            result = result[np.arange(batch), counts - 1]
        return result[0] if single else result

    def trace(self, x: ArrayLike) -> list[Trace]:
        """Return, for each of ``every_layer``, every vector its equations name, as ``{name: (batch, time, length)}``.

        ``x`` as in a call; a single sequence is a batch of one. All timesteps are there, also where ``returns`` is ``"last"``.
        """
        batched, _ = self._as_batch(x)
        return self._trace(batched, {}, outputs_only=False)

    def _trace(self, x: Array, states: Mapping[str, Array], outputs_only: bool) -> list[Trace]:
        """Return the traces of sequences of equal length from the given states."""
        names = iter(self.layer_names)
        traces: list[Trace] = []
        for block in self.layers:
            for layer, reverse in zip(layers_of(block), (False, True), strict=False):
                prefix = f"{next(names)}/"
                own = {name.removeprefix(prefix): value for name, value in states.items() if name.startswith(prefix)}
                traces.append(trace_layer(layer, x, {layer.cell.output} if outputs_only else None, own, reverse))
            x = merged(block, traces)
        return traces

    def _output(self, traces: Sequence[Trace]) -> Array:
        return merged(self.layers[-1], traces)

    def _initial(self, states: Mapping[str, ArrayLike], batch: int) -> dict[str, Array]:
        """Return the given initial states, checked."""
        arrays = {}
        for name, values in states.items():
            if name not in self.states:
                known = ", ".join(self.states) or "none"
                raise ModelError(f"network {self.name!r} has no state {name!r}; its states: {known}")
            arrays[name] = as_float(values, f"state {name!r}")
            if arrays[name].shape != (batch, self.states[name]):
                raise ModelError(f"state {name!r} has shape {arrays[name].shape}; give {(batch, self.states[name])}")
        return arrays

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


def merged(block: Block, traces: Sequence[Mapping[str, Array]]) -> Array:
    """Return the output of a block, (batch, time, features), from traces of which the last ones are its layers'."""
    layers = layers_of(block)
    outputs = [trace[layer.cell.output] for layer, trace in zip(layers, traces[-len(layers) :], strict=True)]
    if isinstance(block, Bidirectional) and block.merge == "sum":
        return outputs[0] + outputs[1]
    return np.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]


def _unique(names: Sequence[str]) -> list[str]:
    """Return the names, numbered where one occurs more than once."""
    unique: list[str] = []
    for name in names:
        label, number = name, 1
        while names.count(label) > 1 or label in unique:
            label, number = f"{name}-{number}", number + 1
        unique.append(label)
    return unique
