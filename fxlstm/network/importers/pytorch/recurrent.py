"""Recurrent modules and cells: weights and initial states become blocks, outputs and last states become labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from fxlstm.network.importers.pytorch.labels import Codes, Labels, codes_of
from fxlstm.network.importers.pytorch.run import Run, array
from fxlstm.network.importers.pytorch.signals import Misplaced, Reading, Signal, refuse
from fxlstm.network.layers.builders import gru_from_torch, lstm_from_torch, rnn_from_torch
from fxlstm.network.layers.layer import Layer
from fxlstm.network.topologies.directions import Backward, Bidirectional, Block, directed_layers

_NO_SEQUENCE = (
    "is a recurrent layer over something other than a whole sequence, such as its last timestep; "
    "a decoder is a module of its own: join the two networks by fxlstm.EncoderDecoder"
)
_BUILDERS: dict[str, Any] = {
    "lstm": lstm_from_torch,
    "gru": gru_from_torch,
    "rnn_tanh": rnn_from_torch,
    "rnn_relu": partial(rnn_from_torch, activation="relu"),
}


def recurrent(kind: str, run: Run, name: str, x: Any, *args: Any) -> tuple[Labels, ...]:
    """Return (output, h_n) or (output, h_n, c_n) of a recurrent module as labels; ``args`` as of ``torch.lstm`` and its like."""
    packed = isinstance(args[2], list | tuple)  # (batch sizes, states, weights, ...), else (states, weights, ...)
    states, weights, bias, layers, dropout, training, bidirectional = args[packed : packed + 7]
    if training and dropout:
        refuse(name, "drops elements at random; call eval() before exporting")
    name = run.name(name, weights[0])
    directions = 2 if bidirectional else 1
    reading = run.read(x, name)
    sequences, reverse = _packed_order(run, reading, args[0], name) if packed else _order(run, reading, args[-1], name)
    if (bidirectional or reverse) and not packed and (run.signals.lengths < run.signals.time).any():
        refuse(name, "reads padding backward; give it a packed sequence (pack_padded_sequence)")
    if bidirectional and reverse:
        refuse(name, "reads a reversed sequence in both directions; give it the sequence itself")
    initial = _initial_states(states, name)
    share = len(weights) // (layers * directions)
    last_states: list[list[Codes]] = [[] for _ in initial]
    for index in range(layers):
        rows = range(index * directions, (index + 1) * directions)
        own = [weights[row * share : (row + 1) * share] for row in rows]
        starts = [[state[row] for state in initial] for row in rows]
        label = name if layers == 1 else f"{name}.{index}"
        signals = _stage(run, kind, label, reading, own, bias, starts, reverse)
        for codes, signal in zip(last_states, signals, strict=False):
            codes.extend(_last(run, signal, sequences))
        reading = Reading(signals[0], reading.places, np.arange(signals[0].features))
    outputs = run.vectors(reading.signal, reading.places)
    return (outputs, *(run.labels(np.stack(codes)) for codes in last_states))


def cell(kind: str, run: Run, name: str, x: Any, states: Any, *weights: Any) -> Labels | tuple[Labels, ...]:
    """Return h, or h and c, of a cell at one timestep of a loop over the sequence, as labels.

    ``weights``: w_ih, w_hh, and b_ih and b_hh or ``None``.
    """
    name = run.name(name, weights[0])
    reading = run.read(x, name)
    timestep = reading.places % run.signals.time
    if reading.places.ndim != 1 or reading.signal.times == 1 or len(set(timestep)) != 1:
        refuse(name, "takes something other than one timestep of a sequence; give it x[:, t] in a loop over t", Misplaced)
    given = tuple(states) if isinstance(states, list | tuple) else (states,)
    if any(isinstance(state, Labels) for state in given):
        signals = _continued(run, reading, given, weights[0], name)
    else:
        signals = _begun(run, kind, reading, given, weights, name)
    results = tuple(run.vectors(signal, reading.places) for signal in signals)
    return results if kind == "lstm" else results[0]


def _order(run: Run, reading: Reading, batch_first: bool, name: str) -> tuple[Codes, bool]:
    """Return the sequences that a tensor (batch, time) or (time, batch) of vectors holds in order, and whether in reversed time."""
    places = reading.places if batch_first else reading.places.T
    if reading.signal.times == 1:
        refuse(name, "is a recurrent layer behind the last timestep, which is no sequence any more")
    sequence, timestep = divmod(places, run.signals.time)
    steps = np.arange(run.signals.time)
    if (places < 0).any():
        refuse(name, "reads padding; give it a packed sequence (pack_padded_sequence)")
    if places.ndim == 2 and places.shape[1] == len(steps) and (sequence == sequence[:, :1]).all():
        for reverse, wanted in ((False, steps), (True, steps[::-1])):
            if (timestep == wanted).all():
                return sequence[:, 0], reverse
    if places.ndim == 2 and (sequence == sequence[:1]).all() and (timestep == timestep[:, :1]).all():
        refuse(name, f"has batch_first={batch_first} and takes the sequences of the batch for timesteps", Misplaced)
    refuse(name, _NO_SEQUENCE, Misplaced)


def _packed_order(run: Run, reading: Reading, batch_sizes: torch.Tensor, name: str) -> tuple[Codes, bool]:
    """Return the sequences of a packed sequence in order; it must hold each one's whole length."""
    sizes = np.asarray(batch_sizes.as_subclass(torch.Tensor))
    order = reading.places[: sizes[0]] // run.signals.time
    lengths = run.signals.lengths[order]
    wanted = [order[lengths > step] * run.signals.time + step for step in range(len(sizes))]
    if reading.signal.times == 1 or not np.array_equal(np.concatenate(wanted), reading.places):
        refuse(name, "reads a packed sequence of other lengths than those that the module was given", Misplaced)
    return order, False


