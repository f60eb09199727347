"""ONNX models from files and objects: read as data, never run; external data only from beside the model."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from onnx import external_data_helper, inliner

from fxlstm.errors import ModelError

OLDEST_OPSET = 7  # the operators' present form


def read(source: Any) -> tuple[onnx.ModelProto, str]:
    """Return a model whose weights are in memory and whose functions are unfolded, and a name for the network."""
    if isinstance(source, onnx.ModelProto):
        model, name = source, source.graph.name or "network"
        if outside := [tensor.name for tensor in _tensors(model) if external_data_helper.uses_external_data(tensor)]:
            raise ModelError(f"tensor {outside[0]!r} is in a file of its own; give from_onnx the model's path, not the object")
    elif isinstance(source, str | os.PathLike):
        path = Path(source)
        model, name = _load(path), path.stem
    else:
        raise ModelError(f"from_onnx takes a path or an onnx.ModelProto, not {type(source).__name__}")
    _check_names(model, name)
    opset = opset_of(model)
    if opset < OLDEST_OPSET:
        raise ModelError(
            f"{name!r} is of opset {opset}; from_onnx reads {OLDEST_OPSET} and later: convert it with onnx.version_converter"
        )
    return _unfolded(model, name), name


def opset_of(model: onnx.ModelProto) -> int:
    """Return the version of ONNX's own operators that a model uses; 0 where it names none."""
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def _load(path: Path) -> onnx.ModelProto:
    if not path.is_file():
        raise ModelError(f"no file {str(path)!r}; check the path")
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except Exception as error:  # protobuf's own errors among them
        raise ModelError(f"{str(path)!r} is not a readable ONNX file ({error}); export the model again") from error
    if not model.graph.output:
        raise ModelError(f"{str(path)!r} holds no ONNX graph; export the model again")
    outside = [tensor for tensor in _tensors(model) if external_data_helper.uses_external_data(tensor)]
    for tensor in outside:
        _check_beside(path, tensor)
    try:
        for tensor in outside:
            external_data_helper.load_external_data_for_tensor(tensor, str(path.parent))
            tensor.data_location = onnx.TensorProto.DEFAULT
    except (OSError, ValueError, RuntimeError, onnx.checker.ValidationError) as error:
        raise ModelError(f"{str(path)!r}: its external data cannot be read ({error}); keep the files together") from error
    return model


def _check_names(model: onnx.ModelProto, name: str) -> None:
    """Check that names are texts: protobuf decodes them when they are read, and may give the bytes of one that is none."""
    graph = model.graph
    try:
        names = [entry.name for entries in (graph.input, graph.output, graph.initializer, graph.node) for entry in entries]
        names += [text for node in graph.node for text in (node.op_type, node.domain, *node.input, *node.output)]
        names += [attribute.name for node in graph.node for attribute in node.attribute]
        damaged = not all(isinstance(text, str) for text in names)
    except UnicodeDecodeError:
        damaged = True
    if damaged:
        raise ModelError(f"{name!r} holds a name that is no text; export the model again")


def _check_beside(path: Path, tensor: onnx.TensorProto) -> None:
    location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
    folder = path.parent.resolve()
    if not location or not (folder / location).resolve().is_relative_to(folder):
        raise ModelError(f"{str(path)!r}: tensor {tensor.name!r} is in {location!r}; only files beside the model are read")


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Yield the tensors of the graph itself: weights and the values of its nodes."""
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t


def _unfolded(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """Return the model with the nodes of its own functions in place of the calls of them."""
    if not model.functions:
        return model
    try:
        unfolded: onnx.ModelProto = inliner.inline_local_functions(model)
        return unfolded
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{name!r} has functions that cannot be unfolded ({error}); export it without functions") from error
