"""The link protocol: every message, field and event, written once.

``tools/generate.py`` writes ``firmware/gen/protocol.h`` and the tables of ``docs/protocol.md`` from it; the host packs and
unpacks by it.
``identify`` answers with :data:`PROTOCOL_HASH`, so a host and a firmware with different tables refuse each other by name.

Frame on the wire: COBS(header, payload, CRC-32 of both) followed by one zero byte. All integers are little-endian.
"""

from __future__ import annotations

import zlib

from fxlstm.board.fields import Event, Field, Message
from fxlstm.board.record_table import RECORDS as RECORDS  # a part of the table
from fxlstm.program.scheme import CELL_STATES, READ_CODE
from fxlstm.program.scheme_parameters import SCHEME_KINDS

MAX_PAYLOAD = 1024  # bytes of payload in one frame
WINDOW = 4  # requests that a host may have in flight; also the number of answers the device keeps for replay
MAX_LOG2_READS = 8  # a reading averages at most 2**8 conversions
NO_CHIP = 255  # in the place of a chip select

# Every single number that both sides must agree on, and its meaning.
CONSTANTS: dict[str, tuple[int, str]] = {
    "MAX_PAYLOAD": (MAX_PAYLOAD, "bytes of payload in one frame"),
    "WINDOW": (WINDOW, "requests in flight at most, and answers kept for replay"),
    "MAX_LOG2_READS": (MAX_LOG2_READS, "a reading averages at most 2**MAX_LOG2_READS conversions"),
    "READ_CODE": (READ_CODE, "row code that reads a conductance"),
    "NO_CHIP": (NO_CHIP, "in the place of a chip select: none"),
}

# Kinds of frame.
KIND_REQUEST = 1  # host to board
KIND_ANSWER = 2  # board to host: the message's answer fields
KIND_ERROR = 3  # board to host: the record "error"
KIND_EVENT = 4  # board to host, unasked, request id 0; may be lost

KINDS: dict[str, int] = {"request": KIND_REQUEST, "answer": KIND_ANSWER, "error": KIND_ERROR, "event": KIND_EVENT}

# Objects that travel in pieces, resume at the offset the board asks for, and are checked by CRC-32 as a whole.
OBJECTS: dict[str, int] = {
    "program": 1,  # an .fxl image
    "target": 2,  # u16 per cell, row after row: conductance units above the scheme's base; 65535 leaves a cell alone
}

CAMPAIGN_STATES: dict[str, int] = {"none": 0, "running": 1, "finished": 2, "stopped": 3, "silenced": 4, "failed": 5}
RUN_FLAGS: dict[str, int] = {
    "reset": 1,  # a new sequence: the arena as at reset, phase 0
    "on_array": 2,  # multiply by the array's cells; of all pieces of a sequence or of none
    "last_piece": 4,  # of the phase
    "select": 8,  # begin the phase named; the arena lives on
    "silent": 16,  # outputs are made and not sent
}
RESET_REASONS: dict[str, int] = {"power": 0, "pin": 1, "watchdog": 2, "fault": 3, "software": 4}
CLOCKS: dict[str, int] = {
    "crystal": 0,
    "no_crystal": 1,  # the internal oscillator, because the crystal did not start
    "no_lock": 2,  # the internal oscillator at its own frequency: nothing can multiply it either
}
SELFTEST_CHIP_KINDS: dict[str, int] = {"row_dac": 0, "gate_dac": 1, "column_adc": 2, "monitor_adc": 3}

# Every table of numbers, under the prefix that the C enumeration gives it.
CODES: dict[str, dict[str, int]] = {
    "kind": KINDS,
    "object": OBJECTS,
    "campaign": CAMPAIGN_STATES,
    "cell": CELL_STATES,
    "scheme": SCHEME_KINDS,
    "run": RUN_FLAGS,
    "selftest": SELFTEST_CHIP_KINDS,
    "reset": RESET_REASONS,
    "clock": CLOCKS,
}

