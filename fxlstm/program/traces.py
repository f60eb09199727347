"""The float network over the calibration data: what every vector should hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network import Network
from fxlstm.network.forward import Trace
from fxlstm.network.layer import as_float
from fxlstm.network.masking import present_timesteps
from fxlstm.program.calibrate import Values


@dataclass(frozen=True)
class Traced:
    """The traces of a network's layers, (batch, time, length) per vector, in the order of reading.

    ``lengths``: timesteps of each sequence; beyond them its last timestep is repeated.
    """

    layers: Sequence[Trace]
    lengths: Sequence[int]

    @property
    def x(self) -> Values:
        """What the first layer reads."""
        return self.layers[0]["x"]


def traced(network: Network, calibration: ArrayLike) -> Traced:
    """Return the traces over calibration data without the timesteps that the network's mask leaves out.

    Raises :class:`ModelError` for data that do not fit, or that are masked altogether.
    """
    traces = network.trace(calibration)
    if network.mask_value is None:
        batch, time, _ = traces[0]["x"].shape
        return Traced(traces, [time] * batch)
    array = as_float(calibration, "the calibration data")
    unmasked = replace(network, mask_value=None)
    sequences = [_present(sequence, network.mask_value) for sequence in (array if array.ndim == 3 else array[np.newaxis])]
    parts = [unmasked.trace(sequence) for sequence in sequences if len(sequence)]
    if not parts:
        raise ModelError(f"every timestep of the calibration data is masked by {network.mask_value}; give data that are not")
    lengths = [part[0]["x"].shape[1] for part in parts]
    layers = [
        {name: np.concatenate([_padded(part[index][name], max(lengths)) for part in parts]) for name in traces[index]}
        for index in range(len(traces))
    ]
    return Traced(layers, lengths)


def _present(sequence: Values, mask_value: float) -> Values:
    """Return a sequence's timesteps that are not masked."""
    present = present_timesteps(sequence, mask_value)
    assert present is not None
    return sequence[present]


def _padded(values: Values, time: int) -> Values:
    """Return (batch, time, length) with the last timestep repeated."""
    return np.pad(values, [(0, 0), (0, time - values.shape[1]), (0, 0)], mode="edge")
