"""Scalar functions, and how an activation that a framework names becomes equations of them.

Only functions with a correctly rounded integer form are here: smooth ones with a table of their own in the executor, and what
sums, products and limits compute exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ModelError
from fxlstm.network.cells.equations import CONSTANTS, Activate, Clamp, Equation, Product, ProductSum

Activation = str | tuple[str | float, ...]  # a name, or a name and its numbers: ("hard_sigmoid", 0.2, 0.5)


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-x)), without overflow for any x."""
    values: NDArray[np.float64] = 0.5 * (1.0 + np.tanh(0.5 * x))
    return values


# What an Activate equation may name.
FUNCTIONS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "centred_logistic_g": lambda x: 2.0 * np.tanh(0.5 * x),
    "centred_logistic_h": lambda x: np.tanh(0.5 * x),
}

_Form = Callable[..., tuple[Equation, ...]]  # (result, operand, a constant's name for each number) -> equations


def _scalar(function: str) -> _Form:
    return lambda y, x: (Activate(y, function, x),)


def _linear(y: str, x: str) -> tuple[Equation, ...]:
    return ()


def _relu(y: str, x: str) -> tuple[Equation, ...]:
    return (Clamp(y, x, "0.0", "inf"),)


def _affine(y: str, x: str, alpha: str, beta: str) -> tuple[Equation, ...]:
    return (ProductSum(y, alpha, x, "one", beta),)


def _hard_sigmoid(y: str, x: str, alpha: str, beta: str) -> tuple[Equation, ...]:
    return (*_affine(f"{y}_line", x, alpha, beta), Clamp(y, f"{y}_line", "0.0", "one"))


def _leaky_relu(y: str, x: str, alpha: str) -> tuple[Equation, ...]:
    positive, negative = f"{y}_positive", f"{y}_negative"
    parts = Clamp(positive, x, "0.0", "inf"), Clamp(negative, x, "-inf", "0.0")
    return (*parts, ProductSum(y, "one", positive, alpha, negative))


def _scaled_tanh(y: str, x: str, alpha: str, beta: str) -> tuple[Equation, ...]:
    return (Product(f"{y}_line", beta, x), Activate(f"{y}_tanh", "tanh", f"{y}_line"), Product(y, alpha, f"{y}_tanh"))


# Name -> its form, and its numbers where none are given (None: they must be given).
_FORMS: dict[str, tuple[_Form, tuple[float | None, ...]]] = {
    "linear": (_linear, ()),
    "sigmoid": (_scalar("sigmoid"), ()),
    "tanh": (_scalar("tanh"), ()),
    "relu": (_relu, ()),
    "hard_sigmoid": (_hard_sigmoid, (0.2, 0.5)),
    "affine": (_affine, (None, None)),
    "leaky_relu": (_leaky_relu, (0.01,)),
    "scaled_tanh": (_scaled_tanh, (None, None)),
}
ACTIVATIONS: tuple[str, ...] = tuple(_FORMS)
_FROM_0_TO_1 = ("sigmoid", "hard_sigmoid")


@dataclass(frozen=True)
class Applied:
    """An activation of a vector: the equations, the constants that they read, and the vector that holds the result."""

    result: str
    equations: tuple[Equation, ...] = ()
    constants: Mapping[str, float] = field(default_factory=dict)


def apply(activation: Activation, operand: str, result: str, clip: float | None = None) -> Applied:
    """Return the equations of ``result = activation(operand)``; linear needs none, its result is the operand itself.

    ``clip`` limits the operand to -clip..clip before. Raises :class:`ModelError` for an unknown activation, whose message lists
    the known ones, and for numbers that do not fit.
    """
    name, numbers = parsed(activation)
    form, _ = _FORMS[name]
    limits: tuple[Equation, ...] = ()
    if clip is not None:
        limits = (_limit(result if name == "linear" else f"{operand}_clipped", operand, clip),)
        operand = limits[0].results[0]
    equations = (*limits, *form(result, operand, *map(number, numbers)))
    values = {number(value): value for value in (0.0, math.inf, -math.inf, clip or 0.0, -(clip or 0.0), *numbers)}
    read = {vector for equation in equations for vector in equation.operands}
    constants = {key: value for key, value in values.items() if key in read and key not in CONSTANTS}
    return Applied(operand if name == "linear" else result, equations, constants)


def parsed(activation: Activation) -> tuple[str, tuple[float, ...]]:
    """Return the name of an activation and all its numbers, checked."""
    parts: tuple[Any, ...] = activation if isinstance(activation, tuple) else (activation,)
    name, given = (parts[0], parts[1:]) if parts else ("", ())
    if name not in _FORMS:
        raise ModelError(f"activation {name!r} has no correctly rounded integer form; choose one of {', '.join(ACTIVATIONS)}")
    defaults = _FORMS[name][1]
    numbers = tuple(given) + defaults[len(given) :]
    if len(numbers) != len(defaults) or not all(_is_finite(value) for value in numbers):
        raise ModelError(f"activation {activation!r}: {name} takes {len(defaults)} finite numbers")
    return name, tuple(float(value) for value in numbers)


def spelled(activation: Activation) -> str:
    """Return an activation with its numbers as one text: ``relu``, ``hard_sigmoid(0.2, 0.5)``."""
    name, numbers = parsed(activation)
    return f"{name}({', '.join(map(str, numbers))})" if numbers else name


def is_gate(activation: Activation) -> bool:
    """Return whether an activation cannot leave 0..1, so that it may weigh an :class:`Interpolate`."""
    return parsed(activation)[0] in _FROM_0_TO_1


def number(value: float) -> str:
    """Return the name of the constant that holds a number: ``one``, or the number as text."""
    return "one" if value == 1 else repr(float(value) + 0.0)


def _limit(result: str, operand: str, clip: float) -> Clamp:
    if not (_is_finite(clip) and clip > 0):
        raise ModelError(f"clip = {clip!r}; it must be a positive number")
    return Clamp(result, operand, number(-clip), number(clip))


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(value)
