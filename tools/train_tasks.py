"""Train the networks of the classification tasks and write them with their provenance: ``python tools/train_tasks.py``.

An LSTM and one dense output per class (:mod:`fxlstm.app.demos.classification`), trained on the cross-entropy of the output at
each sequence's last timestep. Only the training sequences are used:

1. The noise on the weights is chosen on every fifth of them, for gait on the last fifth of each person's time: the candidate that
   puts most of these into their class, having learned the others, wins; among equals the one with most noise. The test sequences
   take no part in it.
2. The network with this noise learns all training sequences from one fixed seed, and is scored once on the test sequences.

How noise and limits prepare a network for the array: ``tools/crossbar_training.py``.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from crossbar_training import CrossbarLSTM, Settings, descend, make_reproducible
from fxlstm.app.demos.classification import (
    ClassificationTask,
    classify,
    held_to_one_length,
    japanese_vowels,
    wafer,
    wafer_sequence,
    wafer_single_step,
)
from fxlstm.app.demos.gait_task import gait
from fxlstm.app.demos.shipped import weights_digest
from fxlstm.data import Labelled
from fxlstm.network import Network, save_network

SEED = 1
BATCH = 30
DESTINATION = Path(__file__).parent.parent / "fxlstm" / "app" / "demos"
CANDIDATES = [Settings(noise, epochs=100) for noise in (0.1, 0.05, 0.02, 0.0)]
# Eight persons' few recordings are learned by heart in no time, so more noise and more time are tried.
CANDIDATES_OF_GAIT = [Settings(noise, epochs=200) for noise in (0.3, 0.2, 0.1, 0.05, 0.0)]


def fit(task: ClassificationTask, learned: Labelled, settings: Settings, seed: int) -> CrossbarLSTM:
    """Return a network that has learned the sequences ``learned``."""
    generator = torch.Generator().manual_seed(seed)
    module = CrossbarLSTM(task.inputs, task.cells, task.classes, generator, task.bias)
    # What follows a sequence's end is computed and then not looked at.
    x = torch.tensor(held_to_one_length(learned.sequences), dtype=torch.float32)
    last = torch.tensor([len(sequence) - 1 for sequence in learned.sequences])
    labels = torch.tensor(learned.labels)

    def losses() -> Iterator[Tensor]:
        for batch in torch.randperm(len(x), generator=generator).split(BATCH):
            outputs = module(x[batch], settings, generator)[torch.arange(len(batch)), last[batch]]
            yield torch.nn.functional.cross_entropy(outputs, labels[batch])

    descend(module, settings, losses)
    return module


def choose(task: ClassificationTask) -> tuple[Settings, float]:
    """Return the candidate that is right most often on training sequences that it did not learn, and how often."""
    learned, others = task.for_choosing
    accuracies: dict[Settings, float] = {}
    for settings in CANDIDATES_OF_GAIT if task.name == "gait" else CANDIDATES:
        network = fit(task, learned, settings, SEED).network(task.name, {}, "last")
        accuracies[settings] = float((classify(network, others.sequences) == others.labels).mean())
        print(f"{task.title}, noise {settings.weight_noise:4.2f}: {accuracies[settings]:.2%} of {len(others.labels)} held back")
    best = max(accuracies, key=accuracies.__getitem__)
    return best, accuracies[best]


def train(task: ClassificationTask, settings: Settings, accuracy_when_choosing: float) -> Network:
    """Return the network to ship, with what made it and what it scored in its metadata."""
    module = fit(task, task.train, settings, SEED)
    network = module.network(task.name, {}, "last")
    metrics = asdict(task.metrics(classify(network, task.test.sequences)))
    print(f"{task.title}, {len(task.test.labels)} test sequences: {metrics}")
    return module.network(
        task.name,
        {
            "script": "tools/train_tasks.py",
            "seed": SEED,
            "torch": torch.__version__,
            "settings": asdict(settings),
            "data": f"{task.title}: {len(task.train.labels)} sequences learned, {len(task.test.labels)} unseen",
            "accuracy_on_held_back_when_choosing": accuracy_when_choosing,
            "test": metrics,
            "weights_sha256": weights_digest(network),
        },
        "last",
    )


def main() -> None:
    make_reproducible()
    tasks = {task.name: task for task in (japanese_vowels(), wafer(), wafer_single_step(), wafer_sequence(), gait())}
    parser = argparse.ArgumentParser(description="Train the networks of the classification tasks.")
    parser.add_argument("--output", type=Path, default=DESTINATION, help="folder for the .safetensors files")
    parser.add_argument("--only", choices=tasks, help="train this network alone")
    arguments = parser.parse_args()
    for name, task in tasks.items():
        if arguments.only in (None, name):
            path = arguments.output / f"{name}.safetensors"
            save_network(train(task, *choose(task)), path)
            print(f"wrote {path}, SHA-256 of the file {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
