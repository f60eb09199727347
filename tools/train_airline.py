"""Train the network of ``fxlstm demo airline`` and write it with its provenance: ``python tools/train_airline.py``.

One input, 15 LSTM cells, one dense output (the geometry of Li et al., Nat. Mach. Intell. 1, 49, 2019), trained to predict the
next month's logarithmic change from this month's (:mod:`fxlstm.app.demos.airline_task`). Only the first 96 months are used:

1. Both kinds of noise are chosen on the last 24 of them: every candidate learns the first 72 months from several seeds, and the
   one with the lowest mean error wins. The 48 unseen months take no part in it.
2. The network with these settings learns all 96 months from one fixed seed, and is scored once on the unseen months.

Each epoch sees fresh Gaussian noise on every weight, a fraction of the largest weight of its column: the unit in which an array
errs; and on every input, a fraction of full scale. With so few examples noise is also what keeps them from being learned by heart.
Twelve sequences are learned side by side, one from each month of the first year, so that the season is read from the series and
not counted from its beginning. Biases are weights of a row driven at the hardware's bias value and obey the same limit, so no
column's full scale is spent on its bias.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call

from fxlstm.app.demos.airline_task import AirlineTask, Score, weights_digest
from fxlstm.network import Network, dense, lstm_from_torch, save_network
from fxlstm.program.hardware import Hardware

CELLS = 15
LEARNED_FOR_CHOICE = 72
CHOICE_SEEDS = (0, 1, 2, 3)
SEED = 1
DESTINATION = Path(__file__).parent.parent / "fxlstm" / "app" / "demos" / "airline.safetensors"


@dataclass(frozen=True)
class Settings:
    """How to train. ``weight_noise`` is relative to the largest weight of a column, ``input_noise`` to full scale.

    ``starts``: how many sequences are learned, each beginning a month later. ``limit`` bounds every weight.
    """

    weight_noise: float
    input_noise: float
    epochs: int = 600
    starts: int = 12
    learning_rate: float = 0.01
    weight_decay: float = 0.1
    limit: float = 2.0


CANDIDATES = [Settings(*noises) for noises in itertools.product((0.0, 0.02, 0.05, 0.1), (0.0, 0.1, 0.2, 0.3))]


class CrossbarLSTM(torch.nn.Module):
    """LSTM and dense layer whose weights stand as on the array, one line per column: inputs, hidden state, bias row."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.bias_value = Hardware().bias_value
        self.core = torch.nn.LSTM(1, CELLS, batch_first=True).requires_grad_(False)
        self.lstm_columns = torch.nn.Parameter(_uniform((4 * CELLS, 1 + CELLS + 1), generator))
        self.dense_columns = torch.nn.Parameter(_uniform((1, CELLS + 1), generator))

    def forward(self, x: Tensor, noise: float, generator: torch.Generator) -> Tensor:
        """Return the outputs for ``x`` (batch, time, 1) with fresh weight noise."""
        hidden, _ = functional_call(self.core, self.arrays(_disturb(self.lstm_columns, noise, generator)), (x,))
        columns = _disturb(self.dense_columns, noise, generator)
        return hidden @ columns[:, :-1].T + columns[:, -1] * self.bias_value

    def arrays(self, columns: Tensor) -> dict[str, Tensor]:
        """Return the parameters of ``torch.nn.LSTM`` for the weights of the array's columns."""
        return {
            "weight_ih_l0": columns[:, :1],
            "weight_hh_l0": columns[:, 1:-1],
            "bias_ih_l0": columns[:, -1] * self.bias_value,
            "bias_hh_l0": torch.zeros(4 * CELLS),
        }

    def network(self, metadata: dict[str, object]) -> Network:
        """Return the trained network as fxlstm knows it."""
        with torch.no_grad():
            parameters = {key: value.numpy() for key, value in self.arrays(self.lstm_columns).items()}
            weight, bias = self.dense_columns[:, :-1].T.numpy(), (self.dense_columns[:, -1] * self.bias_value).numpy()
        core = lstm_from_torch(*(parameters[f"{key}_l0"] for key in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
        return Network((core, dense(weight, bias)), name="airline", metadata=metadata)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return (2 * torch.rand(shape, generator=generator) - 1) * CELLS**-0.5


def _disturb(columns: Tensor, noise: float, generator: torch.Generator) -> Tensor:
    """Return ``columns`` with Gaussian noise relative to the largest weight of each."""
    largest = columns.detach().abs().amax(dim=1, keepdim=True)
    return columns + torch.randn(columns.shape, generator=generator) * noise * largest


def fit(task: AirlineTask, settings: Settings, seed: int) -> CrossbarLSTM:
    """Return a network that has learned the task's learned months."""
    generator = torch.Generator().manual_seed(seed)
    module = CrossbarLSTM(generator)
    parameters = [module.lstm_columns, module.dense_columns]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.epochs)
    x, y = _sequences(task.inputs, task, settings), _sequences(task.targets, task, settings)
    for _ in range(settings.epochs):
        optimizer.zero_grad()
        disturbed = x + torch.randn(x.shape, generator=generator) * settings.input_noise
        torch.nn.functional.mse_loss(module(disturbed, settings.weight_noise, generator), y).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for parameter in parameters:
                parameter.clamp_(-settings.limit, settings.limit)
    return module


def _sequences(series: NDArray[np.float64], task: AirlineTask, settings: Settings) -> Tensor:
    """Return the learned part of a series once for each start, all of one length: (starts, time, 1)."""
    length = task.learned - settings.starts
    return torch.tensor(np.stack([series[start : start + length] for start in range(settings.starts)]), dtype=torch.float32)


def choose() -> tuple[Settings, float]:
    """Return the candidate with the lowest mean error, in thousands, on months that it did not learn."""
    task = AirlineTask.load(learned=LEARNED_FOR_CHOICE)
    held_back = slice(LEARNED_FOR_CHOICE, AirlineTask.load().learned)
    errors: dict[Settings, float] = {}
    for settings in CANDIDATES:
        networks = (fit(task, settings, seed).network({}) for seed in CHOICE_SEEDS)
        scores = [task.score(task.predict(network(task.inputs)), held_back).thousands for network in networks]
        errors[settings] = float(np.mean(scores))
        noises = f"noise of weights {settings.weight_noise:4.2f}, of inputs {settings.input_noise:4.2f}"
        print(f"{noises}: months 73-96 {errors[settings]:5.1f} thousand")
    best = min(errors, key=errors.__getitem__)
    return best, errors[best]


def train(settings: Settings, choice_error: float) -> Network:
    """Return the network to ship, with what made it and what it scored in its metadata."""
    task = AirlineTask.load()
    module = fit(task, settings, SEED)
    outputs = module.network({})(task.inputs)
    scores = {part: task.score(task.predict(outputs), months) for part, months in (("seen", task.seen), ("unseen", task.unseen))}
    baseline = {part: task.score(task.persistence, months) for part, months in (("seen", task.seen), ("unseen", task.unseen))}
    for part, score in scores.items():
        print(f"{part} months: {_words(score)}; persistence {_words(baseline[part])}")
    return module.network(
        {
            "script": "tools/train_airline.py",
            "seed": SEED,
            "torch": torch.__version__,
            "settings": asdict(settings),
            "data": "airline.csv: Box & Jenkins 1976, months 1-96 learned, 97-144 unseen",
            "rmse_thousands_months_73_to_96_when_choosing": choice_error,
            "rmse_thousands": {part: score.thousands for part, score in scores.items()},
            "weights_sha256": weights_digest(module.network({})),
        }
    )


def _words(score: Score) -> str:
    return f"RMSE {score.thousands:.1f} thousand, {score.fraction:.4f} of the range"


def make_reproducible() -> None:
    """Let the same seed give the same weights: one thread, deterministic algorithms only."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def main() -> None:
    make_reproducible()
    parser = argparse.ArgumentParser(description="Train the network of 'fxlstm demo airline'.")
    parser.add_argument("--output", type=Path, default=DESTINATION, help="where to write the .safetensors file")
    output = parser.parse_args().output
    save_network(train(*choose()), output)
    print(f"wrote {output}, SHA-256 of the file {hashlib.sha256(output.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
