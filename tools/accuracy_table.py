#!/usr/bin/env python3
"""Measure what quantization costs on whole test sets and on random networks, and fill docs/accuracy.md between its markers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fxlstm.app.demos.classification import ClassificationTask, Metrics, classify, japanese_vowels, wafer
from fxlstm.core.engine import Engine
from fxlstm.network import Network, lstm
from fxlstm.program.calibration.methods import METHODS
from fxlstm.program.hardware import Hardware
from fxlstm.program.quantize import quantize
from generators.pages import fill, table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "accuracy.md"
BITS = ((16, 16), (8, 16), (6, 8), (4, 8))  # of weights with their sign, of both converters
SEED, NETWORKS = 1, 20  # of the random LSTMs


def hardware(weight_bits: int, converter_bits: int) -> Hardware:
    """Return the hardware whose differential pairs hold weights of so many bits, sign included."""
    return Hardware(levels=1 << (weight_bits - 1), dac_bits=converter_bits, adc_bits=converter_bits)


def float_metrics(task: ClassificationTask) -> Metrics:
    """Return the metrics of the float network on the test set."""
    return task.metrics(classify(task.load_network(), task.test.sequences))


def integer_metrics(task: ClassificationTask, bits: tuple[int, int], method: str) -> Metrics:
    """Return the metrics of the integer program with so many (weight, converter) bits on the test set."""
    program = quantize(task.load_network(), task.calibration, hardware(*bits), method)
    return task.metrics(classify(Engine(program).run, task.test.sequences))


def row(task: ClassificationTask, name: str, metrics: Metrics, method: str) -> tuple[str, ...]:
    """Return one line of the table."""
    recall = "-" if metrics.recall is None else f"{metrics.recall:.2%}"
    return task.title, name, method, f"{metrics.accuracy:.2%}", recall


def measured_rows(task: ClassificationTask) -> list[tuple[str, ...]]:
    """Return the lines of one task: float, then every width by every method."""
    rows = [row(task, "float", float_metrics(task), "-")]
    for bits in BITS:
        name = "/".join(map(str, bits))
        rows += [row(task, name, integer_metrics(task, bits, method), method) for method in METHODS]
    return rows


def measured_table() -> str:
    """Run everything and return the table."""
    rows = [line for task in (japanese_vowels(), wafer()) for line in measured_rows(task)]
    return table(("task", "bits: weights/converters", "method", "accuracy", "recall of the rare class"), rows)


def random_lstm(random: np.random.Generator, heavy: bool) -> tuple[Network, np.ndarray, np.ndarray]:
    """Return an LSTM with random sizes and Gaussian weights, inputs to calibrate it with, and others to test it with.

    ``heavy``: one number in a hundred of the inputs is ten times larger, as spikes of a sensor are.
    """
    features, units = (int(size) for size in random.integers(4, 33, 2))
    shapes = ((features, 4 * units), (units, 4 * units), (4 * units,))
    layer = lstm(*(random.normal(size=shape) / np.sqrt(shape[0] if len(shape) > 1 else 4) for shape in shapes))
    x = random.normal(size=(2, 8, 50, features))
    spikes = np.where(random.random(x.shape) < 0.01, 10.0, 1.0) if heavy else 1.0
    return Network((layer,)), *(x * spikes)


def signal_to_noise(bits: tuple[int, int], method: str, heavy: bool) -> float:
    """Return the median signal to noise in decibel of random LSTMs' outputs on inputs that they were not calibrated with."""
    random, ratios = np.random.default_rng(SEED), []
    for _ in range(NETWORKS):
        network, calibration, x = random_lstm(random, heavy)
        wanted = network(x)
        error = Engine(quantize(network, calibration, hardware(*bits), method)).run(x) - wanted
        ratios.append(10 * np.log10(np.sum(wanted**2) / np.sum(error**2)))
    return float(np.median(ratios))


def methods_table() -> str:
    """Measure random LSTMs by every method and return the table."""
    rows = []
    for heavy in (False, True):
        for bits in BITS:
            ratios = [f"{signal_to_noise(bits, method, heavy):.1f}" for method in METHODS]
            rows.append(("with spikes" if heavy else "Gaussian", "/".join(map(str, bits)), *ratios))
    return table(("inputs", "bits: weights/converters", *(f"{method}, dB" for method in METHODS)), rows)


def main() -> None:
    """Write both tables."""
    page = fill(PAGE.read_text(), "accuracy", measured_table())
    PAGE.write_text(fill(page, "methods", methods_table()))


if __name__ == "__main__":
    main()
