"""The bytes of an ``.fxl`` image back to a :class:`Program`, trusting nothing (rules: docs/image.md)."""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from fxlstm.errors import FxlstmError, ImageError
from fxlstm.program import layout
from fxlstm.program.formats import UNIT_FRACTION
from fxlstm.program.hardware import Hardware
from fxlstm.program.image.rules import check, even
from fxlstm.program.image.sweep_rules import check_parts, check_sweeps, refuse
from fxlstm.program.operations import FUNCTION_BY_CODE, OPERATION_BY_CODE
from fxlstm.program.program import Codes, Matrix, Operation, Parts, Program, Slice, Sweep, Tile, phases_of

MAX_FRACTION_MAGNITUDE = 1000  # 2.0**fraction stays a float
_KIND_NAMES = {kind: name for name, kind in layout.SECTIONS.items()}

_SCALES = np.dtype([(field.name, f"<{field.type[0]}{field.size}") for field in layout.SCALE.fields])

Row = dict[str, int]
T = TypeVar("T")


def load(path: str | os.PathLike[str]) -> Program:
    """Read and check an image. Raises :class:`ImageError` naming the file and what is wrong."""
    try:
        image = Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}; check the path") from error
    try:
        return from_bytes(image)
    except ImageError as error:
        raise ImageError(f"{path}: {error}", error.code) from error


def from_bytes(image: bytes) -> Program:
    """Return the program of an image. Raises :class:`ImageError`, naming the section, unless every rule of docs/image.md holds."""
    header = _read_header(image)
    _check_crc(image, header)
    _check_header(header)
    program = _read_program(image, header)
    check(program)
    return program


def from_checked_bytes(image: bytes) -> Program:
    """Return the program of an image that the C side has found right: its checksum and weights are taken as they are."""
    return _read_program(image, _read_header(image))


def _read_program(image: bytes, header: Row) -> Program:
    sections = _read_sections(image, header)
    arena = np.frombuffer(sections["arena"], dtype="<i2").astype(np.int16)
    if len(arena) != header["arena_length"] or not len(arena):
        refuse("IMAGE_ARENA", f"{len(arena)} codes, but the header says {header['arena_length']}")
    return _build(header, sections, arena, _read_metadata(bytes(sections["metadata"])))


def _row(record: layout.Record, content: bytes | memoryview, offset: int = 0) -> Row:
    return dict(zip(record.names, record.format.unpack_from(content, offset), strict=True))


def _rows(name: str, content: memoryview) -> list[Row]:
    record = layout.SECTION_RECORDS[name]
    return [_row(record, content, offset) for offset in range(0, len(content), record.format.size)]


def _read_header(image: bytes) -> Row:
    if len(image) < layout.HEADER.format.size:
        refuse("IMAGE_SHORT", f"{len(image)} bytes")
    header = _row(layout.HEADER, image)
    if header["magic"] != layout.MAGIC:
        refuse("IMAGE_MAGIC", f"magic 0x{header['magic']:08X}")
    if header["version"] != layout.VERSION:
        refuse("IMAGE_VERSION", f"version {header['version']}, this release reads {layout.VERSION}")
    if len(image) < header["size"] or header["size"] < layout.HEADER.format.size:
        refuse("IMAGE_SHORT", f"{len(image)} bytes, header says {header['size']}")
    return header


def _check_crc(image: bytes, header: Row) -> None:
    found = zlib.crc32(bytes(4), zlib.crc32(image[: layout.CRC_OFFSET]))
    found = zlib.crc32(memoryview(image)[layout.CRC_OFFSET + 4 : header["size"]], found)
    if found != header["crc"]:
        refuse("IMAGE_CRC", f"CRC-32 0x{found:08X}, header says 0x{header['crc']:08X}")


def _check_header(header: Row) -> None:
    levels, width = header["levels"], header["weight_bits"]
    bits_right = 2 <= header["dac_bits"] <= 16 and (header["adc_bits"] == 0 or 2 <= header["adc_bits"] <= 16)
    width_right = width == 16 or (width == 8 and levels <= layout.NARROW_LEVELS)
    if not (header["pairing"] < len(layout.PAIRINGS) and bits_right and width_right and 2 <= levels <= 32768):
        names = ("levels", "dac_bits", "adc_bits", "pairing", "weight_bits")
        refuse("IMAGE_HEADER", ", ".join(f"{name} {header[name]}" for name in names))


