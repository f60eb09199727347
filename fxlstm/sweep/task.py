"""What a sweep runs at every point: a network or program, its inputs, and how good its outputs are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fxlstm.network import Network
from fxlstm.program.program import Program

Floats = NDArray[np.float64]


class Runs(Protocol):
    """A network, or :meth:`Engine.run`."""

    def __call__(self, x: ArrayLike, lengths: ArrayLike | None = None) -> Floats:
        """Return the outputs for inputs, of the lengths given."""


class Task(Protocol):
    """A task of a sweep. It is sent to the processes that compute, so it can be pickled."""

    @property
    def identity(self) -> str:
        """A text that differs when anything that its metrics depend on does."""

    @property
    def model(self) -> Network | Program:
        """What every point runs: a network, quantized for the point's hardware, or a program as it is."""

    @property
    def calibration(self) -> Floats:
        """Inputs to quantize a network with."""

    def outputs(self, run: Runs) -> Floats:
        """Return the outputs for all inputs of the task."""

    def metrics(self, outputs: Floats) -> Mapping[str, float]:
        """Return how good outputs are, by the metrics' names."""


@dataclass(frozen=True, eq=False)
class SequenceTask:
    """A model on inputs of one's own, (time, features) or (batch, time, features), with the outputs wanted if there are any.

    Its metric is ``rmse``, the root mean square of output minus ``targets``; without targets there is none.
    """

    identity: str
    model: Network | Program
    inputs: Floats
    calibration: Floats
    targets: Floats | None = None

    def outputs(self, run: Runs) -> Floats:
        """Return the outputs for the inputs."""
        return run(self.inputs)

    def metrics(self, outputs: Floats) -> Mapping[str, float]:
        """Return the error about the targets."""
        return {} if self.targets is None else {"rmse": float(np.sqrt(np.mean((outputs - self.targets) ** 2)))}


def identity_of(*parts: Any) -> str:
    """Return a digest of bytes, arrays and texts, as the identity of a task that is made of them."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.tobytes() + repr(part.shape).encode() if isinstance(part, np.ndarray) else part
        content = content if isinstance(content, bytes) else str(content).encode()
        digest.update(len(content).to_bytes(8) + content)
    return digest.hexdigest()
