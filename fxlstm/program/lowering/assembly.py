"""A program under construction: what all its layers and phases add to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fxlstm.network import Layer
from fxlstm.program.calibration.layer_formats import Calibration, choose_formats
from fxlstm.program.calibration.methods import Method
from fxlstm.program.calibration.placement import Corners
from fxlstm.program.calibration.products import Product, products_of, to_matrices
from fxlstm.program.calibration.traces import Wanted
from fxlstm.program.formats import encode
from fxlstm.program.hardware import Hardware
from fxlstm.program.lowering.arena import Arena
from fxlstm.program.lowering.layer import LayerLowering, LoweredLayer
from fxlstm.program.program import Operation, Parts, Program, Slice, Sweep


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
        entry, output = (part or Slice("", 0, 0, 0) for part in (self.entry, self.output))
        return Sweep(
            operations=len(self.operations),
            step_operations=self.step_operations,
            reverse=self.reverse,
            returns_last=self.returns_last,
            phase=self.phase,
            period=self.period,
            source=self.source if self.entry else 0,
            input_start=entry.start,
            input_length=entry.length,
            output_start=output.start,
            output_length=output.length,
        )


@dataclass
class Assembly:
    """The arena, the layers, the products that become matrices, and the sweeps with their operations.

    ``inputs``, ``outputs``: the parts of each phase's. ``floats``: what each named slice should hold.
    """

    hardware: Hardware
    method: Method
    arena: Arena = field(default_factory=Arena)
    layers: list[LoweredLayer] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    sweeps: list[Draft] = field(default_factory=list)
    inputs: list[Parts] = field(default_factory=list)
    outputs: list[Parts] = field(default_factory=list)
    floats: dict[str, Wanted] = field(default_factory=dict)

    def layer(
        self,
        layer: Layer,
        name: str,
        phase: int,
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
            if values.ndim == 1:
                self.arena.put(part.start, encode(values, part.fraction).tolist())
        self.layers.append(lowered)
        for vector, part in lowered.vectors.items():
            values = calibration.trace[vector]
            self.floats[part.name] = Wanted(values[:, ::-1] if reverse else values, phase, layer.period)
        return lowered

    def program(self, corners: Corners | None = None, taken: Sequence[Program] = ()) -> Program:
        """Return the program, without metadata; ``corners`` and ``taken`` as of ``calibration.placement.place``."""
        sweeps = sorted(self.sweeps, key=lambda draft: draft.phase)
        return Program(
            hardware=self.hardware,
            arena=np.array(self.arena.contents, dtype=np.int16),
            operations=tuple(operation for draft in sweeps for operation in draft.operations),
            matrices=to_matrices(self.products, self.hardware, self.method, corners, taken),
            sweeps=tuple(draft.finished() for draft in sweeps),
            inputs=tuple(self.inputs),
            outputs=tuple(self.outputs),
            slices=tuple(self.arena.slices),
        )
