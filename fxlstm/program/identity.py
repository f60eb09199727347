"""Which array something was measured on: the same for integer, simulated and real arrays."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """Which array this is: ``kind`` (integer, simulated, board), its size, its device preset and its seed or serial number."""

    kind: str
    rows: int
    columns: int
    device: str
    serial: str
