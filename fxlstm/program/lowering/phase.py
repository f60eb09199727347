"""One network to the sweeps of one phase, block by block.

What runs forward joins the sweep in progress. A layer that runs backward, or a pair of directions, ends it: each direction is a
sweep of its own over the record, and what follows begins the next with what they gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fxlstm.errors import ModelError
from fxlstm.network import Backward, Bidirectional, Block, Layer, Network, merged
from fxlstm.network.directions import directed_layers, last_recurrent
from fxlstm.network.timing import TIME_GATE_INPUT
from fxlstm.program.calibrate import Format, Values, covering_fraction
from fxlstm.program.formats import UNIT_FRACTION
from fxlstm.program.layer_formats import Calibration
from fxlstm.program.lowering.arena import added, copied, moved
from fxlstm.program.lowering.assembly import Assembly, Draft
from fxlstm.program.program import Slice


@dataclass(frozen=True)
class Stack:
    """A network as a phase runs it.

    ``traces``: of its layers over the calibration data; ``names``: of its layers; ``initial``: the states from which the traces
    start, (length,) or (batch, length) by ``layer/state``; ``form``: the format of its input.
    """

    network: Network
    traces: Sequence[Mapping[str, Values]]
    names: Sequence[str]
    initial: Mapping[str, Values]
    form: Format


@dataclass(frozen=True)
class _Given:
    """What backward layers have given: where it stands in the arena, and its values over the calibration data.

    ``final``: what the next sweep reads is what stands there at the end, not the record.
    """

    block: Backward | Bidirectional
    parts: Sequence[Slice]
    values: Values
    final: bool


class PhaseLowering:
    """Lowers a network into the sweeps of ``assembly``, as its next phase.

    ``sweeps`` are the phase's, ``layers`` its layers; ``entry`` is its input's first part, ``output`` where its output stands.
    """

    def __init__(self, assembly: Assembly, stack: Stack) -> None:
        self.assembly, self.network, self.stack, self.form = assembly, stack.network, stack, stack.form
        self.number = len(assembly.inputs)
        self.streams = all(isinstance(block, Layer) for block in self.network.layers)
        self.source: Slice | None = None  # where the next layer finds its input in the arena; None: at its own "x"
        self.given: _Given | None = None  # what the next sweep begins with
        self.record_length = self.network.inputs
        self.lowered = 0  # layers
        self.sweeps: list[Draft] = []
        self.draft = Draft(self.number)
        self.gates = self._enter_with_time_gates()
        first = len(assembly.layers)
        for index, block in enumerate(self.network.layers):
            self._block(block, final=self.network.returns == "final" and index == last_recurrent(self.network.layers))
        self.output = self._finish()
        self.layers = assembly.layers[first:]
        if not self.gates:
            assembly.inputs.append((self.layers[0].vectors["x"],))
        assembly.outputs.append((self.output,))

    @property
    def entry(self) -> Slice:
        """The first part of the phase's input."""
        return self.assembly.inputs[self.number][0]

    def _enter_with_time_gates(self) -> dict[str, Slice]:
        """Return where each time gate's openness stands, by its layer's name: behind x in the phase's input."""
        pairs = zip(self.stack.names, self.network.every_layer, strict=True)
        gated = {name: layer.units for name, layer in pairs if layer.time_gate is not None}
        if not gated:
            return {}
        if not self.streams:
            raise ModelError(
                f"network {self.network.name!r}: layers with a time gate ({', '.join(gated)}) beside layers that run backward; "
                "programs take the time gates of forward networks only"
            )
        x = Slice("x", 0, self.network.inputs, self.form.fraction, self.form.scale)
        parts = [x, *(Slice(f"{name}/{TIME_GATE_INPUT}", 0, units, UNIT_FRACTION) for name, units in gated.items())]
        start = self.assembly.arena.allocate(sum(part.length for part in parts))
        self.draft.entry = Slice("input", start, sum(part.length for part in parts), UNIT_FRACTION)
        placed = []
        for part in parts:
            placed.append(moved(part, start))
            start += part.length
        self.source = placed[0]
        self.assembly.inputs.append(tuple(placed))
        self.assembly.arena.slices += placed[1:]
        return dict(zip(gated, placed[1:], strict=True))

    def _block(self, block: Block, final: bool) -> None:
        if isinstance(block, Layer):
            self._begin(self.given)
            self._at_rate(block.period)
            self._layer(block, reverse=False)
        else:
            self._directions(block, final)

    def _at_rate(self, period: int) -> None:
        """Let what follows run at another rate than the sweep in progress: as a sweep of its own."""
        if self.source is not None and self.draft.operations and self.draft.period != period:
            self._end(self.source)
        self.draft.period = period

    def _finish(self) -> Slice:
        """End the last sweep: what follows the last layer that remembers runs when an output is wanted."""
        self._begin(self.given)
        assert self.source is not None
        step_operations, output = self.draft.step_operations, self.source
        self._end(output)
        last = self.sweeps[-1]
        last.output, last.returns_last = output, self.network.returns != "sequence"
        last.step_operations = step_operations if last.period == 1 else last.step_operations
        return output

    def _end(self, output: Slice) -> None:
        """End the sweep in progress; the next reads what it gives: in the arena of a phase that streams, else in the record."""
        self.draft.step_operations = len(self.draft.operations)
        self.draft.output = None if self.streams else output
        self.sweeps.append(self.draft)
        self.assembly.sweeps.append(self.draft)
        self.draft = Draft(self.number, self.record_length)
        if not self.streams:
            self.record_length += output.length
            self.source = None

    def _directions(self, block: Backward | Bidirectional, final: bool) -> None:
        """End what is before as a sweep of its own, then lower each direction as a sweep; both read the same codes."""
        if self.given is None and self.source is not None:
            self._end(self.source)
        given, form, read_from = self.given, self.form, self.draft.source
        start = self.record_length
        parts = []
        for layer, reverse in directed_layers(block):
            self.form, self.draft = form, Draft(self.number, read_from, reverse)
            self._begin(given)
            parts.append(self._layer(layer, reverse))
            self._end(parts[-1])
        self.draft.source = start
        self.given = _Given(block, parts, merged(block, self.stack.traces[: self.lowered]), final)

    def _begin(self, given: _Given | None) -> None:
        """Begin a sweep with what backward layers gave: in one format, or added."""
        self.given = None
        if given is None:
            return
        length = sum(part.length for part in given.parts)
        start = self.assembly.arena.allocate(length)
        places: list[Slice] = []
        for part in given.parts:
            places.append(moved(part, start + sum(place.length for place in places)))
        sources = given.parts if given.final else places
        if isinstance(given.block, Bidirectional) and given.block.merge == "sum":
            fraction = min(covering_fraction(given.values, self.assembly.method), UNIT_FRACTION)
            self.draft.operations.append(added(sources, replace(places[0], fraction=fraction)))
        else:
            fraction = min(part.fraction for part in given.parts)
            for part, place in zip(sources, places, strict=True):
                self.draft.operations += copied(part, replace(place, fraction=fraction))
        self.form = Format(fraction)
        self.source = Slice("given", start, given.block.outputs, fraction)
        self.draft.entry = None if given.final else replace(self.source, length=length)

    def _layer(self, layer: Layer, reverse: bool) -> Slice:
        """Lower one layer into the sweep in progress; return its output."""
        name, trace = self.stack.names[self.lowered], self.stack.traces[self.lowered]
        self.lowered += 1
        own_order = {vector: values[:, ::-1] for vector, values in trace.items()} if reverse else trace
        prefix = f"{name}/"
        initial = {key.removeprefix(prefix): value for key, value in self.stack.initial.items() if key.startswith(prefix)}
        calibration = Calibration(own_order, {"x": self.form}, initial, {}, self.assembly.method)
        homes = {TIME_GATE_INPUT: self.gates[name]} if name in self.gates else {}
        lowered = self.assembly.layer(layer, name, self.number, calibration, self.source, homes, reverse)
        if self.source is None:
            self.draft.entry = lowered.vectors["x"]
        self.draft.operations += lowered.operations
        if layer.remembers:
            self.draft.step_operations = len(self.draft.operations)
        self.draft.operations += lowered.closing
        self.source = lowered.output
        self.form = Format(self.source.fraction, self.source.scale)
        return self.source
