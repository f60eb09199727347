"""Networks: layers in a stack, in either direction or in both, and their float forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network.arrays import Array, as_float
from fxlstm.network.forward import Sequences, Trace, trace_blocks
from fxlstm.network.layers.layer import Layer
from fxlstm.network.layers.timing import check_sorted, checked_times
from fxlstm.network.names import unique
from fxlstm.network.topologies.directions import Block, directed_layers, joined, last_recurrent, layers_of, merged
from fxlstm.network.topologies.lengths import Lengths, Rows, checked_lengths, equal_lengths
from fxlstm.network.topologies.masking import check_mask, present_timesteps
from fxlstm.network.topologies.streaming import Stream, check_steps, check_streams, fed_back

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
    ``feeds_back``: its outputs can be its next inputs, see :meth:`generate`.
    Raises :class:`ModelError` where neighbouring layers do not fit, or options do not go together.
    """

    layers: tuple[Block, ...]
    returns: Literal["sequence", "last", "final"] = "sequence"
    name: str = "network"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    initial: Mapping[str, Array] = field(default_factory=dict)
    reads_backward: bool = False
    mask_value: float | None = None
    feeds_back: bool = False

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
            if layer.given != ("x",):
                given = ", ".join(layer.given[1:])
                raise ModelError(
                    f"layer {layer.name!r}: its cell {layer.cell.name!r} takes {given}, which the network does not give it"
                )
        object.__setattr__(self, "initial", {name: self._initial_state(name, value) for name, value in self.initial.items()})
        try:
            self._check_options()
        except ModelError as error:
            raise ModelError(f"network {self.name!r}: {error}") from error

    def _check_options(self) -> None:
        """Raise :class:`ModelError` for options that do not go together."""
        if self.mask_value is not None:
            check_mask(self.mask_value, self.layers, self.returns)
        if self.reads_backward and self.has_time_gates:
            raise ModelError("reads_backward turns the times of its time gates round; use Backward layers")
        if self.feeds_back:
            if self.outputs != self.inputs:
                raise ModelError(f"feeds_back with {self.inputs} inputs and {self.outputs} outputs; make them equal")
            if self.reads_backward or self.mask_value is not None:
                raise ModelError("feeds_back with reads_backward or mask_value; leave these out")
            check_streams(self.layers)

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
        return tuple(unique([layer.name for layer in self.every_layer]))

    @property
    def states(self) -> dict[str, int]:
        """The length of every state by its name, ``layer/state``: what a call takes initial values for."""
        pairs = zip(self.layer_names, self.every_layer, strict=True)
        return {f"{name}/{state}": layer.length(state) for name, layer in pairs for state in layer.cell.states}

    @property
    def has_time_gates(self) -> bool:
        """Whether a layer looks at the times of timesteps."""
        return any(layer.time_gate is not None for layer in self.every_layer)

    def __call__(
        self,
        x: ArrayLike,
        lengths: ArrayLike | None = None,
        states: Mapping[str, ArrayLike] | None = None,
        times: ArrayLike | None = None,
    ) -> Array:
        """Return the outputs for ``x``, (time, features) or (batch, time, features).

        The result has the same form with the output's features; without the time axis unless ``returns`` is ``"sequence"``.
        ``lengths``, (batch,): sequence i is its first ``lengths[i]`` timesteps; outputs beyond are 0, its last output is that of
        its last timestep, and a backward layer starts there. Of a bidirectional network the ``"last"`` output is the forward
        layer's last and the backward layer's at the same timestep, which has seen that timestep only.
        ``states``: initial values (batch, length) by the names of :attr:`states`; :attr:`initial` or zero where not given. A
        backward layer's are those before a sequence's last timestep.
        ``times``: (batch, time) or (time,), sorted, for time gates; the timesteps' numbers 0, 1, ... where not given.
        """
        batched, single = self._as_batch(x)
        batch, time, _ = batched.shape
        starts = self.starting_states(states or {}, batch)
        counts = checked_lengths(lengths, batch, time)
        is_sequence = self.returns == "sequence"
        result = np.zeros((batch, time, self.outputs) if is_sequence else (batch, self.outputs))
        for part, rows, length in self._parts(batched, counts, times):
            outputs = self._run(part, {name: values[rows] for name, values in starts.items()})
            if is_sequence:
                result[rows, :length] = outputs
            else:
                result[rows] = outputs
        return result[0] if single else result

    def generate(self, x: ArrayLike, steps: int) -> Array:
        """Return ``steps`` outputs, (batch, steps, outputs): the first at the last timestep of ``x``, each the next one's input.

        ``x``: (time, features) or (batch, time, features), at least one timestep; the result has the same form.
        Raises :class:`ModelError` for a network without ``feeds_back``.
        """
        if not self.feeds_back:
            raise ModelError(f"network {self.name!r} does not feed its outputs back; give it feeds_back=True")
        check_steps(steps)
        batched, single = self._as_batch(x)
        outputs = fed_back(Stream(self.layers, self.layer_names, self.starting_states({}, len(batched))), batched, steps)
        return outputs[0] if single else outputs

    def final_states(
        self,
        x: ArrayLike,
        lengths: ArrayLike | None = None,
        states: Mapping[str, ArrayLike] | None = None,
        times: ArrayLike | None = None,
    ) -> dict[str, Array]:
        """Return every state, (batch, length), once its layer has read the whole sequence; arguments as for a call."""
        batched, _ = self._as_batch(x)
        batch, time, _ = batched.shape
        starts = self.starting_states(states or {}, batch)
        final = {name: np.zeros((batch, length)) for name, length in self.states.items()}
        for part, rows, _ in self._parts(batched, checked_lengths(lengths, batch, time), times):
            own = {name: values[rows] for name, values in starts.items()}
            traces = trace_blocks(self.layers, self.layer_names, part, own, outputs_only=True)
            directed = [pair for block in self.layers for pair in directed_layers(block)]
            for name, (layer, reverse), trace in zip(self.layer_names, directed, traces, strict=True):
                for state in layer.cell.states:
                    final[f"{name}/{state}"][rows] = trace[state][:, 0 if reverse else -1]
        return final

    def trace(
        self,
        x: ArrayLike,
        lengths: ArrayLike | None = None,
        states: Mapping[str, ArrayLike] | None = None,
        times: ArrayLike | None = None,
    ) -> list[Trace]:
        """Return, for each of ``every_layer``, every vector its equations name, as ``{name: (batch, time, length)}``.

        Arguments as for a call; a single sequence is a batch of one. All timesteps are there whatever ``returns`` says, in the
        order in which the network reads them; at those that a layer leaves out its vectors hold, and beyond a sequence's length
        they are 0.
        """
        batched, _ = self._as_batch(x)
        batch, time, _ = batched.shape
        starts = self.starting_states(states or {}, batch)
        whole: list[Trace] = [{} for _ in self.every_layer]
        for part, rows, length in self._parts(batched, checked_lengths(lengths, batch, time), times):
            own = {name: values[rows] for name, values in starts.items()}
            traces = trace_blocks(self.layers, self.layer_names, part, own, outputs_only=False)
            for collected, trace in zip(whole, traces, strict=True):
                for name, values in trace.items():
                    collected.setdefault(name, np.zeros((batch, time, values.shape[-1])))[rows, :length] = values
        return whole

    def _parts(self, x: Array, counts: Lengths, times: ArrayLike | None) -> Iterator[tuple[Sequences, Rows, int]]:
        """Yield sequences of equal length as the layers see them, which of the batch they are, and their length."""
        batch, time, _ = x.shape
        if times is not None and not self.has_time_gates:
            raise ModelError(f"network {self.name!r} has no time gate to look at times; leave them out")
        clock = checked_times(times, batch, time)
        for length, rows in equal_lengths(counts):
            read = x[rows, :length][:, ::-1] if self.reads_backward else x[rows, :length]
            check_sorted(clock[rows, :length])
            yield Sequences(read, clock[rows, :length], present_timesteps(read, self.mask_value)), rows, length

    def _run(self, sequences: Sequences, starts: Mapping[str, Array]) -> Array:
        """Return the outputs of sequences of equal length: (batch, time, outputs), or (batch, outputs) of one timestep."""
        last = last_recurrent(self.layers)
        if self.returns != "final" or last is None:
            outputs = self._outputs(self.layers, self.layer_names, sequences, starts)
            return outputs if self.returns == "sequence" else outputs[:, -1]
        below, above = self.layers[: last + 1], self.layers[last + 1 :]
        count = sum(len(layers_of(block)) for block in below)
        traces = trace_blocks(below, self.layer_names[:count], sequences, starts, outputs_only=True)
        directed = directed_layers(below[-1])
        ends = [
            trace[layer.cell.output][:, 0 if reverse else -1]
            for (layer, reverse), trace in zip(directed, traces[-len(directed) :], strict=True)
        ]
        final = joined(below[-1], ends)[:, np.newaxis]
        once = Sequences(final, sequences.times[:, -1:])
        return (self._outputs(above, self.layer_names[count:], once, starts) if above else final)[:, 0]

    @staticmethod
    def _outputs(blocks: Sequence[Block], names: Sequence[str], sequences: Sequences, starts: Mapping[str, Array]) -> Array:
        return merged(blocks[-1], trace_blocks(blocks, names, sequences, starts, outputs_only=True))

    def starting_states(self, states: Mapping[str, ArrayLike], batch: int) -> dict[str, Array]:
        """Return the states that a batch starts from, (batch, length) each: the given ones, checked, else :attr:`initial`."""
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
