"""A small task on small plans, and what a sweep of it gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fxlstm as fx
from fxlstm.sweep import Plan, SequenceTask
from fxlstm.sweep.plan import read_plan

PLAN = """
task = "small"
seeds = [1, 2, 3]

[hardware]
levels = [16, 256]

[device]
read.noise = [0.0, 0.05]
set.noise = { distribution = "uniform", low = 1, high = 4 }
"""


@pytest.fixture(scope="session")
def plan() -> Plan:
    return read_plan(PLAN)


@pytest.fixture(scope="session")
def network() -> fx.Network:
    random = np.random.default_rng(1)
    lstm = fx.lstm(random.normal(size=(1, 8)), random.normal(size=(2, 8)), np.zeros(8))
    return fx.Network((lstm, fx.dense(random.normal(size=(2, 1)), np.zeros(1))))


@pytest.fixture(scope="session")
def task(network) -> SequenceTask:
    x = np.random.default_rng(2).uniform(-1, 1, (4, 6, 1))
    return SequenceTask("small", network, x, x, network(x))


@pytest.fixture
def results(tmp_path) -> Path:
    return tmp_path / "results.parquet"
