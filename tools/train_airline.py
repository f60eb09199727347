"""Train the networks that predict airline passengers and write them with their provenance: ``python tools/train_airline.py``.

``airline``: one input, 15 LSTM cells, one dense output (the geometry of Li et al., Nat. Mach. Intell. 1, 49, 2019), trained to
predict the next month's logarithmic change from this month's. ``airline_look_back``: 4 cells and three timesteps (Smagulova and
James, EPJ Special Topics 228, 2019), trained to predict the next month's level from three (:mod:`fxlstm.app.demos.airline_task`).
Only the first 96 months are used:

1. Both kinds of noise are chosen on the last 24 of them: every candidate learns the first 72 months from several seeds, and the
   one with the lowest mean error wins. The 48 unseen months take no part in it.
2. The network with these settings learns all 96 months from one fixed seed, and is scored once on the unseen months.

Of the long sequence twelve are learned side by side, one from each month of the first year, so that the season is read from the
series and not counted from its beginning. How noise and limits prepare a network for the array: ``tools/crossbar_training.py``.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import crossbar_training
from crossbar_training import CrossbarLSTM, descend, make_reproducible
from fxlstm.app.demos.airline_task import LOOK_BACK as LOOK_BACK_MONTHS
from fxlstm.app.demos.airline_task import AirlineSeries, AirlineTask, LookBackTask, Score
from fxlstm.app.demos.shipped import weights_digest
from fxlstm.network import Network, save_network

LEARNED_FOR_CHOICE = 72
CHOICE_SEEDS = (0, 1, 2, 3)
SEED = 1
DESTINATION = Path(__file__).parent.parent / "fxlstm" / "app" / "demos"


@dataclass(frozen=True)
class Settings(crossbar_training.Settings):
    """How to train. ``starts``: how many sequences are learned, each beginning a month later."""

    starts: int = 12


CANDIDATES = tuple(Settings(*noises) for noises in itertools.product((0.0, 0.02, 0.05, 0.1), (0.0, 0.1, 0.2, 0.3)))
WITHOUT_INPUT_NOISE = tuple(settings for settings in CANDIDATES if not settings.input_noise)  # which hides a change of levels


@dataclass(frozen=True)
class Recipe:
    """A network to ship: its file's name, what it learns, its cells, which outputs it returns, and the settings to choose from."""

    name: str
    task: type[AirlineSeries]
    cells: int
    returns: Literal["sequence", "last"]
    candidates: tuple[Settings, ...]

    def network(self, module: CrossbarLSTM, metadata: dict[str, object]) -> Network:
        return module.network(self.name, metadata, self.returns)


AIRLINE = Recipe("airline", AirlineTask, 15, "sequence", CANDIDATES)
LOOK_BACK = Recipe("airline_look_back", LookBackTask, 4, "last", WITHOUT_INPUT_NOISE)


def fit(task: AirlineSeries, settings: Settings, seed: int, cells: int = AIRLINE.cells) -> CrossbarLSTM:
    """Return a network that has learned the task's learned months."""
    generator = torch.Generator().manual_seed(seed)
    module = CrossbarLSTM(1, cells, 1, generator)
    x, y = examples(task, settings)

    def losses() -> Iterator[Tensor]:
        yield torch.nn.functional.mse_loss(module(x, settings, generator)[:, -y.shape[1] :], y)

    descend(module, settings, losses)
    return module


def examples(task: AirlineSeries, settings: Settings) -> tuple[Tensor, Tensor]:
    """Return inputs (examples, time, 1) of the learned months, and the outputs wanted at the last timesteps of each."""
    if isinstance(task, AirlineTask):
        return _sequences(task.inputs, task, settings), _sequences(task.targets, task, settings)
    x, y = (values[: task.learned - LOOK_BACK_MONTHS] for values in (task.inputs, task.targets[:, np.newaxis]))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def _sequences(series: NDArray[np.float64], task: AirlineSeries, settings: Settings) -> Tensor:
    """Return the learned part of a series once for each start, all of one length: (starts, time, 1)."""
    length = task.learned - settings.starts
    return torch.tensor(np.stack([series[start : start + length] for start in range(settings.starts)]), dtype=torch.float32)


def choose(recipe: Recipe) -> tuple[Settings, float]:
    """Return the candidate with the lowest mean error, in thousands, on months that it did not learn."""
    task = recipe.task.load(learned=LEARNED_FOR_CHOICE)
    held_back = slice(LEARNED_FOR_CHOICE, recipe.task.load().learned)
    errors: dict[Settings, float] = {}
    for settings in recipe.candidates:
        networks = (recipe.network(fit(task, settings, seed, recipe.cells), {}) for seed in CHOICE_SEEDS)
        scores = [task.score(task.predict(network(task.inputs)), held_back).thousands for network in networks]
        errors[settings] = float(np.mean(scores))
        noises = f"noise of weights {settings.weight_noise:4.2f}, of inputs {settings.input_noise:4.2f}"
        print(f"{recipe.name}, {noises}: months 73-96 {errors[settings]:5.1f} thousand")
    best = min(errors, key=errors.__getitem__)
    return best, errors[best]


def train(recipe: Recipe, settings: Settings, choice_error: float) -> Network:
    """Return the network to ship, with what made it and what it scored in its metadata."""
    task = recipe.task.load()
    module = fit(task, settings, SEED, recipe.cells)
    network = recipe.network(module, {})
    outputs = network(task.inputs)
    scores = {part: task.score(task.predict(outputs), months) for part, months in (("seen", task.seen), ("unseen", task.unseen))}
    baseline = {part: task.score(task.persistence, months) for part, months in (("seen", task.seen), ("unseen", task.unseen))}
    for part, score in scores.items():
        print(f"{part} months: {_words(score)}; persistence {_words(baseline[part])}")
    return recipe.network(
        module,
        {
            "script": "tools/train_airline.py",
            "seed": SEED,
            "torch": torch.__version__,
            "settings": asdict(settings),
            "data": "airline.csv: Box & Jenkins 1976, months 1-96 learned, 97-144 unseen",
            "rmse_thousands_months_73_to_96_when_choosing": choice_error,
            "rmse_thousands": {part: score.thousands for part, score in scores.items()},
            "weights_sha256": weights_digest(network),
        },
    )


def _words(score: Score) -> str:
    return f"RMSE {score.thousands:.1f} thousand, {score.fraction:.4f} of the range"


def main() -> None:
    make_reproducible()
    parser = argparse.ArgumentParser(description="Train the networks that predict airline passengers.")
    parser.add_argument("--output", type=Path, default=DESTINATION, help="folder for the .safetensors files")
    parser.add_argument("--only", choices=[recipe.name for recipe in (AIRLINE, LOOK_BACK)], help="train this network alone")
    arguments = parser.parse_args()
    for recipe in (AIRLINE, LOOK_BACK):
        if arguments.only in (None, recipe.name):
            path = arguments.output / f"{recipe.name}.safetensors"
            save_network(train(recipe, *choose(recipe)), path)
            print(f"wrote {path}, SHA-256 of the file {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
