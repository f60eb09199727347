"""Which functions of PyTorch compute something, and what becomes of them: one table for modules, traced graphs and exports."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fxlstm.network.importers.pytorch.layers import activate, add, argmax, dropout, leaky_relu, linear, matmul, softmax
from fxlstm.network.importers.pytorch.recurrent import cell, recurrent
from fxlstm.network.importers.pytorch.scaling import batch_norm, divided, minus, negative, reversed_minus, times

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "lstm": partial(recurrent, "lstm"),
    "gru": partial(recurrent, "gru"),
    "rnn_tanh": partial(recurrent, "rnn_tanh"),
    "rnn_relu": partial(recurrent, "rnn_relu"),
    "lstm_cell": partial(cell, "lstm"),
    "gru_cell": partial(cell, "gru"),
    "rnn_tanh_cell": partial(cell, "rnn_tanh"),
    "rnn_relu_cell": partial(cell, "rnn_relu"),
    "linear": linear,
    "sigmoid": partial(activate, "sigmoid"),
    "tanh": partial(activate, "tanh"),
    "relu": partial(activate, "relu"),
    "leaky_relu": leaky_relu,
    "hardsigmoid": partial(activate, ("hard_sigmoid", 1 / 6, 0.5)),
    "softmax": softmax,
    "log_softmax": partial(softmax, log=True),
    "argmax": argmax,
    "add": add,
    "__radd__": add,
    "sub": minus,
    "subtract": minus,
    "rsub": reversed_minus,
    "__rsub__": reversed_minus,
    "mul": times,
    "multiply": times,
    "div": divided,
    "divide": divided,
    "true_divide": divided,
    "neg": negative,
    "negative": negative,
    "batch_norm": batch_norm,
    "matmul": matmul,
    "mm": matmul,
    "dropout": dropout,
    "dropout1d": dropout,
    "alpha_dropout": dropout,
}
