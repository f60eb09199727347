"""The tables of ``docs/protocol.md``: codes, records, messages and events, from the protocol table."""

from __future__ import annotations

from collections.abc import Iterable

from fxlstm.board import protocol
from fxlstm.board.fields import Field, Message
from fxlstm.status import STATUSES
from generators.pages import fill, table


def page(present: str) -> str:
    """Return the page with its tables renewed."""
    parts = {
        "constants": _constants(),
        "records": "\n\n".join(f"`{name}`\n\n{_fields(fields)}" for name, fields in protocol.RECORDS.items()),
        "codes": table(("table", "values"), [(name, _values(codes)) for name, codes in protocol.CODES.items()]),
        "messages": "\n\n".join(_message(message) for message in protocol.MESSAGES),
        "events": "\n\n".join(
            f"### Event {event.code}: {event.name}\n\n{event.meaning}\n\n{_fields(event.fields)}" for event in protocol.EVENTS
        ),
        "statuses": table(("code", "name", "meaning"), [(status.code, status.symbol, status.words) for status in STATUSES]),
    }
    for name, text in parts.items():
        present = fill(present, name, text)
    return present


def _constants() -> str:
    rows = [
        ("protocol hash", f"`{protocol.PROTOCOL_HASH:08x}`", "CRC-32 of the whole table; `identify` answers with the board's"),
        *((f"`{name}`", value, meaning) for name, (value, meaning) in protocol.CONSTANTS.items()),
    ]
    return table(("constant", "value", "meaning"), rows)


def _values(codes: dict[str, int]) -> str:
    return ", ".join(f"{code} {name}" for name, code in codes.items())


def _fields(fields: Iterable[Field]) -> str:
    rows = [(f"`{field.type}`", f"`{field.name}`", field.meaning) for field in fields]
    return table(("type", "field", "meaning"), rows) if rows else "Nothing."


def _message(message: Message) -> str:
    note = " Needs no session and no order." if message.sessionless else ""
    request, answer = _fields(message.request), _fields(message.answer)
    return f"### {message.code}: {message.name}\n\n{message.meaning}{note}\n\nRequest:\n\n{request}\n\nAnswer:\n\n{answer}"