MESSAGES: tuple[Message, ...] = (
    Message(
        1,
        "identify",
        (),
        (
            Field("u32", "protocol_hash", "hash of this table"),
            Field("u32", "serial", "board serial number"),
            Field("u16", "firmware_major", ""),
            Field("u16", "firmware_minor", ""),
            Field("u16", "rows", "rows of the array"),
            Field("u16", "columns", "columns of the array"),
            Field("u16", "max_payload", "bytes"),
            Field("u8", "window", "requests in flight at most"),
            Field("u8", "reset_reason", "RESET_REASONS"),
            Field("u32", "boot_session", "session in force, 0 after a reset"),
            Field("u32", "program_capacity", "bytes of the largest program image"),
            Field("u32", "working_capacity", "bytes of executor memory"),
            Field("u16", "row_millivolts", "largest magnitude on a row while programming"),
            Field("u16", "gate_millivolts", "largest gate voltage"),
            Field("u16", "pulses_per_cell", "pulse budget of a cell since power-up"),
            Field("u16", "pulse_microseconds", "longest pulse"),
            Field("u32", "pulse_nanojoules", "largest energy of one pulse, worst case"),
            Field("u16", "silence_milliseconds", "without a frame for so long the board goes to safe idle"),
            Field("u32", "boot_id", "no two starts of any board share it, but for chance"),
            Field("bytes", "name", "UTF-8 name of the board"),
        ),
        "Who the board is and what it allows. The first request of every connection; its first four fields never change.",
        sessionless=True,
    ),
    Message(
        2,
        "open_session",
        (
            Field("u32", "session", "random, not 0"),
            Field(
                "u32",
                "replaces",
                "the session in force, or where there is none the boot_id, as identify says; with another, as in a late request or "
                "one from before a reset, it is refused",
            ),
        ),
        (Field("u16", "next_request", "request id expected next"),),
        "Take the board. A new session starts at request id 1 and forgets kept answers; the session in force goes on where it was.",
        sessionless=True,
    ),
    Message(3, "keep_alive", (), (Field("u32", "uptime_ms", "milliseconds since power-up"),), "The host is there."),
    Message(
        4,
        "snapshot",
        (),
        (
            Field("u32", "uptime_ms", "milliseconds since power-up"),
            Field("u32", "frames", "frames received whole"),
            Field("u32", "bad_frames", "frames dropped: COBS, length or CRC"),
            Field("u32", "replays", "answers sent again instead of acting again"),
            Field("u32", "pulses", "pulse shots given (one shot may pulse many cells of a row)"),
            Field("u32", "conversions", "ADC conversions"),
            Field("u32", "dac_echo_errors", ""),
            Field("u32", "adc_crc_errors", ""),
            Field("u32", "adc_clipped", "ADC codes at either end of the scale during runs and multiplies"),
            Field("u16", "idles", "times the board went to safe idle by itself"),
            Field("u8", "safe_idle", "1: all outputs are at 0 V since a silence"),
            Field("u8", "campaign_state", "CAMPAIGN_STATES"),
            Field("u32", "program_crc", "CRC-32 of the program held, 0 for none"),
            Field("u32", "target_crc", "CRC-32 of the target map held, 0 for none"),
        ),
        "State and counters of the board.",
    ),
    Message(
        5,
        "object_begin",
        (Field("u8", "object", "OBJECTS"), Field("u32", "size", "bytes"), Field("u32", "crc", "CRC-32 of the whole")),
        (Field("u32", "offset", "where the host is to go on; size when the board has it all"),),
        "Announce an object. The same size and CRC resume what has arrived; others start anew.",
    ),
    Message(
        6,
        "object_write",
        (Field("u8", "object", ""), Field("u32", "offset", "bytes"), Field("bytes", "data", "")),
        (Field("u32", "offset", "offset wanted next; data at another offset is not stored"),),
        "One piece of an object.",
    ),
    Message(
        7,
        "object_finish",
        (Field("u8", "object", ""),),
        (Field("u32", "crc", "CRC-32 of the whole"),),
        "Check the object and put it to use; a program image is opened and its errors are reported.",
    ),
    Message(
        8,
        "read_conductance",
        (
            Field("u16", "row", "first physical row"),
            Field("u8", "rows", "1..7"),
            Field("u8", "range", "front-end range"),
            Field("u8", "log2_reads", "average 2**n conversions, n = 0..MAX_LOG2_READS"),
        ),
        (Field("i16s", "codes", "rows x columns ADC codes; one row at +32767, the others at 0 V, all gates open"),),
        "Measure the conductance of whole rows.",
    ),
    Message(
        9,
        "multiply",
        (Field("u8", "range", "front-end range"), Field("i16s", "codes", "one code per physical row")),
        (Field("i16s", "codes", "one ADC code per column"),),
        "Drive all rows, all gates open, measure all columns once.",
    ),
    Message(
        10,
        "pulse",
        (
            Field("u16", "row", "physical row"),
            Field("i16", "millivolts", "row voltage; positive SETs, negative RESETs"),
            Field("u32", "microseconds", "width"),
            Field("bytes", "gates", "u16 gate DAC code per column, 0 leaves the column alone"),
        ),
        (Field("u32", "pulses", "pulse shots since power-up"),),
        "One pulse on the cells of one row whose gate is open. Irreversible: executed exactly once.",
    ),
    Message(
        11,
        "campaign_scheme",
        (
            Field("u8", "kind", "SCHEME_KINDS"),
            Field("u8", "range", "front-end range of the readings"),
            Field("u8", "log2_reads", "average 2**n conversions for a reading"),
            Field("u8", "passes", "how often all cells are written, 1 or more"),
            Field("u16", "tolerance", "accepted error of a reading, ADC codes"),
            Field("u32", "base_units", "conductance units of target 0"),
            Field("u32", "wait_milliseconds", "time for the cells to relax before each pass but the first"),
            Field("bytes", "parameters", "a record gate_scheme; or incremental_scheme, ladder of SET, ladder of RESET"),
        ),
        (),
        "How cells are to be programmed. Checked against the limits before it is taken.",
    ),
    Message(
        12,
        "campaign_start",
        (Field("u32", "target_crc", "CRC-32 of the target map this campaign is for"),),
        (Field("u8", "resumed", "1: a campaign for the same target goes on where it stood"),),
        "Start or resume programming to the target map. Runs on the board; ask campaign_status.",
    ),
    Message(
        13,
        "campaign_status",
        (),
        (
            Field("u8", "state", "CAMPAIGN_STATES"),
            Field("u8", "chip", "chip select of the chip that failed, or NO_CHIP"),
            Field("u16", "status", "why it failed, a status code"),
            Field("u8", "passes_before", "passes that are done, before the one that the next fields count"),
            Field("u16", "cells", "cells with a target"),
            Field("u16", "in_tolerance", "in this pass"),
            Field("u16", "gave_up", "cells given up in this pass, or out of pulses"),
            Field("u32", "pulses", "cell pulses given in this campaign"),
            Field("u32", "milliseconds", "that this campaign has run, stops left out"),
            Field("u32", "target_crc", ""),
        ),
        "How far the campaign is.",
    ),
    Message(14, "campaign_stop", (), (), "Stop the campaign after the pulse in progress; it can be resumed."),
    Message(
        15,
        "campaign_cells",
        (Field("u16", "row", "physical row"),),
        (Field("bytes", "cells", "per column a record cell_state"),),
        "Per-cell state of one row.",
    ),
    Message(
        16,
        "run",
        (
            Field("u8", "flags", "RUN_FLAGS"),
            Field("u16", "phase", "with select: which phase begins"),
            Field("u16", "further", "timesteps to run beyond those of the codes, on what the operations left at the input"),
            Field("i16s", "codes", "timesteps x input_length of the phase"),
        ),
        (
            Field(
                "i16s",
                "codes",
                "timesteps x output_length of the phase; of one that returns its last, that with last_piece",
            ),
        ),
        "Run one piece of a phase; the state carries over from piece to piece and from phase to phase. A phase that also reads "
        "backward answers from its last piece on; outputs that do not fit that answer are fetched by last pieces without codes. "
        "A run cut short, by safe_idle or by silence, is refused with SAFE_IDLE, and only a reset goes on.",
    ),
    Message(
        17,
        "selftest",
        (),
        (Field("bytes", "chips", "per chip a record chip_result"),),
        "Check every chip on the SPI bus: echo of a DAC; identity, CRC and a frame of samples of an ADC. Outputs stay at 0 V.",
    ),
    Message(18, "safe_idle", (), (), "All rows and gates to 0 V; a running campaign stops."),
    Message(
        19,
        "put_state",
        (Field("u32", "start", "arena index"), Field("i16s", "codes", "codes to stand there")),
        (),
        "Write codes into the arena of the sequence that a run with reset began: initial states. All are written or none.",
    ),
    Message(
        20,
        "get_state",
        (Field("u32", "start", "arena index"), Field("u16", "length", "codes, at most MAX_PAYLOAD / 2")),
        (Field("i16s", "codes", "length codes"),),
        "Read codes of the arena as the last piece left them.",
    ),
    Message(
        21,
        "start_report",
        (),
        (
            Field("u8", "clock", "CLOCKS: what the processor runs on, and why when that is not the crystal"),
            Field("u32", "clock_hertz", "of the processor"),
            Field("u8", "start_chip", "chip select of the first chip that failed as the board came up, or NO_CHIP"),
            Field("u16", "start_status", "why it failed, a status code"),
            Field("u32", "faults", "of the processor since power-up, each followed by a reset; what follows is of the last"),
            Field("u32", "fault_exception", "number of the exception"),
            Field("u32", "fault_pc", "address of the instruction, 0 when the stack could not tell"),
            Field("u32", "fault_lr", "address that its function would have returned to"),
            Field("u32", "fault_status", "the processor's Configurable Fault Status Register"),
            Field("u32", "fault_address", "address that could not be reached, or 0"),
        ),
        "How the board has come to run, and what brought it down before.",
    ),
    Message(
        22,
        "measure_outputs",
        (
            Field("u8", "chip", "chip select of a DAC"),
            Field("u8", "log2_reads", "average 2**n conversions, n = 0..MAX_LOG2_READS"),
            Field("bytes", "outputs", "u16 DAC code per channel of the chip"),
        ),
        (Field("i16s", "codes", "per channel what the monitor's ADC measured"),),
        "Put codes on the outputs of one DAC, everything else at 0 V, and measure each through the chip's monitor output. Rows see "
        "no more than the read voltage.",
    ),
    Message(
        23,
        "measure_amplifiers",
        (
            Field("u16", "row", "whose DAC output the calibration bus follows"),
            Field("i16", "code", "row code of that output"),
            Field("u8", "range", "front-end range"),
            Field("u8", "log2_reads", "average 2**n conversions, n = 0..MAX_LOG2_READS"),
        ),
        (
            Field("i16", "net", "code of the monitor's ADC: the monitor net"),
            Field("i16", "bus", "the calibration bus, which gives every column a current through a resistor"),
            Field("i16s", "codes", "one ADC code per column"),
        ),
        "Give all amplifiers a known current, all gates closed, and convert all columns with it.",
    ),
)

