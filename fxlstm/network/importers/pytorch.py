"""PyTorch modules as networks: the graph that torch.fx traces, walked node by node."""

from __future__ import annotations

import copy
import operator
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn

import numpy as np
import torch
from torch import fx, nn

from fxlstm.errors import ModelError
from fxlstm.network.builders import dense, gru_from_torch, lstm_from_torch, rnn_from_torch
from fxlstm.network.cells import DENSE
from fxlstm.network.layer import Array, Layer
from fxlstm.network.network import Network

SUPPORTED = (
    "LSTM, GRU and RNN with tanh (one direction) and their cells, Linear, Sigmoid, Tanh, Identity, Dropout, "
    "Flatten where it does nothing, and taking the last timestep"
)
Activation = Literal["sigmoid", "tanh"]

# Exact classes: a subclass may compute something else.
_FROM_TORCH = {
    nn.LSTM: lstm_from_torch,
    nn.GRU: gru_from_torch,
    nn.RNN: rnn_from_torch,
    nn.LSTMCell: lstm_from_torch,
    nn.GRUCell: gru_from_torch,
    nn.RNNCell: rnn_from_torch,
}
_SEQUENCE_MODULES = (nn.LSTM, nn.GRU, nn.RNN)
_ACTIVATIONS: dict[Any, Activation] = {
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    torch.sigmoid: "sigmoid",
    torch.tanh: "tanh",
    nn.functional.sigmoid: "sigmoid",
    nn.functional.tanh: "tanh",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
}
_NOTHING = (nn.Identity, nn.Dropout, "contiguous")


@dataclass(frozen=True)
class _Value:
    """What a node of the graph holds: the layers that compute it, and its form.

    ``outputs`` is what a recurrent module returns, (sequence, state); ``states`` the pair (h, c) of an LSTM; ``hidden`` the
    last h of all layers. ``time_axis``: where a sequence has its timesteps, ``None`` while no recurrent module has said so.
    """

    layers: tuple[Layer, ...] = ()
    form: Literal["sequence", "last", "outputs", "states", "hidden"] = "sequence"
    time_axis: int | None = None
    state: Literal["states", "hidden"] | None = None


class _Tracer(fx.Tracer):
    """Does not look into a subclass of a layer, so that it is refused under its own name."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        layers = (nn.RNNBase, nn.RNNCellBase, nn.Linear)
        return isinstance(m, layers) or super().is_leaf_module(m, module_qualified_name)


def convert(module: nn.Module) -> Network:
    """Return the network of a module; see :func:`fxlstm.from_torch`."""
    if not isinstance(module, nn.Module):
        raise ModelError(
            f"from_torch takes a torch.nn.Module, not {type(module).__name__}; build the module and load its weights first"
        )
    name = type(module).__name__.lower()
    traced = _trace(module, name)
    values: dict[fx.Node, _Value] = {}
    for node in traced.graph.nodes:
        if node.op == "output":
            return _network(node, values, name)
        values[node] = _evaluate(node, values, traced)
    raise AssertionError("a traced graph ends with its output")


def _trace(module: nn.Module, name: str) -> fx.GraphModule:
    """Return the traced graph of a copy in evaluation, without what its output does not need."""
    try:
        copied = copy.deepcopy(module).eval()
        tracer = _Tracer()
        root = _in_sequential(copied, name) if tracer.is_leaf_module(copied, name) else copied
        graph = tracer.trace(root)
    except Exception as error:  # whatever the module's own forward raises on symbols
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"module {name!r}: torch.fx cannot trace its forward ({reason[0]}); write it without branches and loops over data, "
            f"of {SUPPORTED}"
        ) from error
    traced = fx.GraphModule(root, graph)
    traced.graph.eliminate_dead_code()
    return traced


def _in_sequential(module: nn.Module, name: str) -> nn.Sequential:
    sequential = nn.Sequential()
    sequential.add_module(name, module)
    return sequential


def _network(node: fx.Node, values: dict[fx.Node, _Value], name: str) -> Network:
    """Return the network of the graph's output."""
    result = node.args[0]
    if not isinstance(result, fx.Node):
        raise ModelError(
            f"module {name!r} returns several values or a constant; return the output sequence or its last timestep alone"
        )
    value = values[result]
    if value.form in ("states", "hidden"):
        _refuse(name, "returns a recurrent layer's state; return the output sequence or its last timestep")
    if not value.layers:
        _refuse(name, "has no layer with weights")
    return Network(value.layers, "last" if value.form == "last" else "sequence", name)


