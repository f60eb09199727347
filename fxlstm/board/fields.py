"""What the protocol's table is made of: fields, and the messages and events that they make up."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache

_SCALARS = {"u8": "B", "u16": "H", "u32": "I", "i16": "h", "i32": "i"}
_TAILS = {"bytes": 1, "i16s": 2}  # variable length, last field only: bytes per element


@dataclass(frozen=True)
class Field:
    """One field: type (``u8 u16 u32 i16 i32``, or a tail ``bytes`` / ``i16s`` that fills the rest), name, meaning with unit."""

    type: str
    name: str
    meaning: str


@dataclass(frozen=True)
class Message:
    """One request and its answer. ``sessionless`` messages need no session and no order, and change nothing."""

    code: int
    name: str
    request: tuple[Field, ...]
    answer: tuple[Field, ...]
    meaning: str
    sessionless: bool = False


@dataclass(frozen=True)
class Event:
    """Something the board says unasked."""

    code: int
    name: str
    fields: tuple[Field, ...]
    meaning: str


def is_tail(field: Field) -> bool:
    """Whether a field fills the rest of the payload."""
    return field.type in _TAILS


def tail_size(fields: tuple[Field, ...]) -> int:
    """Bytes per element of the tail of a record, 0 when it has none."""
    return _TAILS[fields[-1].type] if fields and is_tail(fields[-1]) else 0


@lru_cache
def fixed_struct(fields: tuple[Field, ...]) -> struct.Struct:
    """The ``struct`` of a record's fields without its tail."""
    return struct.Struct("<" + "".join(_SCALARS[field.type] for field in fields if not is_tail(field)))
