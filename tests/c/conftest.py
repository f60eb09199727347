"""What several C tests run."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_core_in_c import build_timesteps


@pytest.fixture(scope="session")
def timesteps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``tests/c/timesteps.c`` with the core and what hosts have, as an optimizer makes it."""
    return build_timesteps(tmp_path_factory.mktemp("timesteps"))