def _evaluate(node: fx.Node, values: dict[fx.Node, _Value], traced: fx.GraphModule) -> _Value:
    """Return what one node holds."""
    if node.op == "placeholder":
        if values and node.users:
            _refuse(node.name, "is a second input; networks take the sequence alone and start from zero states")
        return _Value()
    if node.op == "get_attr":
        _refuse(str(node.target), "is a tensor used outside a layer")
    name = str(node.target) if node.op == "call_module" else node.name
    target = node.target if node.op != "call_module" else traced.get_submodule(name)
    value, arguments = _operand(node, values, name)
    if target is operator.getitem:
        return _index(value, arguments[0], name)
    if value.form in ("states", "hidden"):
        _refuse(name, "works on a recurrent layer's state; take its last timestep from h[-1] or from the output sequence")
    value = replace(value, form="sequence") if value.form == "outputs" else value
    if isinstance(target, nn.Module):
        if arguments or node.kwargs:
            _refuse(name, "is given an initial state; leave it out, networks start from zero states")
        return _apply_module(value, target, name)
    return _apply_function(value, node, name)


def _operand(node: fx.Node, values: dict[fx.Node, _Value], name: str) -> tuple[_Value, tuple[Any, ...]]:
    """Return the one value that a node works on and its other positional arguments."""
    operands = node.all_input_nodes
    if len(operands) != 1 or not node.args or node.args[0] is not operands[0]:
        inputs = ", ".join(operand.name for operand in operands) or "nothing"
        _refuse(name, f"({_operation(node)}) works on {inputs}, where one tensor goes from layer to layer")
    return values[operands[0]], tuple(node.args[1:])


def _apply_module(value: _Value, module: nn.Module, name: str) -> _Value:
    kind = type(module)
    if module._forward_hooks or module._forward_pre_hooks:
        _refuse(name, "has hooks, which may change what it computes; remove them (weight and spectral norms too)")
    if kind in _FROM_TORCH:
        return _recurrent(value, module, name)
    if isinstance(module, nn.Linear) and kind is nn.Linear:
        weight = _array(module.weight)
        bias = np.zeros(len(weight)) if module.bias is None else _array(module.bias)
        return replace(value, layers=(*value.layers, dense(weight.T, bias, name=name)))
    if isinstance(module, nn.Flatten) and kind is nn.Flatten:
        return _flatten(value, module.start_dim, name)
    if kind in _ACTIVATIONS:
        return _activate(value, _ACTIVATIONS[kind], name)
    if kind not in _NOTHING:
        _refuse(name, f"{kind.__name__} is not supported")
    return value


def _apply_function(value: _Value, node: fx.Node, name: str) -> _Value:
    if node.target in _ACTIVATIONS:
        return _activate(value, _ACTIVATIONS[node.target], name)
    is_dropout = node.target is nn.functional.dropout and node.kwargs.get("training") is False
    if not is_dropout and node.target not in _NOTHING:
        _refuse(name, f"the operation {_operation(node)} is not supported")
    return value


