"""Fixtures of the crossbar tests."""

from __future__ import annotations

import pytest
from crossbar_programs import airline_program

from fxlstm.program.program import Program


@pytest.fixture(scope="session")
def airline() -> Program:
    return airline_program()
