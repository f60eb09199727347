"""One run of a module on labels: who calls which function, under which layer's name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from fxlstm.network.importers.pytorch.labels import NOTHING, Codes, Labels, codes_of, labels_of
from fxlstm.network.importers.pytorch.signals import Reading, Signal, Signals, refuse
from fxlstm.network.layers.layer import Array

_REMEDIES = {
    "embedding": "; give the network the vectors that it looks up",
    "quantized_lstm": "; give the module as it was before it was quantized",
    "mean": "; a network returns its sequence or its last timestep",
    "max": "; a network returns its sequence or its last timestep",
}


@dataclass
class Run:
    """A module's forward in progress. ``functions``: what computes, by the name of the function; ``steps`` counts calls.

    ``loops``: for the hidden state of a cell that is called once for each timestep, its weight and what it reads.
    """

    signals: Signals
    functions: Mapping[str, Callable[..., Any]]
    steps: int = 0
    modules: list[str] = field(default_factory=list)
    weights: dict[int, str] = field(default_factory=dict)
    derived: dict[tuple[object, ...], tuple[tuple[Signal, ...], object]] = field(default_factory=dict)
    loops: dict[Signal, tuple[int, Signal, tuple[int, ...]]] = field(default_factory=dict)

    def follow(self, module: nn.Module) -> None:
        """Keep book, from now on, of the submodule that is being run, and of whose the weights are."""
        for path, weight in module.named_parameters():
            self.weights[id(weight)] = path.rpartition(".")[0]
        for path, submodule in module.named_modules():
            submodule.register_forward_pre_hook(lambda *_, path=path: self.modules.append(path))
            submodule.register_forward_hook(self._left)

    def handle(self, function: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Carry out a function that computes; refuse one that is not known."""
        self.steps += 1
        if function in NOTHING:
            return self._unchanged(function, args, kwargs)
        if function.endswith("_") and function[:-1] in self.functions:
            function, kwargs = function[:-1], {**kwargs, "inplace": True}
        if function not in self.functions:
            refuse(self.name(function), f"the operation {function} is not supported{_REMEDIES.get(function, '')}")
        called = self.functions[function]
        try:
            inspect.signature(called).bind(self, function, *args, **kwargs)
        except TypeError as error:
            refuse(self.name(function), f"the operation {function} is called in a way that is not supported ({error})")
        return called(self, self.name(function), *args, **kwargs)

    def name(self, function: str, weight: torch.Tensor | None = None) -> str:
        """Return what to call a layer: the module of its weight, the module being run, or else its function."""
        owner = self.weights.get(id(weight), "")
        return owner or (self.modules[-1] if self.modules else "") or function.strip("_")

    def labels(self, codes: Codes) -> Labels:
        """Return a tensor of labels for the module to work on."""
        return labels_of(codes, self.handle)

    def read(self, tensor: Any, name: str) -> Reading:
        """Return what a tensor of labels holds that something is to be computed from."""
        codes = self.operand(tensor, name)
        return self.signals.read(codes, name)

    def operand(self, tensor: Any, name: str) -> Codes:
        """Return the labels in a tensor that something is to be computed from."""
        if not isinstance(tensor, Labels):
            refuse(name, "works on a constant, which no layer computes")
        codes = codes_of(tensor)
        signal = self.signals.signal(codes, name)
        if signal.is_cell_state:
            refuse(name, f"takes the cell state of {signal.name!r}; networks give the hidden state")
        if signal.host_edge:
            refuse(name, f"works on the {signal.host_edge} of {signal.name!r}, which the host computes at the end")
        return codes

    def once(self, key: tuple[object, ...], kept: object, make: Callable[[], tuple[Signal, ...]]) -> tuple[Signal, ...]:
        """Return the signals made for ``key`` before, else make them: a layer applied timestep by timestep is one layer.

        ``kept``: what ``key`` holds the ids of.
        """
        if key not in self.derived:
            self.derived[key] = make(), kept
        return self.derived[key][0]

    def vectors(self, signal: Signal, places: Codes) -> Labels:
        """Return a signal's vectors at some places as a tensor of labels."""
        return self.labels(self.signals.vectors(signal, places))

    def _left(self, *_: Any) -> None:
        self.modules.pop()

    def _unchanged(self, function: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        kinds = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.dtype)]
        if any(not kind.is_floating_point for kind in kinds) or not isinstance(args[0], Labels):
            refuse(self.name(function), f"the operation {function} rounds to whole numbers or works on a constant")
        return args[0]


def array(tensor: torch.Tensor) -> Array:
    """Return a tensor as float64."""
    values: Array = tensor.detach().cpu().double().numpy()
    return values
