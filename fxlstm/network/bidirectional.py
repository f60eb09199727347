"""Two layers over the same input, one forward in time and one backward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fxlstm.errors import ModelError
from fxlstm.network.layer import Layer

MERGES = ("concat", "sum")


@dataclass(frozen=True, eq=False)
class Bidirectional:
    """Two layers that see the same input: ``forward`` from the first timestep on, ``backward`` from the last one back.

    Their outputs of one timestep stand one after the other (``"concat"``, forward first) or are added (``"sum"``).
    Raises :class:`ModelError` where the two do not fit each other.
    """

    forward: Layer
    backward: Layer
    merge: Literal["concat", "sum"] = "concat"

    def __post_init__(self) -> None:
        if self.merge not in MERGES:
            raise ModelError(f"{self.name}: merge = {self.merge!r}; choose one of {', '.join(MERGES)}")
        if self.forward.inputs != self.backward.inputs:
            raise ModelError(f"{self.name}: {self.forward.inputs} and {self.backward.inputs} inputs; make them equal")
        if self.merge == "sum" and self.forward.outputs != self.backward.outputs:
            raise ModelError(
                f"{self.name}: {self.forward.outputs} and {self.backward.outputs} outputs cannot be added; choose merge='concat'"
            )

    @property
    def name(self) -> str:
        """Both layers' names, for messages."""
        return f"bidirectional({self.forward.name}, {self.backward.name})"

    @property
    def inputs(self) -> int:
        """Features of one input vector."""
        return self.forward.inputs

    @property
    def outputs(self) -> int:
        """Features of one output vector."""
        return self.forward.outputs + (self.backward.outputs if self.merge == "concat" else 0)


Block = Layer | Bidirectional


def layers_of(block: Block) -> tuple[Layer, ...]:
    """Return a block's layers: one, or the forward and the backward one."""
    return (block.forward, block.backward) if isinstance(block, Bidirectional) else (block,)