def _element_size(name: str, header: Row) -> int:
    return header["weight_bits"] // 8 if name == "weights" else layout.ELEMENT_SIZES[name]


def _read_sections(image: bytes, header: Row) -> dict[str, memoryview]:
    sections = dict.fromkeys(layout.SECTIONS, memoryview(b""))
    seen = set()
    position = layout.HEADER.format.size + header["section_count"] * layout.SECTION.format.size
    if position > header["size"]:
        refuse("IMAGE_SECTIONS", f"{header['section_count']} sections in {header['size']} bytes")
    for index in range(header["section_count"]):
        section = _row(layout.SECTION, image, layout.HEADER.format.size + index * layout.SECTION.format.size)
        name = _KIND_NAMES.get(section["kind"])
        end = section["start"] + section["size"]
        if name is None or name in seen or section["reserved"]:
            refuse("IMAGE_SECTIONS", f"section {index} of kind {section['kind']}, unknown, repeated or with a reserved field set")
        if (
            section["start"] % layout.ALIGNMENT
            or section["start"] < position
            or end > header["size"]
            or section["size"] % _element_size(name, header)
        ):
            refuse("IMAGE_SECTIONS", f"section {index} ({name}) at {section['start']}, {section['size']} bytes")
        seen.add(name)
        sections[name] = memoryview(image)[section["start"] : end]
        position = end
    return sections


def _read_metadata(content: bytes) -> dict[str, Any]:
    try:
        metadata = json.loads(content) if content else {}
    except (ValueError, RecursionError) as error:
        raise ImageError(f"the metadata section is not JSON ({error}); save the program again") from error
    if not isinstance(metadata, dict):
        raise ImageError(f"the metadata section holds a {type(metadata).__name__}, not an object; save the program again")
    return metadata


