"""The network of what a module returned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from fxlstm.errors import ModelError
from fxlstm.network.importers.pytorch.labels import Codes, Labels, codes_of
from fxlstm.network.importers.pytorch.run import Run
from fxlstm.network.importers.pytorch.signals import Reading, Signals, refuse
from fxlstm.network.layers.builders import dense
from fxlstm.network.layers.layer import Array
from fxlstm.network.network import Network
from fxlstm.network.topologies.directions import Block


def network_of(run: Run, result: Any, name: str) -> Network:
    """Return the network that computes what a module called ``name`` returned; states beside the output are left out."""
    if isinstance(result, list | tuple) and result:
        result, *others = result
        if not all(_is_state(run, other) for other in others):
            raise ModelError(f"module {name!r} returns several values; return the output sequence or its last timestep alone")
    if not isinstance(result, Labels):
        raise ModelError(f"module {name!r} returns {_kind(result)}; return the output sequence or its last timestep")
    codes = codes_of(result)
    signal = run.signals.signal(codes, name)
    if signal.is_cell_state:
        refuse(name, "returns a cell state; return the output sequence or its last timestep")
    edge = {"host_edge": signal.host_edge} if signal.host_edge else {}
    reading = run.signals.read(codes, name)
    if not signal.blocks:
        refuse(name, "has no layer with weights")
    network = Network(_blocks(reading), _returns(run.signals, reading, name), name, edge)
    return replace(network, initial=_initial(run.signals, network))


def _is_state(run: Run, value: Any) -> bool:
    """Return whether a value is the last state of a recurrent layer, or several such."""
    if isinstance(value, list | tuple):
        return all(_is_state(run, entry) for entry in value)
    return isinstance(value, Labels) and run.signals.are_last_states(codes_of(value))


def _kind(result: Any) -> str:
    return "a constant" if hasattr(result, "shape") else f"a {type(result).__name__}"


def _blocks(reading: Reading) -> tuple[Block, ...]:
    """Return the blocks; where some features are taken or their order changed, with a layer of ones and zeros that does it."""
    if reading.is_whole or reading.signal.host_edge == "argmax":
        return reading.signal.blocks
    selection = np.eye(reading.signal.features)[:, reading.features]
    return (*reading.signal.blocks, dense(selection, np.zeros(len(reading.features)), name="selection"))


def _returns(signals: Signals, reading: Reading, name: str) -> Literal["sequence", "last", "final"]:
    """Return which timesteps a module gives."""
    places, sequences = np.squeeze(reading.places), np.arange(signals.batch)
    if reading.signal.times == 1:
        if np.array_equal(places, np.squeeze(sequences)):
            return "final"
        refuse(name, "does not return one vector for each sequence in order")
    if np.array_equal(places, np.squeeze(signals.place(sequences, signals.ends(sequences)))):
        return "last"
    if reading.reads_backward and np.array_equal(places, np.squeeze(signals.place(sequences, np.zeros_like(sequences)))):
        return "final"
    every = signals.place(sequences[:, np.newaxis], np.arange(signals.time))
    counts = np.arange(signals.time) < signals.lengths[:, np.newaxis]
    for wanted, within in ((every, counts), (every.T, counts.T)):
        wanted, within = np.squeeze(wanted), np.squeeze(within)
        if places.shape == wanted.shape and np.array_equal(places[within], wanted[within]):
            return "sequence"
    refuse(name, f"returns {_described(signals, places)}; return the output sequence or its last timestep")


def _described(signals: Signals, places: Codes) -> str:
    timesteps = sorted({int(place) % signals.time for place in places.flat if place >= 0})
    if len(timesteps) == 1:
        return f"timestep {timesteps[0]} of {signals.time}"
    return "timesteps in another order, some timesteps, or padding"


def _initial(signals: Signals, network: Network) -> Mapping[str, Array]:
    """Return the initial states by their names in the network."""
    names = dict(zip(network.every_layer, network.layer_names, strict=True))
    return {
        f"{names[layer]}/{key}": value for layer, own in signals.initial.items() for key, value in own.items() if layer in names
    }
