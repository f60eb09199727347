"""The tables of ``docs/image.md`` and ``docs/numerics.md``: records of the image, operations and functions, from their tables."""

from __future__ import annotations

from fxlstm.program import layout, operations
from generators.pages import fill, table


def image_page(present: str) -> str:
    """Return the page of the image format with its records renewed."""
    return fill(present, "records", "\n".join([_record(record) for record in layout.RECORDS] + [_sections()]))


def numerics_page(present: str) -> str:
    """Return the page of the arithmetic with its tables of operations and functions renewed."""
    kinds = [(kind.code, kind.name, ", ".join(kind.operands), f"`{kind.meaning}`") for kind in operations.OPERATIONS]
    functions = [
        (function.code, function.name, f"Q{15 - function.result_fraction}.{function.result_fraction}", function.meaning)
        for function in operations.FUNCTIONS
    ]
    present = fill(present, "operations", table(("code", "operation", "operands", "result"), kinds))
    return fill(present, "functions", table(("code", "function", "result", "meaning"), functions))


def _record(record: layout.Record) -> str:
    rows, offset = [], 0
    for field in record.fields:
        rows.append((offset, field.type, f"`{field.name}`", field.meaning))
        offset += field.size
    return f"### {record.name}, {record.format.size} bytes\n\n" + table(("offset", "type", "field", "meaning"), rows) + "\n"


def _sections() -> str:
    rows = [(kind, name, layout.ELEMENT_SIZES.get(name, "weight_bits / 8")) for name, kind in layout.SECTIONS.items()]
    return "### Section kinds\n\n" + table(("kind", "section", "bytes per element"), rows)
