"""The inputs that a module is run on: sizes and the layout of the dimensions, which a module itself does not tell."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from fxlstm.errors import ModelError
from fxlstm.network.importers.pytorch.labels import Codes

# Lengths of the sequences of a batch: two batches, so that an index that is the last timestep by chance is found out.
_BATCHES = ((5, 3, 2), (7, 4))
# How an input may be laid out, in the order tried: from (batch, time, features).
_LAYOUTS: dict[str, Callable[[Codes], Codes]] = {
    "batch, time, features": lambda x: x,
    "time, batch, features": lambda x: x.transpose(1, 0, 2),
    "batch, features, time": lambda x: x.transpose(0, 2, 1),
    "batch, time": lambda x: x[..., 0],
    "time, batch": lambda x: x[..., 0].T,
    "time, features": lambda x: x[0],
}


@dataclass(frozen=True)
class Trial:
    """An input to run a module on: the lengths of its sequences, whether the module is told them, features and layout."""

    lengths: tuple[int, ...]
    features: int
    layout: str
    tells_lengths: bool = False

    @property
    def is_flat(self) -> bool:
        """Whether the input lacks a dimension, which a module for one sequence or one feature adds."""
        return self.layout.count(",") == 1

    @property
    def time(self) -> int:
        """Timesteps of the input."""
        return max(self.lengths)

    @property
    def counts(self) -> Codes:
        """Timesteps of each sequence that the module takes for such."""
        return np.array(self.lengths) if self.tells_lengths else np.full(len(self.lengths), self.time)

    def laid_out(self, codes: Codes) -> Codes:
        """Return labels (batch, time, features) in the layout."""
        return _LAYOUTS[self.layout](codes)


def trials(module: nn.Module, name: str) -> Iterator[list[Trial]]:
    """Give batches to run a module on, all of which must go well: as many features as some weight takes, in each layout."""
    _, *others = inspect.signature(module.forward).parameters.values()
    needed = [other.name for other in others if other.default is other.empty and other.kind is other.POSITIONAL_OR_KEYWORD]
    if needed and (len(needed) > 1 or "len" not in needed[0]):
        raise ModelError(
            f"module {name!r}: its forward needs {', '.join(needed)} beside the sequence; networks take the sequence, and lengths "
            f"in a parameter called lengths"
        )
    for features in _sizes(module):
        for layout in _LAYOUTS:
            batch = None if "batch" in layout else 1
            if features == 1 or "features" in layout:
                yield [Trial(lengths[:batch], features, layout, bool(needed)) for lengths in _BATCHES]


def exported_trials(program: torch.export.ExportedProgram) -> Iterator[list[Trial]]:
    """Give inputs of the shape that a program was exported with, in each layout that it can have."""
    args, kwargs = program.example_inputs or ((), {})
    shapes = [tuple(value.shape) for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)]
    if len(shapes) != 1:
        raise ModelError(f"the exported program takes inputs of the shapes {shapes}; export it with the sequence alone")
    if set(shapes[0][:2]) == {1}:  # nobody knows whether a timestep is the sequence or its last one
        raise ModelError(f"the exported program takes {shapes[0]}, one timestep; export it with a longer sequence")
    for layout in _LAYOUTS:
        names = layout.split(", ")
        if len(names) == len(shapes[0]):
            sizes = dict(zip(names, shapes[0], strict=True))
            yield [Trial((sizes["time"],) * sizes.get("batch", 1), sizes.get("features", 1), layout)]


def _sizes(module: nn.Module) -> list[int]:
    """Return the numbers of features that an input may have: those that layers take, in the order of their definition."""
    sizes = [getattr(part, "input_size", getattr(part, "in_features", None)) for part in module.modules()]
    sizes += [weight.shape[-1] for weight in module.parameters() if weight.ndim == 2]
    return list(dict.fromkeys(size for size in sizes if isinstance(size, int))) or [1]
