"""One network to the sweeps of one phase, block by block.

What runs forward joins the sweep in progress. A layer that runs backward, or a pair of directions, ends it: each direction is a
sweep of its own over the record, and what follows begins the next with what they gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fxlstm.errors import ModelError
from fxlstm.network import Backward, Bidirectional, Block, Layer, Network, merged
from fxlstm.network.layers.timing import TIME_GATE_INPUT
from fxlstm.network.topologies.directions import directed_layers, last_recurrent
from fxlstm.program.calibration.calibrate import Format, Values, covering_fraction
from fxlstm.program.calibration.layer_formats import Calibration
from fxlstm.program.formats import UNIT_FRACTION
from fxlstm.program.lowering.arena import added, consecutive, copied, joined
from fxlstm.program.lowering.assembly import Assembly, Draft
from fxlstm.program.program import Operation, Slice


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
        self.lowered = 0  # layers
        self.sweeps: list[Draft] = []
        self.draft = Draft(self.number)
        pairs = zip(stack.names, self.network.every_layer, strict=True)
        self.pending = {name: layer.units for name, layer in pairs if layer.time_gate is not None}  # time gates still to come
        self.record_length = self.network.inputs + sum(self.pending.values())
        self.gates: dict[str, Slice] = {}  # where these stand in the sweep in progress
        self.input_parts: tuple[Slice, ...] = ()
        self.first_layer = len(assembly.layers)
        for index, block in enumerate(self.network.layers):
            self._block(block, final=self.network.returns == "final" and index == last_recurrent(self.network.layers))
        self.output = self._finish()
        self.layers = assembly.layers[self.first_layer :]
        assembly.inputs.append(self.input_parts or (self.layers[0].vectors["x"],))
        assembly.outputs.append((self.output,))

    @property
    def entry(self) -> Slice:
        """The first part of the phase's input."""
        return self.assembly.inputs[self.number][0]

    def append(self, operations: Sequence[Operation], always: bool = False) -> None:
        """Add operations behind all layers: where an output is wanted, or ``always``, at every timestep.

        A last sweep with a period does not run at every timestep: they become a sweep of their own, which gives its output.
        """
        last = self.sweeps[-1]
        if last.period != 1:
            behind = Draft(self.number, returns_last=last.returns_last, output=last.output)
            last.returns_last, last.output = False, None
            self.sweeps.append(behind)
            self.assembly.sweeps.append(behind)
            last = behind
        last.operations += operations
        if always:
            last.step_operations = len(last.operations)

    def _enter(self, vector: Slice) -> Slice:
        """Place what a sweep reads: a vector, and behind it how far the time gates still to come are open."""
        parts = [vector, *(Slice(f"{name}/{TIME_GATE_INPUT}", 0, units, UNIT_FRACTION) for name, units in self.pending.items())]
        placed = self.assembly.arena.place(parts)
        self.gates = dict(zip(self.pending, placed[1:], strict=True))
        self.draft.entry = joined(vector.name, placed)
        if len(self.assembly.layers) == self.first_layer:
            self.input_parts = tuple(placed)
        return placed[0]

    def _passed_on(self, output: Slice) -> Slice:
        """Return an output with the openness of the time gates still to come behind it."""
        if self.draft.period > 1:
            raise ModelError(
                f"network {self.network.name!r}: the time gates of {', '.join(self.pending)} stand above a layer with a period "
                "and beside layers that run backward; programs take two of these together"
            )
        parts = [output, *(self.gates[name] for name in self.pending)]
        placed = self.assembly.arena.place(parts)
        for part, place in zip(parts, placed, strict=True):
            self.draft.operations += copied(part, place)
        return joined(output.name, placed)

    def _block(self, block: Block, final: bool) -> None:
        if isinstance(block, Layer):
            self._begin(self.given)
            self._at_rate(block.period)
            self._layer(block, reverse=False)
            self.pending.pop(self.stack.names[self.lowered - 1], None)
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

    def _end(self, output: Slice, passes: bool = True) -> None:
        """End the sweep in progress; the next reads what it gives: in the arena of a phase that streams, else in the record.

        ``passes``: it passes on the time gates still to come.
        """
        if not self.streams and passes and self.pending:
            output = self._passed_on(output)
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
        directed = directed_layers(block)
        names = self.stack.names[self.lowered : self.lowered + len(directed)]
        for index, (layer, reverse) in enumerate(directed):
            self.form, self.draft = form, Draft(self.number, read_from, reverse)
            self._begin(given)
            parts.append(self._layer(layer, reverse))
            last = index == len(directed) - 1
            self.pending = {name: units for name, units in self.pending.items() if not last or name not in names}
            self._end(parts[-1], passes=last)
        self.draft.source = start
        self.given = _Given(block, parts, merged(block, self.stack.traces[: self.lowered]), final)

    def _begin(self, given: _Given | None) -> None:
        """Begin a sweep with what backward layers gave: in one format, or added."""
        self.given = None
        if given is None:
            return
        whole = Slice("given", 0, sum(part.length for part in given.parts), 0)
        entered = self.assembly.arena.place([whole])[0] if given.final else self._enter(whole)
        places = consecutive(given.parts, entered.start)
        sources = given.parts if given.final else places
        if isinstance(given.block, Bidirectional) and given.block.merge == "sum":
            fraction = min(covering_fraction(given.values, self.assembly.method), UNIT_FRACTION)
            self.draft.operations.append(added(sources, replace(places[0], fraction=fraction)))
        else:
            fraction = min(part.fraction for part in given.parts)
            for part, place in zip(sources, places, strict=True):
                self.draft.operations += copied(part, replace(place, fraction=fraction))
        self.form = Format(fraction)
        self.source = replace(entered, length=given.block.outputs, fraction=fraction)

    def _layer(self, layer: Layer, reverse: bool) -> Slice:
        """Lower one layer into the sweep in progress; return its output."""
        name, trace = self.stack.names[self.lowered], self.stack.traces[self.lowered]
        self.lowered += 1
        own_order = {vector: values[:, ::-1] for vector, values in trace.items()} if reverse else trace
        prefix = f"{name}/"
        initial = {key.removeprefix(prefix): value for key, value in self.stack.initial.items() if key.startswith(prefix)}
        calibration = Calibration(own_order, {"x": self.form}, initial, {}, self.assembly.method)
        if self.source is None and self.pending:
            self.source = self._enter(Slice("x", 0, layer.inputs, self.form.fraction, self.form.scale))
        homes = {TIME_GATE_INPUT: self.gates[name]} if layer.time_gate is not None else {}
        self.assembly.arena.slices += homes.values()
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
