"""Options of the whole test suite."""

from __future__ import annotations

import pytest
from hypothesis import settings

# A shared machine may be slow for a moment; a hanging test is ended by pytest-timeout.
settings.register_profile("fxlstm", deadline=None)
settings.load_profile("fxlstm")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--programs", type=int, default=10_000, help="random programs of the conformance suite (default 10000)")
    parser.addoption("--importers", type=int, default=18, help="random models of PyTorch, Keras and ONNX to import (default 18)")
