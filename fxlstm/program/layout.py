"""Byte layout of the ``.fxl`` image: the one table of its records.

The reader, the writer, ``fxlstm/core/layout.h`` and the tables of ``docs/image.md`` come from here.
Everything is little-endian; every record size is a multiple of 8, every section starts on an 8-byte boundary.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property

MAGIC = 0x4D4C5846  # "FXLM" read as a little-endian u32
VERSION = 3
ALIGNMENT = 8  # bytes: of the image in memory and of every section in the image
PAIRINGS = ("adjacent", "halves", "columns")  # header field "pairing"; what they are: pairs.py

_FORMATS = {"u8": "B", "u16": "H", "u32": "I", "i32": "i", "i64": "q"}


@dataclass(frozen=True)
class Field:
    """One field of a record: C type, name, meaning."""

    type: str
    name: str
    meaning: str

    @property
    def size(self) -> int:
        """Bytes."""
        return struct.calcsize(_FORMATS[self.type])


@dataclass(frozen=True)
class Record:
    """A fixed-size record; ``pack`` and ``unpack`` keep the order of ``fields``."""

    name: str
    fields: tuple[Field, ...]

    @cached_property
    def format(self) -> struct.Struct:
        """The ``struct`` of one record: little-endian, no padding."""
        return struct.Struct("<" + "".join(_FORMATS[field.type] for field in self.fields))

    @property
    def names(self) -> tuple[str, ...]:
        """Field names in order."""
        return tuple(field.name for field in self.fields)


HEADER = Record(
    "header",
    (
        Field("u32", "magic", "the bytes 'FXLM'"),
        Field("u16", "version", "format version"),
        Field("u16", "section_count", "entries of the section table that follows the header"),
        Field("u32", "size", "bytes of the whole image"),
        Field("u32", "crc", "CRC-32 (IEEE) of the whole image with this field zero"),
        Field("u32", "arena_length", "codes of working memory of one sequence"),
        Field("u16", "array_rows", "physical rows of each array the tiles were placed on"),
        Field("u16", "array_columns", "physical columns of each array"),
        Field("u32", "levels", "conductance levels L; weights lie in -(L-1)..L-1"),
        Field("u8", "dac_bits", "2..16, resolution of what drives the rows"),
        Field("u8", "adc_bits", "2..16, or 0: no ADC stage, digital use only"),
        Field("u8", "pairing", "a weight's two devices: 0 rows side by side, 1 rows in two halves, 2 columns side by side"),
        Field("u8", "weight_bits", "8 or 16, of an element of the weights section; 8 only up to 128 levels"),
    ),
)

SECTION = Record(
    "section",
    (
        Field("u32", "kind", "see the section kinds"),
        Field("u32", "start", "byte offset from the start of the image, a multiple of 8"),
        Field("u32", "size", "bytes, without padding"),
        Field("u32", "reserved", "zero"),
    ),
)

OPERATION = Record(
    "operation",
    (
        Field("u8", "code", "which operation (program/operations.py)"),
        Field("u8", "function", "activate: which function"),
        Field("u8", "fraction", "activate: fraction bits of the operand, 0..15"),
        Field("u8", "shift", "right shift with rounding"),
        Field("u8", "shift_ab", "left shift of the first term"),
        Field("u8", "shift_cd", "left shift of the second term"),
        Field("u16", "matrix", "multiply: which matrix"),
        Field("u32", "length", "codes of the result; multiply: columns of the matrix"),
        Field("u32", "result", "arena index of the result"),
        Field("u32", "a", "arena index"),
        Field("u32", "b", "arena index"),
        Field("u32", "c", "arena index"),
        Field("u32", "d", "arena index"),
    ),
)

MATRIX = Record(
    "matrix",
    (
        Field("u32", "rows", "logical rows: inputs of the product"),
        Field("u32", "columns", "outputs of the product"),
        Field("u32", "stride", "weights from one column to the next: rows rounded up to even"),
        Field("u32", "weights", "index of the first weight in the weights section, even"),
        Field("u32", "scales", "index of the first column's record in the scales section"),
        Field("u32", "tiles", "index of the first tile"),
        Field("u32", "tile_count", "number of tiles; 0 in a digital program"),
        Field("u32", "reserved", "zero"),
    ),
)

TILE = Record(
    "tile",
    (
        Field("u32", "row", "first logical row in the matrix"),
        Field("u32", "rows", "logical rows; twice as many physical rows where pairs are of rows"),
        Field("u32", "column", "first column in the matrix"),
        Field("u32", "columns", "columns; twice as many physical columns where pairs are of columns"),
        Field("u16", "gain", "mantissa of the front end's gain"),
        Field("u8", "gain_shift", "ADC code = gain * accumulator >> gain_shift"),
        Field("u8", "align", "left shift of the ADC code before tiles add"),
        Field("u8", "range", "front-end range, 0 the finest"),
        Field("u8", "array", "which array, when several serve one program"),
        Field("u16", "reserved", "zero"),
        Field("u16", "array_row", "first physical row"),
        Field("u16", "array_column", "first physical column"),
        Field("u32", "reserved2", "zero"),
    ),
)

SCALE = Record(
    "scale",
    (
        Field("i64", "bias", "added before rounding, in units of the result times 2**-shift"),
        Field("i32", "mantissa", "0..2**31-1"),
        Field("u32", "shift", "result = sat(round(sum * mantissa + bias, shift)), 0..62"),
    ),
)

SWEEP = Record(
    "sweep",
    (
        Field("u32", "operations", "how many; they follow those of the sweep before"),
        Field("u32", "step_operations", "the first of them, run whenever the sweep runs; the rest run when an output is wanted"),
        Field("u8", "reverse", "1: from the last timestep to the first"),
        Field("u8", "returns_last", "1: the phase that ends here gives the output of its last timestep only"),
        Field("u16", "phase", "which phase it belongs to, 0 the first"),
        Field("u32", "period", "its operations run at timesteps t with (t + 1) % period == 0"),
        Field("u32", "source", "first code it reads of a timestep's record"),
        Field("u32", "input_start", "arena index of what it reads"),
        Field("u32", "input_length", "codes that it reads; 0: it takes what stands in the arena"),
        Field("u32", "output_start", "arena index of what it gives: to the record, or as the phase's output where it ends one"),
        Field("u32", "output_length", "codes that it gives"),
        Field("u32", "reserved", "zero"),
    ),
)

RECORDS: tuple[Record, ...] = (HEADER, SECTION, OPERATION, MATRIX, TILE, SCALE, SWEEP)

# Section kinds. Each stands at most once; metadata may be absent, and the device does not read it.
SECTIONS: dict[str, int] = {
    "arena": 1,  # int16: the arena's contents at reset
    "operations": 2,
    "matrices": 3,
    "tiles": 4,
    "weights": 5,  # integers of the header's weight_bits, column after column
    "scales": 6,
    "sweeps": 7,  # at least one
    "metadata": 8,  # UTF-8 JSON for people and the host: names, formats, scales of input and output, provenance
}

SECTION_RECORDS: dict[str, Record] = {"operations": OPERATION, "matrices": MATRIX, "tiles": TILE, "scales": SCALE, "sweeps": SWEEP}
ELEMENT_SIZES: dict[str, int] = {  # bytes; of weights, the header says it
    "arena": 2,
    "metadata": 1,
    **{name: record.format.size for name, record in SECTION_RECORDS.items()},
}
CRC_OFFSET = sum(field.size for field in HEADER.fields[: HEADER.names.index("crc")])
NARROW_LEVELS = 128  # up to so many, weights fit 8 bits


def weight_bits(levels: int) -> int:
    """Return the bits of an element of the weights section that hold ``-(levels - 1)..levels - 1``."""
    return 8 if levels <= NARROW_LEVELS else 16
