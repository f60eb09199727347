"""The part of the protocol's table that is no message: the frame's header, an error's payload, and the elements of tails."""

from __future__ import annotations

from fxlstm.board.fields import Field

RECORDS: dict[str, tuple[Field, ...]] = {
    "header": (
        Field("u8", "kind", "KINDS"),
        Field("u8", "message", "code of the message or event"),
        Field("u16", "request", "1..65535, then 1 again; any in a sessionless request (its answer repeats it); 0 in an event"),
        Field("u32", "session", "the session in force; an answer or error repeats its request's; any in a sessionless request"),
    ),
    "error": (
        Field("u16", "status", "a status code"),
        Field("i32", "detail", "an index, a voltage, an expected request id, ..."),
    ),
    "cell_state": (
        Field("u8", "state", "CELL_STATES"),
        Field("u16", "cycles", "cycles used in this campaign, at most 8191 are counted"),
        Field("u16", "pulses", "pulses since power-up"),
        Field("i16", "code", "last ADC code"),
    ),
    "gate_scheme": (
        Field("u8", "verify", "0: two pulses open loop; 1: write-verify"),
        Field("u8", "skip", "1: cells whose first reading is in tolerance are left alone"),
        Field("u16", "max_cycles", "RESET-SET-read cycles per cell before giving up"),
        Field("i16", "set_millivolts", "row voltage of SET, positive"),
        Field("i16", "reset_millivolts", "row voltage of RESET, negative"),
        Field("u32", "set_microseconds", ""),
        Field("u32", "reset_microseconds", ""),
        Field("u16", "reset_gate", "gate DAC code while resetting"),
        Field("u16", "gate_min", "gate DAC code, lower end while setting"),
        Field("u16", "gate_max", "gate DAC code, upper end while setting"),
        Field("i32", "gate_offset", "gate DAC code of target 0"),
        Field("u32", "gate_slope", "gate DAC code = gate_offset + (target * gate_slope >> 16)"),
        Field("u32", "gate_correction", "after a reading: gate += (target code - code) * gate_correction >> 16"),
    ),
    "incremental_scheme": (
        Field("u16", "reversals", "changes of polarity before giving a cell up"),
        Field("u16", "most_pulses", "pulses of a cell before giving it up"),
    ),
    "ladder": (
        Field("i16", "millivolts", "row voltage of the weakest pulse; its sign is the polarity"),
        Field("i16", "step_millivolts", "what each further pulse of the polarity adds, of the same sign or 0"),
        Field("i16", "most_millivolts", "row voltage of the strongest pulse"),
        Field("u16", "gate", "gate DAC code"),
        Field("u32", "microseconds", "width"),
    ),
    "chip_result": (
        Field("u8", "kind", "SELFTEST_CHIP_KINDS"),
        Field("u8", "index", "which chip of its kind"),
        Field("u16", "status", "a status code, 0 when the chip is well"),
        Field("i32", "detail", "what was read instead"),
    ),
}
