"""C header of the link protocol: codes, message records, and the functions that pack and unpack them."""

from __future__ import annotations

from fxlstm.board import protocol
from fxlstm.board.fields import Field, fixed_struct, is_tail, tail_size
from generators.core import BANNER

_C_TYPES = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "i16": "int16_t", "i32": "int32_t"}

_READ_BY_FIRMWARE = ("header", "gate_scheme", "incremental_scheme", "ladder")  # the other records it writes

_ACCESS = """
static inline uint8_t fw_get_u8(const uint8_t *bytes)
{
    return bytes[0];
}

static inline uint16_t fw_get_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | (unsigned)bytes[1] << 8);
}

static inline uint32_t fw_get_u32(const uint8_t *bytes)
{
    return fw_get_u16(bytes) | (uint32_t)fw_get_u16(bytes + 2) << 16;
}

static inline int16_t fw_get_i16(const uint8_t *bytes)
{
    return (int16_t)fw_get_u16(bytes);
}

static inline int32_t fw_get_i32(const uint8_t *bytes)
{
    return (int32_t)fw_get_u32(bytes);
}

static inline void fw_put_u8(uint8_t *bytes, uint8_t value)
{
    bytes[0] = value;
}

static inline void fw_put_u16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value & 0xFFu);
    bytes[1] = (uint8_t)(value >> 8);
}

static inline void fw_put_u32(uint8_t *bytes, uint32_t value)
{
    fw_put_u16(bytes, (uint16_t)(value & 0xFFFFu));
    fw_put_u16(bytes + 2, (uint16_t)(value >> 16));
}

static inline void fw_put_i16(uint8_t *bytes, int16_t value)
{
    fw_put_u16(bytes, (uint16_t)value);
}

static inline void fw_put_i32(uint8_t *bytes, int32_t value)
{
    fw_put_u32(bytes, (uint32_t)value);
}"""


def _enumeration(prefix: str, codes: dict[str, int]) -> list[str]:
    return ["", "enum {", *(f"    FW_{prefix}_{name.upper()} = {code}," for name, code in codes.items()), "};"]


def _function(signature: str, statements: list[str]) -> list[str]:
    return ["", f"static inline void {signature}", "{", *(f"    {statement}" for statement in statements), "}"]


def _record(name: str, fields: tuple[Field, ...], reads: bool, writes: bool) -> list[str]:
    """Size, struct and functions of the fixed fields; a record without fixed fields has a size only."""
    fixed = [field for field in fields if not is_tail(field)]
    lines = ["", f"#define FW_{name.upper()}_SIZE {fixed_struct(fields).size}u"]
    if not fixed:
        return lines
    members = [
        f"    {_C_TYPES[field.type]} {field.name};" + (f" /* {field.meaning} */" if field.meaning else "") for field in fixed
    ]
    lines += ["typedef struct {", *members, f"}} fw_{name};"]
    offsets, offset = [], 0
    for field in fixed:
        offsets.append(f"bytes + {offset}")
        offset += fixed_struct((field,)).size
    pairs = list(zip(fixed, offsets, strict=True))
    if reads:
        gets = [f"record->{field.name} = fw_get_{field.type}({at});" for field, at in pairs]
        lines += _function(f"fw_unpack_{name}(fw_{name} *record, const uint8_t *bytes)", gets)
    if writes:
        puts = [f"fw_put_{field.type}({at}, record->{field.name});" for field, at in pairs]
        lines += _function(f"fw_pack_{name}(const fw_{name} *record, uint8_t *bytes)", puts)
    return lines


def _message_list() -> list[str]:
    """One X-macro over all messages: what the dispatcher and the length check need."""
    rows = []
    for message in protocol.MESSAGES:
        tail = tail_size(message.request)
        values = (message.name.upper(), message.name, message.code, f"FW_{message.name.upper()}_REQUEST_SIZE")
        rows.append(f"    X({', '.join(map(str, values))}, {int(tail > 0)}, {max(tail, 1)}, {int(message.sessionless)})")
    head = "/* X(NAME, name, code, request size without tail, has a tail, bytes per tail element, sessionless) */"
    return ["", head, "#define FW_MESSAGES(X) \\", " \\\n".join(rows)]


def header(_: str) -> str:
    """Text of firmware/gen/protocol.h."""
    lines = [
        BANNER.format(source="fxlstm/board/protocol.py"),
        "/* Sizes count the fixed fields; a tail (codes, bytes) follows them in the payload. All integers are little-endian. */",
        "/* clang-format off */",
        "#ifndef FW_PROTOCOL_H",
        "#define FW_PROTOCOL_H",
        "",
        "#include <stdint.h>",
        "",
        f"#define FW_PROTOCOL_HASH 0x{protocol.PROTOCOL_HASH:08X}u",
        *(f"#define FW_{name} {value}u /* {meaning} */" for name, (value, meaning) in protocol.CONSTANTS.items()),
    ]
    lines += _enumeration("MESSAGE", {message.name: message.code for message in protocol.MESSAGES})
    lines += _enumeration("EVENT", {event.name: event.code for event in protocol.EVENTS})
    for prefix, codes in protocol.CODES.items():
        lines += _enumeration(prefix.upper(), codes)
    lines += [_ACCESS]
    for name, fields in protocol.RECORDS.items():
        reads = name in _READ_BY_FIRMWARE
        lines += _record(name, fields, reads=reads, writes=not reads or name == "header")
    for message in protocol.MESSAGES:
        lines += _record(f"{message.name}_request", message.request, reads=True, writes=False)
        lines += _record(f"{message.name}_answer", message.answer, reads=False, writes=True)
    for event in protocol.EVENTS:
        lines += _record(f"{event.name}_event", event.fields, reads=False, writes=True)
    return "\n".join([*lines, *_message_list(), "", "#endif", ""])
