"""One node of an ONNX graph, with its attributes as Python values and the way to refuse it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import onnx

from fxlstm.errors import ModelError


@dataclass(frozen=True)
class Node:
    """A node, the opset by which its operator is read, and the list of operators that a refusal shows."""

    proto: onnx.NodeProto
    opset: int
    supported: str

    @property
    def operator(self) -> str:
        """The operator's name, with its domain where that is not ONNX's own."""
        domain = self.proto.domain
        return self.proto.op_type if domain in ("", "ai.onnx") else f"{domain}.{self.proto.op_type}"

    @property
    def name(self) -> str:
        """The node's name, else that of its first output, without slashes: the name of a layer made from it."""
        shown = self.proto.name or next((output for output in self.proto.output if output), "") or self.operator.lower()
        return shown.strip("/").replace("/", ".")

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Attributes as numbers, texts, lists of them and arrays."""
        found = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in self.proto.attribute}
        return {name: _plain(value) for name, value in found.items()}

    def refuse(self, reason: str) -> NoReturn:
        """Raise the :class:`ModelError` that names the node, the reason and what is supported."""
        raise ModelError(f"node {self.name!r} ({self.operator}): {reason}; from_onnx supports {self.supported}")

    def integers(self, value: Any, what: str) -> list[int]:
        """Return integers that must be known when the network is built: from an attribute or a constant operand."""
        if not isinstance(value, int | list | np.ndarray) or (isinstance(value, np.ndarray) and value.dtype.kind == "O"):
            self.refuse(f"its {what} are computed from the data; export it with constant ones")
        array = np.asarray(value)
        if array.dtype.kind not in "iu" and array.size:
            self.refuse(f"its {what} are {np.ravel(array)[:4].tolist()}; they must be integers")
        return [int(item) for item in array.ravel()]

    def axis(self, value: int, rank: int) -> int:
        """Return an axis counted from the front."""
        if not -rank <= value < rank:
            self.refuse(f"has the axis {value}; its input has {rank}")
        return value % rank


def _plain(value: Any) -> Any:
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