EVENTS: tuple[Event, ...] = (
    Event(1, "boot", (Field("u8", "reset_reason", "RESET_REASONS"),), "The board has started; sessions and kept answers are gone."),
    Event(
        2,
        "progress",
        (
            Field("u16", "cells", "cells with a target"),
            Field("u16", "in_tolerance", ""),
            Field("u16", "gave_up", ""),
            Field("u32", "pulses", "cell pulses given in this campaign"),
        ),
        "A row of the campaign is done.",
    ),
    Event(3, "safe_idle", (Field("u16", "status", "why"),), "The board went to safe idle by itself."),
    Event(4, "campaign_ended", (Field("u8", "state", "CAMPAIGN_STATES"), Field("u16", "status", "")), "The campaign is over."),
    Event(5, "under_way", (Field("u16", "request", "its id"),), "What the host asks for again is under way; its answer comes."),
)

MESSAGE_BY_NAME: dict[str, Message] = {message.name: message for message in MESSAGES}
EVENT_BY_CODE: dict[int, Event] = {event.code: event for event in EVENTS}


def _signature() -> str:
    """Everything of the table that both sides must agree on, as one text."""
    lines = [f"{name} {value}" for name, (value, _) in CONSTANTS.items()]
    lines += [f"{name} {table}" for name, table in CODES.items()]
    lines += [name + "".join(f" {field.type}:{field.name}" for field in fields) for name, fields in RECORDS.items()]
    for message in MESSAGES:
        sides = ("".join(f" {field.type}:{field.name}" for field in side) for side in (message.request, message.answer))
        lines.append(f"{message.code} {message.name}" + " ->".join(sides))
    lines += [
        f"event {event.code} {event.name}" + "".join(f" {field.type}:{field.name}" for field in event.fields) for event in EVENTS
    ]
    return "\n".join(lines)


PROTOCOL_HASH: int = zlib.crc32(_signature().encode())
