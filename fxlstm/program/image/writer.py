"""A program becomes its ``.fxl`` image, written by the record tables of ``layout.py``."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import asdict
from typing import Any

import numpy as np

from fxlstm.errors import ProgramError
from fxlstm.files import write_whole
from fxlstm.program import layout
from fxlstm.program.image.rules import check, even
from fxlstm.program.operations import FUNCTION_BY_NAME, OPERATION_BY_NAME
from fxlstm.program.program import Operation, Program


def save(program: Program, path: str | os.PathLike[str]) -> None:
    """Write the image of ``program``, replacing the file whole or not at all; :class:`ProgramError` where that cannot be done."""
    image = to_bytes(program)
    write_whole(path, lambda file: file.write(image), ProgramError)


def to_bytes(program: Program) -> bytes:
    """Return the image of a program; the same program always gives the same bytes."""
    check(program)
    sections = {"arena": program.arena.astype("<i2").tobytes(), **_pack_matrices(program)}
    sections["operations"] = b"".join(map(_pack_operation, program.operations))
    sections["sweeps"] = b"".join(_pack(layout.SWEEP, vars(sweep)) for sweep in program.sweeps)
    sections["metadata"] = _pack_metadata(program)
    ordered = [(kind, sections[name]) for name, kind in layout.SECTIONS.items()]

    position = layout.HEADER.format.size + len(ordered) * layout.SECTION.format.size
    table, body = b"", b""
    for kind, content in ordered:
        table += layout.SECTION.format.pack(kind, position, len(content), 0)
        body += _padded(content)
        position += len(_padded(content))
    image = bytearray(_pack_header(program, len(ordered), position) + table + body)
    image[layout.CRC_OFFSET : layout.CRC_OFFSET + 4] = zlib.crc32(image).to_bytes(4, "little")
    return bytes(image)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % layout.ALIGNMENT)


def _pack(record: layout.Record, values: dict[str, Any]) -> bytes:
    return record.format.pack(*(int(values.get(name, 0)) for name in record.names))


def _pack_header(program: Program, section_count: int, size: int) -> bytes:
    hardware = program.hardware
    values = {
        "magic": layout.MAGIC,
        "version": layout.VERSION,
        "section_count": section_count,
        "size": size,
        "arena_length": len(program.arena),
        "array_rows": hardware.rows,
        "array_columns": hardware.columns,
        "levels": hardware.levels,
        "dac_bits": hardware.dac_bits,
        "adc_bits": hardware.adc_bits or 0,
        "pairing": layout.PAIRINGS.index(hardware.pairing),
        "weight_bits": layout.weight_bits(hardware.levels),
    }
    return _pack(layout.HEADER, values)


def _pack_operation(operation: Operation) -> bytes:
    values = dict(vars(operation))
    values["code"] = OPERATION_BY_NAME[operation.kind].code
    values["function"] = FUNCTION_BY_NAME[operation.function].code if operation.kind == "activate" else 0
    return _pack(layout.OPERATION, values)


def _pack_matrices(program: Program) -> dict[str, bytes]:
    matrices, tiles, weights, scales = b"", b"", b"", b""
    size = layout.weight_bits(program.hardware.levels) // 8
    for matrix in program.matrices:
        rows, columns = matrix.weights.shape
        values = {
            "rows": rows,
            "columns": columns,
            "stride": even(rows),
            "weights": len(weights) // size,
            "scales": len(scales) // layout.ELEMENT_SIZES["scales"],
            "tiles": len(tiles) // layout.ELEMENT_SIZES["tiles"],
            "tile_count": len(matrix.tiles),
        }
        matrices += _pack(layout.MATRIX, values)
        tiles += b"".join(_pack(layout.TILE, vars(tile)) for tile in matrix.tiles)
        weights += np.pad(matrix.weights, ((0, even(rows) - rows), (0, 0))).T.astype(f"<i{size}").tobytes()
        for bias, mantissa, shift in zip(matrix.bias, matrix.mantissa, matrix.shift, strict=True):
            scales += layout.SCALE.format.pack(int(bias), int(mantissa), int(shift))
    return {"matrices": matrices, "tiles": tiles, "weights": weights, "scales": scales}


def _pack_metadata(program: Program) -> bytes:
    hardware = asdict(program.hardware)
    if not program.hardware.base:
        del hardware["base"]  # an image says it where it counts; others are the bytes that they were without it
    content = {
        "hardware": hardware,
        "inputs": [[asdict(part) for part in parts] for parts in program.inputs],
        "outputs": [[asdict(part) for part in parts] for parts in program.outputs],
        "slices": [asdict(part) for part in program.slices],
        "matrices": [matrix.name for matrix in program.matrices],
        "metadata": program.metadata,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