def _stage(
    run: Run,
    kind: str,
    name: str,
    reading: Reading,
    weights: Sequence[Sequence[torch.Tensor]],
    bias: bool,
    starts: Sequence[Sequence[torch.Tensor]],
    reverse: bool,
) -> tuple[Signal, ...]:
    """Return the signals of one layer of a recurrent module; ``weights`` and ``starts``: for each direction."""
    both = len(weights) > 1

    def make() -> tuple[Signal, ...]:
        names = (f"{name}.forward", f"{name}.backward") if both else (name,)
        built = [_layer(kind, own, bias, reading, label) for own, label in zip(weights, names, strict=True)]
        for layer, states in zip(built, starts, strict=True):
            _keep_initial(run, layer, states)
        block: Block = Bidirectional(built[0], built[1]) if both else Backward(built[0]) if reverse else built[0]
        return _signals(run, reading, block, name)

    given = tuple(array(state).tobytes() for states in starts for state in states)
    key = (kind, reading.signal, tuple(reading.features), id(weights[0][0]), reverse, given)
    return run.once(key, weights, make)


def _layer(kind: str, weights: Sequence[torch.Tensor], bias: bool, reading: Reading, name: str) -> Layer:
    """Return one layer from its weights in PyTorch's order: w_ih, w_hh, b_ih and b_hh with ``bias``, and w_hr of a projection."""
    weight, recurrent, *others = map(array, weights)
    kernel, offset = reading.kernel(weight.T)
    biases = (others[0] + offset, others[1]) if bias else (offset, np.zeros(len(offset)))
    projection = {"weight_hr": others[-1]} if len(others) % 2 else {}
    layer: Layer = _BUILDERS[kind](kernel.T, recurrent, *biases, name=name, **projection)
    return layer


def _signals(run: Run, reading: Reading, block: Block, name: str) -> tuple[Signal, ...]:
    """Return the signals of a block's hidden state, which is its output, and of its cell state."""
    layers = [layer for layer, _ in directed_layers(block)]
    blocks = (*reading.blocks, block)
    forward = [layer for layer, reverse in directed_layers(block) if not reverse]
    hidden = run.signals.new(blocks, block.outputs, sum(layer.outputs for layer in forward), name=name)
    units = sum(layer.units for layer in layers)
    memory = run.signals.new(blocks, units, sum(layer.units for layer in forward), name=name, is_cell_state=True)
    return hidden, memory


def _last(run: Run, signal: Signal, sequences: Codes) -> list[Codes]:
    """Return, for each direction, the labels of a state when the whole sequence has been read, (batch, units)."""
    ends = run.signals.vectors(signal, run.signals.place(sequences, run.signals.ends(sequences)))
    starts = run.signals.vectors(signal, run.signals.place(sequences, np.zeros_like(sequences)))
    parts = ends[:, : signal.forward], starts[:, signal.forward :]
    return [part for part in parts if part.shape[1]]


def _initial_states(states: Any, name: str) -> tuple[torch.Tensor, ...]:
    """Return the given initial states, (layers and directions, batch, units) each."""
    given = tuple(states) if isinstance(states, list | tuple) else (states,)
    if any(isinstance(state, Labels) for state in given):
        refuse(name, "starts from a state that another layer computes; build an EncoderDecoder from the two networks")
    return given


def _keep_initial(run: Run, layer: Layer, states: Sequence[torch.Tensor]) -> None:
    """Keep the initial states of a layer, (batch, units) each, unless they are 0."""
    for key, state in zip(layer.cell.states, map(array, states), strict=True):
        if (state != state[0]).any():
            refuse(layer.name, f"starts from a state {key} that differs from sequence to sequence or is random")
        if state.any():
            run.signals.initial.setdefault(layer, {})[key] = state[0]


def _begun(
    run: Run, kind: str, reading: Reading, states: Sequence[torch.Tensor], weights: Sequence[torch.Tensor], name: str
) -> tuple[Signal, ...]:
    """Return the new signals of a cell at the first timestep of its loop, which may run backward."""
    timestep = reading.places[0] % run.signals.time
    if timestep not in (0, run.signals.time - 1):
        refuse(name, f"starts anew at timestep {timestep}; pass the state of the timestep before")
    given = [weight for weight in weights if weight is not None]
    layer = _layer(kind, given, len(given) > 2, reading, name)
    _keep_initial(run, layer, states)
    signals = _signals(run, reading, Backward(layer) if timestep else layer, name)
    run.loops[signals[0]] = (id(weights[0]), reading.signal, tuple(reading.features))
    return signals


def _continued(run: Run, reading: Reading, states: Sequence[Any], weight: torch.Tensor, name: str) -> tuple[Signal, ...]:
    """Return the signals of a cell at a later timestep of its loop: those that its states come from."""
    signals = tuple(run.signals.signal(codes_of(state), name) for state in states)
    hidden = signals[0]
    if run.loops.get(hidden) != (id(weight), reading.signal, tuple(reading.features)):
        refuse(name, "takes its state or its input from elsewhere than its own loop over one sequence")
    step = -1 if isinstance(hidden.blocks[-1], Backward) else 1
    for state, signal in zip(states, signals, strict=True):
        if not np.array_equal(codes_of(state), run.signals.vectors(signal, reading.places - step)):
            refuse(name, "takes a state that is not that of the timestep before")
    return signals
