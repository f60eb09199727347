"""Fixtures of the firmware tests."""

from __future__ import annotations

import pytest
from device import Device


@pytest.fixture
def device() -> Device:
    """A board with an ideal array, its session open."""
    return Device().open()
