"""The float network over the calibration data: what every vector should hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network import Layer, Network
from fxlstm.network.forward import Sequences, Trace, trace_blocks
from fxlstm.network.layers.layer import as_float
from fxlstm.network.layers.timing import checked_times
from fxlstm.network.topologies.directions import directed_layers, joined, last_recurrent, layers_of
from fxlstm.network.topologies.masking import present_timesteps
from fxlstm.program.calibration.calibrate import Values


@dataclass(frozen=True)
class Traced:
    """The traces of a network's layers, (batch, time, length) per vector, in the order of reading.

    ``lengths``: timesteps of each sequence; beyond them its last timestep is repeated. ``rows``: which sequences of the calibration
    data these are.
    """

    layers: list[Trace]
    lengths: list[int]
    rows: list[int]

    @property
    def x(self) -> Values:
        """What the first layer reads."""
        return self.layers[0]["x"]


@dataclass(frozen=True)
class Run:
    """One sequence of calibration data: for each phase its input values, (given, features), and for how many timesteps it runs."""

    inputs: Sequence[Values]
    timesteps: Sequence[int]


@dataclass(frozen=True)
class Wanted:
    """What a vector should hold, (sequences, time, length), over the timesteps of a phase; it changes at every ``period``-th."""

    values: Values
    phase: int
    period: int


def traced(network: Network, calibration: ArrayLike, times: ArrayLike | None = None) -> Traced:
    """Return the traces over calibration data without the timesteps that the network's mask leaves out.

    ``times``: of the timesteps, as in a call of the network. Raises :class:`ModelError` for data that do not fit, or that are
    masked altogether.
    """
    if network.mask_value is None:
        layers = _trace(network, calibration, times)
        batch, time, _ = layers[0]["x"].shape
        return Traced(layers, [time] * batch, list(range(batch)))
    array = as_float(calibration, "the calibration data")
    batched = array if array.ndim == 3 else array[np.newaxis]
    network(batched[:1], times=None if times is None else np.atleast_2d(np.asarray(times))[:1])  # says what does not fit
    present = present_timesteps(batched, network.mask_value)
    assert present is not None
    if not present.any():
        raise ModelError(f"every timestep of the calibration data is masked by {network.mask_value}; give data that are not")
    unmasked = replace(network, mask_value=None)
    clock = checked_times(times, *batched.shape[:2])
    rows = [row for row in range(len(batched)) if present[row].any()]
    gated = network.has_time_gates
    parts = [_trace(unmasked, batched[row, present[row]], clock[row, present[row]] if gated else None) for row in rows]
    lengths = [part[0]["x"].shape[1] for part in parts]
    layers = [
        {name: np.concatenate([padded(part[index][name], max(lengths)) for part in parts]) for name in vectors}
        for index, vectors in enumerate(parts[0])
    ]
    return Traced(layers, lengths, rows)


def _trace(network: Network, x: ArrayLike, times: ArrayLike | None) -> list[Trace]:
    """Return the traces of sequences of one length; what is above a final output of backward layers reads that alone."""
    layers = network.trace(x, times=times)
    last = last_recurrent(network.layers)
    if network.returns != "final" or last in (None, len(network.layers) - 1) or isinstance(network.layers[last], Layer):
        return layers
    directed = directed_layers(network.layers[last])
    count = sum(len(layers_of(block)) for block in network.layers[: last + 1])
    ends = [
        layers[count - len(directed) + index][layer.cell.output][:, [0 if reverse else -1]]
        for index, (layer, reverse) in enumerate(directed)
    ]
    batch, time, _ = layers[0]["x"].shape
    final = np.repeat(joined(network.layers[last], ends), time, axis=1)
    above = Sequences(final, checked_times(None, batch, time))
    return layers[:count] + trace_blocks(network.layers[last + 1 :], network.layer_names[count:], above, {}, outputs_only=False)


def padded(values: Values, time: int) -> Values:
    """Return (batch, time, length) with the last timestep repeated."""
    return np.pad(values, [(0, 0), (0, time - values.shape[1]), (0, 0)], mode="edge")
