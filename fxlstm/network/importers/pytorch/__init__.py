"""PyTorch modules as networks: the module runs on labels in place of numbers, and what becomes of them tells what it computes.

A label says of which vector, sequence, timestep and feature an element is. Functions that only move elements (indices, views,
concatenations, packing) move labels; those that compute become layers and give labels of a new vector. So a network is understood
in whatever way its module is written.
"""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import torch
from torch import nn

from fxlstm.errors import ModelError
from fxlstm.network.importers.pytorch.functions import FUNCTIONS
from fxlstm.network.importers.pytorch.result import network_of
from fxlstm.network.importers.pytorch.run import Run
from fxlstm.network.importers.pytorch.signals import SUPPORTED, Misplaced, Signals
from fxlstm.network.importers.pytorch.trials import Trial, exported_trials, trials
from fxlstm.network.network import Network

_SEQUENCE_MODULES = (nn.LSTM, nn.GRU, nn.RNN)
_CELLS = (nn.LSTMCell, nn.GRUCell, nn.RNNCell)


def convert(model: Any) -> Network:
    """Return the network that a module or an exported program computes; see :func:`fxlstm.from_torch`."""
    exported = isinstance(model, torch.export.ExportedProgram)
    module, name = (model.module(), "exported") if exported else _prepared(model)
    inputs = exported_trials(model) if exported else trials(module, name)
    failures: list[_WrongInput] = []
    for batches in inputs:
        if batches[0].is_flat and any(isinstance(failure.reason, Misplaced) for failure in failures):
            continue  # the module does take three dimensions
        try:
            return [_network(module, name, trial) for trial in batches][-1]
        except _WrongInput as failure:
            failures.append(failure)
    furthest = max(failures, key=lambda failure: failure.steps)
    raise furthest.reason from furthest.reason.__cause__


class _WrongInput(Exception):
    """A run that came so many steps far, and why it went no further: perhaps because the input has another layout."""

    def __init__(self, steps: int, reason: ModelError) -> None:
        super().__init__(str(reason))
        self.steps, self.reason = steps, reason


class _OverTime(nn.Module):
    """A recurrent cell run over the whole sequence, (batch, time, features)."""

    def __init__(self, name: str, cell: nn.Module) -> None:
        super().__init__()
        self.name = name
        self.add_module(name, cell)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the hidden state at each timestep."""
        cell, outputs = self.get_submodule(self.name), []
        state = None
        for step in x.unbind(1):
            state = cell(step, state)
            outputs.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(outputs, 1)


def _prepared(module: Any) -> tuple[nn.Module, str]:
    """Return a module whose layers have names, and its own name."""
    if not isinstance(module, nn.Module):
        raise ModelError(f"from_torch takes a torch.nn.Module or an exported program, not {type(module).__name__}")
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    name = type(module).__name__.lower()
    if isinstance(module, torch.jit.ScriptModule):
        raise ModelError(f"module {name!r} is compiled by TorchScript; give the module that it was compiled from")
    if isinstance(module, _CELLS):
        return _OverTime(name, module), name
    if type(module).__module__.startswith("torch.nn.") and not isinstance(module, nn.Sequential):
        alone = nn.Sequential()
        alone.add_module(name, module)
        return alone, name
    return module, name


def _network(module: nn.Module, name: str, trial: Trial) -> Network:
    """Return the network that a run of a copy of the module on labels shows."""
    signals = Signals(len(trial.lengths), trial.time, trial.counts)
    source = signals.new((), trial.features, trial.features, name="input")
    run = Run(signals, FUNCTIONS)
    every = signals.place(np.arange(signals.batch)[:, np.newaxis], np.arange(signals.time))
    x = run.labels(trial.laid_out(signals.vectors(source, every)))
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of PyTorch, about a run that is none
            copied = _copied(module)
            run.follow(copied)
            result = copied(x, torch.tensor(trial.lengths)) if trial.tells_lengths else copied(x)
    except Misplaced as error:
        raise _WrongInput(run.steps, error) from error
    except ModelError:
        raise
    except Exception as error:  # whatever the module's own forward raises
        (reason, *_) = str(error).strip().splitlines() or [type(error).__name__]
        message = (
            f"module {name!r} cannot be run on ({trial.layout}) = {tuple(x.shape)}: {reason}; it must run on sequences of any "
            f"length, without branches on their numbers, and be made of {SUPPORTED}"
        )
        raise _WrongInput(run.steps, ModelError(message)) from error
    return network_of(run, result, name)


def _copied(module: nn.Module) -> nn.Module:
    """Return a copy in evaluation, in float64, whose sequentials pass on the output sequence of recurrent modules."""
    copied = copy.deepcopy(module).cpu().double()
    if not isinstance(copied, torch.fx.GraphModule):
        copied.eval()
    for sequential in copied.modules():
        if isinstance(sequential, nn.Sequential):
            for child in dict.fromkeys(list(sequential)[:-1]):
                if isinstance(child, _SEQUENCE_MODULES):
                    child.register_forward_hook(lambda module, inputs, output: output[0])
    return copied
