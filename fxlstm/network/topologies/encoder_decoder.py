"""Two networks: one reads a sequence, the other goes on from what the first one knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network.arrays import Array, as_float
from fxlstm.network.forward import Trace
from fxlstm.network.network import Network
from fxlstm.network.topologies.streaming import Stream, check_steps, check_streams, fed_back

FEEDS = ("feedback", "context", "given")


@dataclass(frozen=True, eq=False)
class EncoderDecoder:
    """An encoder that reads a sequence and a decoder that generates another from the encoder's final states.

    ``bridge``: decoder state -> encoder state, by the names of :attr:`Network.states`; decoder states that are not in it start
    from the decoder's own. ``feed``: what the decoder reads: ``"feedback"`` its own last output, ``"context"`` the encoder's last
    output (its final one where it returns that) at every timestep, ``"given"`` inputs that come with the call.
    ``metadata`` travels with the saved file and must be JSON.
    Raises :class:`ModelError` where the two do not fit, or the decoder looks ahead.
    """

    encoder: Network
    decoder: Network
    bridge: Mapping[str, str] = field(default_factory=dict)
    feed: Literal["feedback", "context", "given"] = "feedback"
    name: str = "encoder-decoder"
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            self._check_feed()
            self._check_bridge()
        except ModelError as error:
            raise ModelError(f"encoder-decoder {self.name!r}: {error}") from error

    def _check_feed(self) -> None:
        decoder = self.decoder
        if self.feed not in FEEDS:
            raise ModelError(f"feed = {self.feed!r}; choose one of {', '.join(FEEDS)}")
        if decoder.returns != "sequence" or decoder.reads_backward or decoder.mask_value is not None:
            raise ModelError(
                "its decoder must return the sequence, read forward and mask nothing: it gives one output per timestep"
            )
        check_streams(decoder.layers)
        wanted = {"feedback": decoder.outputs, "context": self.encoder.outputs, "given": decoder.inputs}[self.feed]
        if decoder.inputs != wanted:
            raise ModelError(f"feed = {self.feed!r} gives the decoder {wanted} inputs, it has {decoder.inputs}; make them equal")

    def _check_bridge(self) -> None:
        if not self.bridge and self.feed != "context":
            raise ModelError("nothing of the encoder reaches the decoder; give a bridge of states, or feed='context'")
        sides = (("decoder", self.decoder, list(self.bridge)), ("encoder", self.encoder, list(self.bridge.values())))
        for side, network, names in sides:
            if unknown := [name for name in names if name not in network.states]:
                raise ModelError(f"its {side} has no state {unknown[0]!r}; its states: {', '.join(network.states) or 'none'}")
        for target, source in self.bridge.items():
            if self.decoder.states[target] != self.encoder.states[source]:
                lengths = self.encoder.states[source], self.decoder.states[target]
                raise ModelError(
                    f"the bridge from {source!r} to {target!r} joins lengths {lengths[0]} and {lengths[1]}; make them equal"
                )

    def generate(self, x: ArrayLike, steps: int, start: ArrayLike | None = None, lengths: ArrayLike | None = None) -> Array:
        """Return ``steps`` outputs of the decoder, (batch, steps, outputs), after the encoder has read ``x``.

        ``x``: (time, features) or (batch, time, features); the result has the same form. ``lengths``: as for a network.
        ``start``, without its batch axis for a single sequence: with ``feed="feedback"`` the decoder's first input, (batch,
        inputs), zeros where not given; with ``"given"`` all its inputs, (batch, steps, inputs); with ``"context"`` nothing.
        """
        outputs = self._decode(x, steps, start, lengths)[2]
        return outputs[0] if np.ndim(x) == 2 else outputs

    def trace(
        self, x: ArrayLike, steps: int, start: ArrayLike | None = None, lengths: ArrayLike | None = None
    ) -> tuple[list[Trace], list[Trace]]:
        """Return the traces of the encoder's and of the decoder's layers; arguments as for :meth:`generate`."""
        states, inputs, _ = self._decode(x, steps, start, lengths)
        return self.encoder.trace(x, lengths), self.decoder.trace(inputs, states=states)

    def _decode(
        self, x: ArrayLike, steps: int, start: ArrayLike | None, lengths: ArrayLike | None
    ) -> tuple[dict[str, Array], Array, Array]:
        """Return the decoder's initial states, inputs and outputs, with a batch axis."""
        check_steps(steps)
        known = self.encoder.final_states(x, lengths)
        states = {target: known[source] for target, source in self.bridge.items()}
        single = np.ndim(x) == 2
        batch = 1 if single else len(np.asarray(x))
        stream = Stream(self.decoder.layers, self.decoder.layer_names, self.decoder.starting_states(states, batch))
        if self.feed == "feedback":
            first = self._start(start, (batch, self.decoder.inputs), single)[:, np.newaxis]
            outputs = fed_back(stream, first, steps)
            return states, np.concatenate([first, outputs[:, :-1]], axis=1), outputs
        if self.feed == "context":
            if start is not None:
                raise ModelError(f"encoder-decoder {self.name!r} feeds its context to the decoder; leave start out")
            inputs = np.repeat(self._context(x, lengths, batch), steps, axis=1)
        else:
            if start is None:
                raise ModelError(f"encoder-decoder {self.name!r}: give its decoder's inputs as start, (batch, steps, inputs)")
            inputs = self._start(start, (batch, steps, self.decoder.inputs), single)
        return states, inputs, stream.run(inputs)

    def _context(self, x: ArrayLike, lengths: ArrayLike | None, batch: int) -> Array:
        """Return the encoder's last output, (batch, 1, outputs)."""
        encoder = replace(self.encoder, returns="last") if self.encoder.returns == "sequence" else self.encoder
        return encoder(x, lengths).reshape(batch, 1, self.encoder.outputs)

    def _start(self, start: ArrayLike | None, shape: tuple[int, ...], single: bool) -> Array:
        """Return what the decoder is given, checked; zeros where it is nothing."""
        if start is None:
            return np.zeros(shape)
        array = as_float(start, "start")
        wanted = shape[1:] if single else shape
        if array.shape != wanted:
            raise ModelError(f"start has shape {array.shape}; give {wanted}")
        return array.reshape(shape)
