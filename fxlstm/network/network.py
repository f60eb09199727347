"""Networks: layers, stacked, and their float forward pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from fxlstm.errors import ModelError
from fxlstm.network.forward import Trace, trace_layer
from fxlstm.network.layer import Array, Layer, as_float


@dataclass(frozen=True, eq=False)
class Network:
    """A stack of layers and what it gives back: the whole output sequence or its last timestep only.

    Call it for the float forward pass. ``metadata`` travels with the saved file and must be JSON.
    Raises :class:`ModelError` where neighbouring layers do not fit.
    """

    layers: tuple[Layer, ...]
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

    def __call__(self, x: ArrayLike) -> Array:
        """Return the outputs for ``x``, (time, features) or (batch, time, features), starting from zero states.

        The result has the same form with the output's features; without the time axis where ``returns`` is ``"last"``.
        """
        batched, single = self._as_batch(x)
        for layer in self.layers:
            batched = trace_layer(layer, batched, {layer.cell.output})[layer.cell.output]
        result = batched[:, -1] if self.returns == "last" else batched
        return result[0] if single else result

    def trace(self, x: ArrayLike) -> list[Trace]:
        """Return, for each layer, every vector its equations name, as ``{name: (batch, time, length)}``.

        ``x`` as in a call; a single sequence is a batch of one. All timesteps are there, also where ``returns`` is ``"last"``.
        """
        batched, _ = self._as_batch(x)
        traces: list[Trace] = []
        for layer in self.layers:
            traces.append(trace_layer(layer, batched))
            batched = traces[-1][layer.cell.output]
        return traces

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
