from __future__ import annotations

from collections.abc import Callable

import pytest
import serial
from model_board import ModelBoard

from fxlstm.board.link import Link


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Link]:
    """Open a link to a model board."""

    def open_link(board: ModelBoard, **options: object) -> Link:
        monkeypatch.setattr(serial, "serial_for_url", lambda *_, **__: board)
        return Link("model://", **options)  # type: ignore[arg-type]

    return open_link
