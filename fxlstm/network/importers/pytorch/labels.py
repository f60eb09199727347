"""Tensors whose elements are labels: what a module does with places and order is seen by what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Handler = Callable[[str, tuple[Any, ...], Mapping[str, Any]], Any]

# Functions that move elements and change none: they run on the labels as they are.
_MOVES = """
    __getitem__ select slice narrow index_select gather take_along_dim chunk split split_with_sizes tensor_split unbind
    view reshape view_as reshape_as ravel flatten unflatten squeeze unsqueeze permute transpose t T mT swapaxes swapdims movedim
    moveaxis cat concat concatenate stack hstack vstack flip expand expand_as repeat tile alias
    _pack_padded_sequence _pad_packed_sequence
"""
# What may be asked of a tensor without looking at its numbers.
_LOOKS = """
    size shape dim ndim dtype device layout numel nelement __len__ stride storage_offset sym_size requires_grad get_device
    is_contiguous is_floating_point is_complex is_nested is_sparse is_quantized is_cuda _assert_tensor_metadata
    new_zeros new_ones new_full new_tensor zeros_like ones_like full_like zeros ones full
"""
# Functions that leave the numbers as they are.
_NOTHING = "contiguous clone detach float double cpu to type_as _to_copy lift_fresh_copy"
MOVES, LOOKS, NOTHING = (frozenset(names.split()) for names in (_MOVES, _LOOKS, _NOTHING))


class Labels(torch.Tensor):
    """A float64 tensor of labels: whole numbers from 1 on, 0 where there is no number (behind the end of a sequence).

    Every function that is given one goes to ``handler``.
    """

    handler: Handler

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Carry out a function of PyTorch: moves by PyTorch itself, everything else by the handler."""
        kwargs = kwargs or {}
        name = function_name(func)
        handler = next(_labels_in([args, *kwargs.values()])).handler
        if name == "__setitem__":
            return _write(handler, *args)
        if name in MOVES | LOOKS:
            result = func(*_plain(args), **{key: _plain(value) for key, value in kwargs.items()})
            return _labelled(result, handler) if name in MOVES else result
        return handler(name, args, kwargs)


def labels_of(codes: Codes, handler: Handler) -> Labels:
    """Return a tensor of the given labels."""
    labels: Labels = torch.tensor(codes, dtype=torch.float64).as_subclass(Labels)
    labels.handler = handler
    return labels


def codes_of(labels: torch.Tensor) -> Codes:
    """Return the labels in a tensor as integers."""
    codes: Codes = labels.as_subclass(torch.Tensor).numpy().astype(np.int64)
    return codes


def function_name(function: Any) -> str:
    """Return a function's name without module and overload; that of an attribute where it is one; of foreign operators in full."""
    if getattr(function, "__name__", "") == "__get__":
        return str(function.__self__.__name__)
    if isinstance(function, torch._ops.OpOverload):
        name = function.__name__.split(".")[0]
        return name if function.namespace == "aten" else f"{function.namespace}::{name}"
    return str(getattr(function, "__name__", function))


def _write(handler: Handler, target: torch.Tensor, index: Any, value: Any) -> None:
    """Write labels into a tensor, which becomes one of labels; what no label is written to holds none."""
    if not isinstance(value, Labels):
        handler("__setitem__", (target, index, value), {})
    if not isinstance(target, Labels):
        target.data = torch.zeros_like(target, dtype=torch.float64)
        target.__class__ = Labels
        target.handler = handler  # type: ignore[attr-defined]
    _plain(target)[index] = _plain(value)


def _labels_in(values: Iterable[Any]) -> Iterator[Labels]:
    for value in values:
        if isinstance(value, Labels):
            yield value
        elif isinstance(value, list | tuple):
            yield from _labels_in(value)


def _plain(value: Any) -> Any:
    """Return a value with its labels as ordinary tensors."""
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return value.as_subclass(torch.Tensor) if isinstance(value, Labels) else value


def _labelled(value: Any, handler: Handler) -> Any:
    """Return a value with its floating-point tensors as labels; integers are sizes of batches."""
    if isinstance(value, list | tuple):
        return tuple(_labelled(entry, handler) for entry in value)
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        labels: Labels = value.as_subclass(Labels)
        labels.handler = handler
        return labels
    return value
