#!/usr/bin/env python3
"""Inject every fault into emulated boards and fill the table of docs/reliability.md.

With --check it only says which lines of the page are not what comes out. With --every-byte it resets the board after each single
byte of a trial, where the table has every 211th, and says what comes out.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from generators.pages import fill, part, table  # noqa: E402
from killed_hosts import each_killed, followed  # noqa: E402
from reliability import (  # noqa: E402
    Fault,
    drifted,
    each,
    given_up,
    recovered,
    reported,
    self_test,
    stuck_in_campaigns,
    work_of_a_trial,
)

PAGE = ROOT / "docs/reliability.md"
HEADS = ("fault", "option", "injected", "outcome")
FRAMES, PULSES = work_of_a_trial()
KILLS = [FRAMES[len(FRAMES) * tenth // 10] for tenth in (1, 3, 5, 7, 9)]  # of the work's SPI frames
SEEDS = range(1, 41)
BYTES = range(100, 21_500, 211)  # of a trial on the line, from the first request to the product
PART = 800  # bytes at a time, when the board is reset after each
ECHO, CRC, IDENTITY, BUSY = "did not echo", "failed its CRC-16", "did not answer with its identity", "an ADC stayed busy"


def resets(after: range) -> Fault:
    """Resets after each of these bytes."""
    return Fault("reset after the n-th byte", "reset_after=", each("reset_after={}", after), recovered)


FAULTS = (
    Fault("bytes dropped", "drop=0.0005", each("drop=0.0005&fault_seed={}", SEEDS), recovered),
    Fault("bits flipped", "flip=0.0005", each("flip=0.0005&fault_seed={}", SEEDS), recovered),
    Fault("bytes duplicated", "duplicate=0.0005", each("duplicate=0.0005&fault_seed={}", SEEDS), recovered),
    Fault("answers delayed", "stall_ms=", each("stall_ms={}", (1, 10, 50, 200, 500)), recovered),
    Fault("link flooded with random bytes", "flood=0.0005", each("flood=0.0005&fault_seed={}", SEEDS), recovered),
    Fault("link dies, also in the middle of an object", "disconnect_after=", each("disconnect_after={}", BYTES), recovered),
    Fault("host process killed amid its work", "SIGKILL", each_killed(KILLS), followed),
    resets(BYTES),
    Fault("reset after the n-th SPI frame, every n", "reset_after_frames=", each("reset_after_frames={}", FRAMES), recovered),
    Fault("reset in the n-th pulse, every n", "reset_after_pulses=", each("reset_after_pulses={}", PULSES), recovered),
    Fault("brown-out in the n-th pulse, every n", "brown_out_after_pulses=", each("brown_out_after_pulses={}", PULSES), recovered),
    Fault("cells drift for a day, then the campaign is run again", "device=hfox", drifted, recovered),
    Fault("clock 3 % off", "crystal_error=", each("crystal_error={}", (-0.03, 0.03)), recovered),
    Fault("every third ADC frame with a bad CRC", "bad_crc=3", each("bad_crc={}", (3,)), recovered),
    Fault("every ADC frame with a bad CRC", "bad_crc=1", each("bad_crc={}", (1,)), reported(CRC, "chip select 12")),
    Fault("BUSY stuck high", "stuck_busy=1", each("stuck_busy={}", (1,)), reported(BUSY)),
    Fault("a DAC missing at start, each", "missing_chip=", each("missing_chip={}", range(12)), reported(ECHO, "chip select")),
    Fault(
        "an ADC missing at start, each", "missing_chip=", each("missing_chip={}", range(12, 20)), reported(IDENTITY, "chip select")
    ),
    Fault("the monitor's ADC missing, in a campaign", "missing_chip=20", each("missing_chip={}", (20,)), recovered),
    Fault("a DAC restarts alone in a pulse, each", "restart_chip=", each("restart_chip={}", range(12)), recovered),
    Fault("an ADC restarts alone in a pulse, each", "restart_chip=", each("restart_chip={}", range(12, 21)), recovered),
    Fault("a gate's DAC channel dead, in a campaign", "dead_gate=20", each("dead_gate={}", (20,)), given_up((37, 20), (91, 20))),
    Fault(
        "a cell dead (ideal cells start without conductance)",
        f"stuck_cell={37 * 64 + 20}",
        each("stuck_cell={}", (37 * 64 + 20,)),
        given_up((37, 20)),
    ),
    Fault("a row's DAC channel dead, in a campaign", "dead_row=37", each("dead_row={}", (37,)), given_up((37, 3), (37, 20))),
    Fault("a row of the array open, in a campaign", "open_row=37", each("open_row={}", (37,)), given_up((37, 3), (37, 20))),
    Fault(
        "a row's DAC channel stuck, in a campaign over cells that conduct",
        "stuck_row=37",
        stuck_in_campaigns,
        reported("a current flows with all rows at 0 V, so a row's output stays at a voltage"),
    ),
    Fault(
        "an amplifier saturated, in a campaign",
        "saturated_column=20",
        each("saturated_column={}", (20,)),
        given_up((37, 20), (91, 20)),
    ),
    self_test("a row's DAC channel dead", "dead_row=55", "row DAC 3 at chip select 3, channel 7, row 55", "stays at 0 V"),
    self_test("a row's DAC channel stuck", "stuck_row=20", "row DAC 1 at chip select 1, channel 4, row 20", "stays at -2.06 V"),
    self_test(
        "a row of the array open", "open_row=55", "row DAC 3 at chip select 3, channel 7, row 55", "the array's line is open"
    ),
    self_test("a gate's DAC channel dead", "dead_gate=17", "gate DAC 1 at chip select 9, channel 1, column 17", "stays at 0 V"),
    self_test(
        "an amplifier saturated", "saturated_column=40", "column ADC 5 at chip select 17, channel 0, column 40", "full scale"
    ),
    self_test(
        "an amplifier with a wrong gain",
        "weak_column=9",
        "column ADC 1 at chip select 13, channel 1, column 9",
        "1.000 with its large resistor and 0.900 with its small one",
    ),
    self_test(
        "an amplifier with an offset",
        "offset_column=9",
        "column ADC 1 at chip select 13, channel 1, column 9",
        "2.29 uA off with its large resistor and 18.31 uA with its small one",
    ),
    self_test(
        "a DAC's monitor output open", "dead_monitor=3", "row DAC 3 at chip select 3, MUX pin", "none of its outputs is seen"
    ),
    self_test(
        "the calibration switch does not close",
        "dead_calibration=1",
        "calibration switch",
        "the monitor net is at 4.00 V and the calibration bus behind its switch at 0.00 V",
    ),
    self_test("the monitor's ADC missing", "missing_chip=20", "monitor ADC at chip select 20", "did not answer with its identity"),
)


def stale(faults: tuple[Fault, ...] = FAULTS) -> list[str]:
    """Inject these faults; return their names where the page says otherwise. A wrong outcome raises AssertionError."""
    lines = part(PAGE.read_text(), "faults")
    return [fault.name for fault in faults if "| " + " | ".join(fault.row()) + " |" not in lines]


def outcome(after: range) -> str:
    """What comes of resets after each of these bytes."""
    return resets(after).row()[-1]


def reset_after_every_byte() -> None:
    """Print what comes out, part by part; a process that has had its part takes the boards of its trials with it."""
    parts = [range(start, min(start + PART, BYTES.stop)) for start in range(BYTES.start, BYTES.stop, PART)]
    with ProcessPoolExecutor(max_tasks_per_child=1) as pool:
        for part_of_bytes, said in zip(parts, pool.map(outcome, parts), strict=True):
            print(f"bytes {part_of_bytes.start} to {part_of_bytes[-1]}: {said}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a line is not what comes out")
    parser.add_argument("--every-byte", action="store_true", help="write nothing; reset after every byte (some minutes)")
    arguments = parser.parse_args()
    if arguments.every_byte:
        reset_after_every_byte()
        return 0
    if arguments.check:
        print("\n".join(f"stale: {name}" for name in stale()))
        return 1 if stale() else 0
    PAGE.write_text(fill(PAGE.read_text(), "faults", table(HEADS, [fault.row() for fault in FAULTS])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
