"""Training for the crossbar, shared by the scripts that make the shipped networks: weights as columns, noise on every weight.

Each batch sees fresh Gaussian noise on every weight, a fraction of the largest weight of its column: the unit in which an array
errs; and on every input, a fraction of 1. Noise is also what keeps few examples from being learned by heart. Biases are weights of
a row driven at the hardware's bias value and obey the same limit, so no column's full scale is spent on its bias.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.func import functional_call

from fxlstm.network import Network, dense, lstm_from_torch
from fxlstm.program.hardware import Hardware


@dataclass(frozen=True)
class Settings:
    """How to train. ``weight_noise`` is relative to the largest weight of a column, ``input_noise`` to an input of 1.

    ``limit`` bounds every weight.
    """

    weight_noise: float
    input_noise: float = 0.0
    epochs: int = 600
    learning_rate: float = 0.01
    weight_decay: float = 0.1
    limit: float = 2.0


class CrossbarLSTM(torch.nn.Module):
    """LSTM and dense layer whose weights stand as on the array, one line per column: inputs, hidden state, bias row if any."""

    def __init__(self, inputs: int, cells: int, outputs: int, generator: torch.Generator, bias: bool = True) -> None:
        super().__init__()
        self.inputs, self.cells, self.bias = inputs, cells, bias
        self.bias_value = Hardware().bias_value
        self.core = torch.nn.LSTM(inputs, cells, batch_first=True).requires_grad_(False)
        self.lstm_columns = torch.nn.Parameter(_uniform((4 * cells, inputs + cells + bias), cells, generator))
        self.dense_columns = torch.nn.Parameter(_uniform((outputs, cells + bias), cells, generator))

    def forward(self, x: Tensor, settings: Settings, generator: torch.Generator) -> Tensor:
        """Return the outputs for ``x`` (batch, time, inputs) with fresh noise."""
        disturbed = x + torch.randn(x.shape, generator=generator) * settings.input_noise
        columns = _disturb(self.lstm_columns, settings.weight_noise, generator)
        hidden, _ = functional_call(self.core, self.arrays(columns), (disturbed,))
        columns = _disturb(self.dense_columns, settings.weight_noise, generator)
        return hidden @ columns[:, : self.cells].T + self.biases(columns)

    def arrays(self, columns: Tensor) -> dict[str, Tensor]:
        """Return the parameters of ``torch.nn.LSTM`` for the weights of the array's columns."""
        return {
            "weight_ih_l0": columns[:, : self.inputs],
            "weight_hh_l0": columns[:, self.inputs : self.inputs + self.cells],
            "bias_ih_l0": self.biases(columns),
            "bias_hh_l0": torch.zeros(4 * self.cells),
        }

    def biases(self, columns: Tensor) -> Tensor:
        """Return the bias of each column, 0 without a bias row."""
        return columns[:, -1] * self.bias_value if self.bias else torch.zeros(len(columns))

    def network(self, name: str, metadata: dict[str, object], returns: Literal["sequence", "last"] = "sequence") -> Network:
        """Return the trained network as fxlstm knows it."""
        with torch.no_grad():
            parameters = {key: value.numpy() for key, value in self.arrays(self.lstm_columns).items()}
            weight, bias = self.dense_columns[:, : self.cells].T.numpy(), self.biases(self.dense_columns).numpy()
        core = lstm_from_torch(*(parameters[f"{key}_l0"] for key in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
        return Network((core, dense(weight, bias)), returns, name, metadata)


def _uniform(shape: tuple[int, ...], cells: int, generator: torch.Generator) -> Tensor:
    return (2 * torch.rand(shape, generator=generator) - 1) * cells**-0.5


def _disturb(columns: Tensor, noise: float, generator: torch.Generator) -> Tensor:
    """Return ``columns`` with Gaussian noise relative to the largest weight of each."""
    largest = columns.detach().abs().amax(dim=1, keepdim=True)
    return columns + torch.randn(columns.shape, generator=generator) * noise * largest


def descend(module: CrossbarLSTM, settings: Settings, losses: Callable[[], Iterator[Tensor]]) -> None:
    """Train ``module``; ``losses`` gives one epoch's losses, each computed with the weights that the one before it led to."""
    parameters = [module.lstm_columns, module.dense_columns]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.epochs)
    for _ in range(settings.epochs):
        for loss in losses():
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            with torch.no_grad():
                for parameter in parameters:
                    parameter.clamp_(-settings.limit, settings.limit)
        schedule.step()


def make_reproducible() -> None:
    """Let the same seed give the same weights: one thread, deterministic algorithms only."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
