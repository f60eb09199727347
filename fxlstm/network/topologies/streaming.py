"""Sequences piece by piece, and outputs that are fed back as the next inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fxlstm.errors import ModelError
from fxlstm.network.arrays import Array
from fxlstm.network.forward import Sequences, trace_blocks
from fxlstm.network.topologies.directions import Block, is_forward, merged


class Stream:
    """A stack of forward layers that goes on from piece to piece of its sequences: pieces give what the whole gives.

    ``names``: one for each layer; ``starts``: initial states (batch, length) by ``layer/state``. Timesteps have the times 0, 1, ...
    """

    def __init__(self, blocks: Sequence[Block], names: Sequence[str], starts: Mapping[str, Array]) -> None:
        self.blocks, self.names = blocks, names
        self.held = dict(starts)
        self.timesteps = 0

    def run(self, x: Array) -> Array:
        """Return the outputs of the next timesteps, (batch, time, features) to (batch, time, outputs)."""
        batch, time, _ = x.shape
        times = np.broadcast_to(np.arange(self.timesteps, self.timesteps + time, dtype=np.float64), (batch, time))
        traces = trace_blocks(self.blocks, self.names, Sequences(x, times, start=self.timesteps), self.held, outputs_only=True)
        pairs = zip(self.names, traces, strict=True)
        self.held |= {f"{name}/{vector}": values[:, -1] for name, trace in pairs for vector, values in trace.items()}
        self.timesteps += time
        return merged(self.blocks[-1], traces)


def fed_back(stream: Stream, x: Array, steps: int) -> Array:
    """Return ``steps`` outputs, (batch, steps, outputs): the first at the last timestep of ``x``, each the next one's input."""
    outputs = []
    for _ in range(steps):
        x = stream.run(x)[:, -1:]
        outputs.append(x)
    return np.concatenate(outputs, axis=1)


def check_steps(steps: int) -> None:
    """Raise :class:`ModelError` unless at least one output is asked for."""
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise ModelError(f"steps = {steps!r}; give the number of outputs to generate, at least 1")


def check_streams(blocks: Sequence[Block]) -> None:
    """Raise :class:`ModelError` for a layer that looks ahead."""
    if ahead := [block.name for block in blocks if not is_forward(block)]:
        raise ModelError(
            f"{ahead[0]!r} reads its sequence backward, so it cannot give one output after the other; use forward layers"
        )