def _recurrent(value: _Value, module: nn.Module, name: str) -> _Value:
    """Return the value behind a recurrent module or cell."""
    if value.form == "last":
        _refuse(name, "is a recurrent layer behind the last timestep, which is no sequence any more")
    if getattr(module, "bidirectional", False):
        _refuse(name, "is bidirectional")
    if getattr(module, "nonlinearity", "tanh") != "tanh":
        _refuse(name, f"has the nonlinearity {module.nonlinearity!r}")
    state: Literal["states", "hidden"] = "states" if isinstance(module, nn.LSTM) else "hidden"
    if not isinstance(module, _SEQUENCE_MODULES):
        form: Literal["sequence", "outputs"] = "outputs" if isinstance(module, nn.LSTMCell) else "sequence"
        return replace(value, layers=(*value.layers, _layer(module, "", name)), form=form, state=None)
    axis = 1 if module.batch_first else 0
    if value.time_axis not in (None, axis):
        _refuse(
            name, f"has batch_first={module.batch_first} and the recurrent layer before it has not; its time would be the batch"
        )
    names = [name] if module.num_layers == 1 else [f"{name}.{index}" for index in range(module.num_layers)]
    layers = tuple(_layer(module, f"_l{index}", layer) for index, layer in enumerate(names))
    return _Value(value.layers + layers, "outputs", axis, state)


def _layer(module: nn.Module, suffix: str, name: str) -> Layer:
    """Return one layer of a recurrent module; biases that it lacks are zero."""
    weights = {key: _array(getattr(module, key + suffix)) for key in ("weight_ih", "weight_hh")}
    rows = len(weights["weight_ih"])
    for key in ("bias_ih", "bias_hh"):
        weights[key] = _array(getattr(module, key + suffix)) if module.bias else np.zeros(rows)
    if getattr(module, "proj_size", 0):
        weights["weight_hr"] = _array(getattr(module, "weight_hr" + suffix))
    build: Any = _FROM_TORCH[type(module)]
    layer: Layer = build(**weights, name=name)
    return layer


def _activate(value: _Value, activation: Activation, name: str) -> _Value:
    """Return the value behind an activation: it joins the linear layer before it, else a layer of identity weights carries it."""
    if not value.layers:
        _refuse(name, f"is a {activation} before any layer with weights; apply it to the data, or put a Linear before it")
    *below, last = value.layers
    if last.cell == DENSE:
        fused = dense(last.parameters["weight"], last.parameters["bias"], activation, last.name)
        return replace(value, layers=(*below, fused))
    return replace(value, layers=(*value.layers, dense(np.eye(last.outputs), np.zeros(last.outputs), activation, name)))


def _flatten(value: _Value, start: int, name: str) -> _Value:
    rank = 2 if value.form == "last" else 3
    if start % rank != rank - 1:
        _refuse(name, f"Flatten from dimension {start} mixes timesteps; it is supported where it does nothing")
    return value


def _index(value: _Value, index: Any, name: str) -> _Value:
    """Return the value behind ``value[index]``."""
    padded = (*index, *[slice(None)] * 3)[:3] if isinstance(index, tuple) else (index, slice(None), slice(None))
    if value.form == "outputs" and index == 0:
        return replace(value, form="sequence")
    if value.form == "outputs" and index == 1 and value.state:
        return replace(value, form=value.state)
    if value.form == "states" and index == 0:
        return replace(value, form="hidden")
    axis = {"sequence": value.time_axis, "hidden": 0}.get(value.form)
    if axis is not None and padded == tuple(-1 if place == axis else slice(None) for place in range(3)):
        return replace(value, form="last")
    what = {"states": "the cell state", "outputs": "a state"}.get(value.form, "something other than the last timestep")
    where = f"; its time is axis {axis}" if axis is not None and value.form == "sequence" else ""
    _refuse(name, f"the index {index!r} takes {what}{where}")


def _operation(node: fx.Node) -> str:
    return str(getattr(node.target, "__name__", node.target))


def _array(tensor: torch.Tensor) -> Array:
    array: Array = tensor.detach().cpu().double().numpy()
    return array


def _refuse(layer: str, reason: str) -> NoReturn:
    raise ModelError(f"layer {layer!r}: {reason}; from_torch supports {SUPPORTED}")
