"""Every status code that C code can return, with the words a person reads: the one table.

``tools/generate.py`` writes the C enumeration from it; :func:`fxlstm.errors.from_status` turns a code into an
exception. Codes are part of the link protocol, so a number once published keeps its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """One outcome: its number, its C symbol without prefix, the part that broke, what to say about it.

    ``detail``: what the number is that the board sends with it, with its unit; "" when it means nothing.
    """

    code: int
    symbol: str
    part: str
    words: str
    detail: str = ""


STATUSES: tuple[Status, ...] = (
    Status(0, "OK", "", "done"),
    # the image (core/loader)
    Status(1, "IMAGE_SHORT", "image", "the image ends before its header says it does; copy the whole file again"),
    Status(2, "IMAGE_MAGIC", "image", "the bytes are not an .fxl image; check the file's name"),
    Status(3, "IMAGE_VERSION", "image", "the image has another format version; save the program again with this release"),
    Status(4, "IMAGE_CRC", "image", "the image was altered or damaged; its CRC-32 does not match; copy it again"),
    Status(5, "IMAGE_ALIGNMENT", "image", "the image does not start on an 8-byte boundary; load it into aligned memory"),
    Status(6, "IMAGE_HEADER", "image", "the header holds a value out of range; save the program again"),
    Status(7, "IMAGE_SECTIONS", "image", "the section table points outside the image or sections overlap"),
    Status(8, "IMAGE_ARENA", "image", "the arena section does not match the header"),
    Status(9, "IMAGE_OPERATIONS", "image", "an operation has an unknown code, a slice outside the arena, or a shift out of range"),
    Status(10, "IMAGE_MATRICES", "image", "a matrix record points outside its weights, scales or tiles"),
    Status(11, "IMAGE_TILES", "image", "a tile lies outside its matrix or the array, or the tiles do not cover the matrix once"),
    Status(12, "IMAGE_WEIGHTS", "image", "a weight exceeds the number of levels"),
    Status(13, "IMAGE_SCALES", "image", "a column's scale could overflow 64 bits"),
    Status(14, "IMAGE_SWEEPS", "image", "a sweep reads what no earlier one gives, or the sweeps do not share out the operations"),
    Status(15, "IMAGE_PHASES", "image", "the phases are out of order, or a sweep does not fit its place in its phase"),
    # the executor (core/executor)
    Status(32, "MEMORY", "program", "the memory given is smaller than the program needs"),
    Status(33, "ARGUMENT", "program", "an argument is out of range"),
    Status(34, "ARRAY_NEEDS_ADC", "program", "a program without an ADC stage cannot run on an array; quantize with adc_bits"),
    Status(35, "ARRAY_FAILED", "program", "the array could not multiply"),
    Status(36, "WHOLE_SEQUENCE", "program", "a bidirectional network needs its whole sequence; run it instead of stepping"),
    Status(
        37,
        "SEQUENCE_TOO_LONG",
        "program",
        "the sequence is longer than the memory for it; give a shorter one",
        "timesteps that fit",
    ),
    # the link (core/frame, firmware/app)
    Status(64, "FRAME_COBS", "link", "a frame is not valid COBS"),
    Status(65, "FRAME_CRC", "link", "a frame failed its CRC-32"),
    Status(66, "FRAME_LENGTH", "link", "a frame is longer or shorter than its message allows", "bytes"),
    Status(67, "UNKNOWN_MESSAGE", "link", "the board does not know this message; flash the firmware of this release", "message"),
    Status(68, "STALE_SESSION", "link", "another host has opened the board since; reconnect"),
    Status(69, "OUT_OF_ORDER", "link", "a request arrived before the one it follows", "request expected"),
    # the board (firmware)
    Status(96, "BUSY", "board", "the board is running a campaign; wait for it or stop it"),
    Status(97, "LIMIT_VOLTAGE", "board", "a voltage exceeds the board's limit; lower it", "mV asked for"),
    Status(
        98,
        "LIMIT_PULSES",
        "board",
        "a cell has used up its pulses; choose another cell",
        "cell, counted row by row,",
    ),
    Status(99, "LIMIT_ENERGY", "board", "a pulse carries too much energy; shorten it or lower its voltage", "nJ asked for"),
    Status(100, "RANGE", "board", "a row, column or range index lies outside the board", "index"),
    Status(101, "OBJECT_UNKNOWN", "board", "the board has no object of this kind"),
    Status(102, "OBJECT_TOO_LARGE", "board", "the object does not fit the board's memory", "bytes at most"),
    Status(103, "OBJECT_INCOMPLETE", "board", "the object has not arrived whole; send the rest", "bytes arrived"),
    Status(104, "OBJECT_CRC", "board", "the object's CRC-32 does not match; send it again"),
    Status(105, "NO_PROGRAM", "board", "the board holds no program; send one first"),
    Status(106, "NO_TARGET", "board", "the board holds no target map; send one first"),
    Status(107, "DAC_ECHO", "board", "a DAC did not echo its last frame; check its chip select, supply and wiring", "chip select"),
    Status(108, "ADC_CRC", "board", "an ADC frame failed its CRC-16; check the SPI wiring and clock", "chip select"),
    Status(109, "ADC_BUSY", "board", "an ADC stayed busy; check CONVST, BUSY and the supply"),
    Status(110, "ADC_IDENTITY", "board", "an ADC did not answer with its identity; check that the chip is there", "chip select"),
    Status(111, "SAFE_IDLE", "board", "the board went to safe idle because the host fell silent; open the board again"),
    Status(112, "SCHEME", "board", "a parameter of the programming scheme is out of range"),
    Status(113, "LIMIT_WIDTH", "board", "a pulse is longer than the limit; shorten it", "us asked for"),
    Status(
        114,
        "ROW_STUCK",
        "board",
        "a current flows with all rows at 0 V, so a row's output stays at a voltage; `fxlstm board selftest` names it",
    ),
)

BY_CODE: dict[int, Status] = {status.code: status for status in STATUSES}
