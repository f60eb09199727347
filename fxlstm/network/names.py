"""Names that tell the layers of a network apart."""

from __future__ import annotations

from collections.abc import Sequence


def unique(names: Sequence[str]) -> list[str]:
    """Return the names, numbered where one occurs more than once."""
    found: list[str] = []
    for name in names:
        label, number = name, 1
        while names.count(label) > 1 or label in found:
            label, number = f"{name}-{number}", number + 1
        found.append(label)
    return found
