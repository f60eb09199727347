"""A seeded generator, and a network of the published airline geometry."""

import numpy as np
import pytest
from networks import random_dense, random_lstm

from fxlstm.network import Network


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def airline_shaped(rng: np.random.Generator) -> Network:
    return Network((random_lstm(rng, 1, 15), random_dense(rng, 15, 1)))
