"""A program under construction: what all its layers and phases add to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fxlstm.network import Layer
from fxlstm.program.calibrate import Values
from fxlstm.program.formats import encode
from fxlstm.program.hardware import Hardware
from fxlstm.program.layer_formats import Calibration, choose_formats
from fxlstm.program.lowering.arena import Arena
from fxlstm.program.lowering.layer import LayerLowering, LoweredLayer
from fxlstm.program.methods import Method
from fxlstm.program.products import Product, products_of
from fxlstm.program.program import Operation, Slice, Sweep


@dataclass
class Draft:
    """A sweep under construction. ``entry``: where it takes what it reads of the record, from its code ``source`` on.

    ``None``: it reads nothing. ``output``: what it adds to the record; ``None``: nothing.
    """

    phase: int = 0
    source: int = 0
    reverse: bool = False
    period: int = 1
    returns_last: bool = False
    entry: Slice | None = None
    output: Slice | None = None
    operations: list[Operation] = field(default_factory=list)
    step_operations: int = 0

    def finished(self) -> Sweep:
        """The sweep as the program has it."""
        ends = {"input": self.entry, "output": self.output}
        places = {f"{end}_{name}": getattr(part, name) for end, part in ends.items() if part for name in ("start", "length")}
        flags = {name: getattr(self, name) for name in ("reverse", "returns_last", "phase", "period", "source")}
        return Sweep(len(self.operations), self.step_operations, **flags, **places)


@dataclass
class Assembly:
    """The arena, the layers, the products that become matrices, and the sweeps with their operations."""

    hardware: Hardware
    method: Method
    arena: Arena = field(default_factory=Arena)
    layers: list[LoweredLayer] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    sweeps: list[Draft] = field(default_factory=list)
    floats: dict[str, Values] = field(default_factory=dict)  # what each named slice should hold, (batch, time, length)

    def layer(
        self,
        layer: Layer,
        name: str,
        calibration: Calibration,
        source: Slice | None,
        homes: Mapping[str, Slice] | None = None,
        reverse: bool = False,
    ) -> LoweredLayer:
        """Lower a layer that reads ``source``, or what is put at its x. ``homes``: vectors that stand elsewhere already.

        ``reverse``: the layer runs from the last timestep to the first, and its calibration is in that order.
        """
        formats = choose_formats(layer, calibration)
        lowered = LayerLowering(layer, name, formats, self.hardware, self.arena, len(self.products), homes or {}).lower(source)
        self.products += products_of(layer, name, formats, calibration, self.hardware)
        for state, values in calibration.initial.items():
            part = lowered.vectors[state]
            self.arena.put(part.start, encode(values, part.fraction).tolist())
        self.layers.append(lowered)
        in_order = {
            vector: calibration.trace[vector][:, ::-1] if reverse else calibration.trace[vector] for vector in lowered.vectors
        }
        self.floats |= {part.name: in_order[vector] for vector, part in lowered.vectors.items()}
        return lowered
