"""C header of the ADCs' cyclic redundancy checks, four bits at a time: small tables, from the polynomials of the emulated chip."""

from __future__ import annotations

from fxlstm.emulator.chips.crc import CRC8, CRC16, remainders
from generators.core import BANNER


def header(_: str) -> str:
    """Text of firmware/gen/crc.h."""
    tables = [("FW_CRC8_NIBBLES", *CRC8), ("FW_CRC16_NIBBLES", *CRC16)]
    lines = [
        BANNER.format(source="fxlstm/emulator/chips/crc.py"),
        "/* clang-format off */",
        "#ifndef FW_CRC_H",
        "#define FW_CRC_H",
        "",
        "/* Remainder of every value of the highest four bits. */",
    ]
    for name, polynomial, width in tables:
        values = ", ".join(f"0x{value:0{width // 4}X}u" for value in remainders(polynomial, width, bits=4))
        lines.append(f"#define {name} {{{values}}}")
    return "\n".join([*lines, "", "#endif", ""])
