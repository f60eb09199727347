"""Small networks with random weights, and smooth inputs for them."""

import numpy as np

from fxlstm.network import Layer, dense, lstm


def random_lstm(rng: np.random.Generator, inputs: int, units: int, spread: float = 2.0) -> Layer:
    bound = spread / np.sqrt(units)
    return lstm(
        rng.uniform(-bound, bound, (inputs, 4 * units)),
        rng.uniform(-bound, bound, (units, 4 * units)),
        rng.uniform(-bound, bound, 4 * units),
    )


def random_dense(rng: np.random.Generator, inputs: int, units: int, activation: str = "linear") -> Layer:
    return dense(rng.normal(size=(inputs, units)), rng.normal(size=units), activation)  # type: ignore[arg-type]


def waves(timesteps: int, features: int, rng: np.random.Generator) -> np.ndarray:
    phase = rng.uniform(0, 6.28, features)
    return np.sin(np.arange(timesteps)[:, np.newaxis] / rng.uniform(3, 9, features) + phase)