def _build(header: Row, sections: dict[str, memoryview], arena: Codes, metadata: dict[str, Any]) -> Program:
    matrices = _rows("matrices", sections["matrices"])
    names = _described(metadata, "matrices", [f"matrix {index}" for index in range(len(matrices))], _names(len(matrices)))
    sweeps = tuple(_sweep(index, row) for index, row in enumerate(_rows("sweeps", sections["sweeps"])))
    check_sweeps(sweeps, header["arena_length"], len(sections["operations"]) // layout.ELEMENT_SIZES["operations"])
    return Program(
        hardware=_hardware(header, metadata),
        arena=arena,
        operations=tuple(_operation(index, row) for index, row in enumerate(_rows("operations", sections["operations"]))),
        matrices=tuple(_matrix(name, row, header, sections) for name, row in zip(names, matrices, strict=True)),
        sweeps=sweeps,
        inputs=_ends(metadata, "inputs", [phase.input for phase in phases_of(sweeps)]),
        outputs=_ends(metadata, "outputs", [phase.output for phase in phases_of(sweeps)]),
        slices=_described(metadata, "slices", (), lambda rows: tuple(_slice(row) for row in rows)),
        metadata=_described(metadata, "metadata", {}, dict),
    )


def _described(metadata: dict[str, Any], key: str, default: T, convert: Callable[[Any], T]) -> T:
    """Return ``convert(metadata[key])``, the default where it is absent; an error names the key."""
    if key not in metadata:
        return default
    try:
        return convert(metadata[key])
    except (KeyError, TypeError, ValueError, OverflowError, FxlstmError) as error:
        raise ImageError(f"the metadata section's {key!r} is not usable ({error}); save the program again") from error


def _names(count: int) -> Callable[[Sequence[str]], list[str]]:
    def convert(names: Sequence[str]) -> list[str]:
        if len(names) != count:
            raise ValueError(f"{len(names)} names for {count} matrices")
        return [str(name) for name in names]

    return convert


def _slice(values: dict[str, Any]) -> Slice:
    """Return a slice whose numbers are numbers and whose scale can be divided by."""
    start, length, fraction = (int(values[key]) for key in ("start", "length", "fraction"))
    part = Slice(str(values["name"]), start, length, fraction, float(values["scale"]))
    if not (math.isfinite(part.scale) and part.scale > 0 and abs(part.fraction) <= MAX_FRACTION_MAGNITUDE):
        raise ValueError(f"{part.name}: scale {part.scale}, fraction {part.fraction}")
    return part


def _hardware(header: Row, metadata: dict[str, Any]) -> Hardware:
    in_header: dict[str, Any] = {
        "levels": header["levels"],
        "dac_bits": header["dac_bits"],
        "adc_bits": header["adc_bits"] or None,
        "pairing": layout.PAIRINGS[header["pairing"]],
    }
    hardware = _described(metadata, "hardware", Hardware(**in_header), lambda values: Hardware(**values))
    for name, value in in_header.items():
        if getattr(hardware, name) != value:
            raise ImageError(
                f"the metadata section says {name} = {getattr(hardware, name)}, the header {value}; save the program again"
            )
    if (hardware.rows, hardware.columns) != (header["array_rows"], header["array_columns"]):
        size = f"{header['array_rows']} x {header['array_columns']}"
        refuse("IMAGE_HEADER", f"an array of {size}, but board {hardware.board!r} has {hardware.rows} x {hardware.columns}")
    return hardware


def _ends(metadata: dict[str, Any], key: str, places: Sequence[tuple[int, int]]) -> tuple[Parts, ...]:
    """Return the parts of every phase's input or output: as described, else one part each in Q0.15."""
    plain: tuple[Parts, ...] = tuple((Slice(key[:-1], *place, UNIT_FRACTION),) if place[1] else () for place in places)
    described = _described(metadata, key, plain, lambda phases: tuple(tuple(_slice(part) for part in parts) for parts in phases))
    if not check_parts(described, places):
        raise ImageError(f"the metadata section's {key!r} contradicts the sweeps; save the program again")
    return described


def _operation(index: int, row: Row) -> Operation:
    kind = OPERATION_BY_CODE.get(row["code"])
    function = FUNCTION_BY_CODE.get(row["function"])
    if kind is None or (kind.name == "activate" and function is None):
        refuse("IMAGE_OPERATIONS", f"operation {index}: code {row['code']}, function {row['function']}")
    is_activate = kind.name == "activate" and function is not None
    used = {name: value for name, value in row.items() if name not in ("code", "function")}
    return Operation(kind=kind.name, function=function.name if is_activate and function else "sigmoid", **used)


def _sweep(index: int, row: Row) -> Sweep:
    if row["reverse"] > 1 or row["returns_last"] > 1 or row["reserved"]:
        refuse(
            "IMAGE_SWEEPS", f"sweep {index}: reverse {row['reverse']}, returns_last {row['returns_last']} or a reserved field set"
        )
    values: dict[str, Any] = {part.name: row[part.name] for part in fields(Sweep)}
    return Sweep(**values | {name: bool(row[name]) for name in ("reverse", "returns_last")})


def _matrix(name: str, row: Row, header: Row, sections: dict[str, memoryview]) -> Matrix:
    rows, columns, stride = row["rows"], row["columns"], row["stride"]
    counts = {section: len(sections[section]) // _element_size(section, header) for section in ("weights", "scales", "tiles")}
    inside = (
        row["weights"] + stride * columns <= counts["weights"]
        and row["scales"] + columns <= counts["scales"]
        and row["tiles"] + row["tile_count"] <= counts["tiles"]
    )
    if not inside or rows < 1 or columns < 1 or stride != even(rows) or row["weights"] % 2 or row["reserved"]:
        refuse("IMAGE_MATRICES", f"{name}: {row}")
    size = _element_size("weights", header)
    weights = np.frombuffer(sections["weights"], dtype=f"<i{size}", count=stride * columns, offset=size * row["weights"])
    by_column = weights.reshape(columns, stride).astype(np.int16, copy=False)
    if by_column[:, rows:].any():
        refuse("IMAGE_WEIGHTS", f"{name}: a padding weight is not 0")
    scales = np.frombuffer(_cut(sections, "scales", row["scales"], columns), dtype=_SCALES)
    bias, mantissa, shift = (scales[key].astype(np.int64) for key in ("bias", "mantissa", "shift"))
    tiles = tuple(_tile(name, tile) for tile in _rows("tiles", _cut(sections, "tiles", row["tiles"], row["tile_count"])))
    return Matrix(name, by_column[:, :rows].T, mantissa, shift, bias, tiles)


def _cut(sections: dict[str, memoryview], name: str, first: int, count: int) -> memoryview:
    size = layout.ELEMENT_SIZES[name]
    return sections[name][first * size : (first + count) * size]


def _tile(name: str, row: Row) -> Tile:
    if row["reserved"] or row["reserved2"]:
        refuse("IMAGE_TILES", f"{name}: a reserved field of a tile is not 0")
    return Tile(**{part.name: row[part.name] for part in fields(Tile)})
