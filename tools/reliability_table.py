#!/usr/bin/env python3
"""Inject every fault into emulated boards and fill the table of docs/reliability.md.

With --check it only says which lines of the page are not what comes out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from generators.pages import fill, part, table  # noqa: E402
from reliability import (  # noqa: E402
    Fault,
    drifted,
    each,
    given_up,
    kill_once,
    named,
    recovered,
    reported,
    run_trial,
    self_tests,
    stuck_in_campaigns,
    work_of_a_trial,
)

PAGE = ROOT / "docs/reliability.md"
HEADS = ("fault", "option", "injected", "outcome")
FRAMES, PULSES = work_of_a_trial()
SEEDS = range(1, 41)
BYTES = range(100, 21_500, 211)  # of a trial on the line, from the first request to the product
ECHO, CRC, IDENTITY, BUSY = "did not echo", "failed its CRC-16", "did not answer with its identity", "an ADC stayed busy"

FAULTS = (
    Fault("bytes dropped", "drop=0.0005", each("drop=0.0005&fault_seed={}", SEEDS), recovered),
    Fault("bits flipped", "flip=0.0005", each("flip=0.0005&fault_seed={}", SEEDS), recovered),
    Fault("bytes duplicated", "duplicate=0.0005", each("duplicate=0.0005&fault_seed={}", SEEDS), recovered),
    Fault("answers delayed", "stall_ms=", each("stall_ms={}", (1, 10, 50, 200, 500)), recovered),
    Fault("link flooded with random bytes", "flood=0.0005", each("flood=0.0005&fault_seed={}", SEEDS), recovered),
    Fault("link dies, also in the middle of an object", "disconnect_after=", each("disconnect_after={}", BYTES), recovered),
    Fault("host process killed in a campaign", "", lambda: (run_trial("", kill_once()) for _ in range(5)), recovered),
    Fault("reset after the n-th byte", "reset_after=", each("reset_after={}", BYTES), recovered),
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
    Fault("a gate's DAC channel dead, in a campaign", "dead_gate=20", each("dead_gate={}", (20,)), given_up((37, 20), (91, 20))),
    Fault(
        "a cell dead (ideal cells start without conductance)",
        f"stuck_cell={37 * 64 + 20}",
        each("stuck_cell={}", (37 * 64 + 20,)),
        given_up((37, 20)),
    ),
    Fault("a row's DAC channel dead, in a campaign", "dead_row=37", each("dead_row={}", (37,)), given_up((37, 3), (37, 20))),
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
    Fault(
        "a row's DAC channel dead", "dead_row=55", self_tests("dead_row=55"), named("row DAC 3 at chip select 3, channel 7, row 55")
    ),
    Fault(
        "a row's DAC channel stuck",
        "stuck_row=20",
        self_tests("stuck_row=20"),
        named("row DAC 1 at chip select 1, channel 4, row 20"),
    ),
    Fault(
        "a gate's DAC channel dead",
        "dead_gate=17",
        self_tests("dead_gate=17"),
        named("gate DAC 1 at chip select 9, channel 1, column 17"),
    ),
    Fault(
        "an amplifier saturated",
        "saturated_column=40",
        self_tests("saturated_column=40"),
        named("column ADC 5 at chip select 17, channel 0, column 40"),
    ),
    Fault(
        "an amplifier with a wrong gain",
        "weak_column=9",
        self_tests("weak_column=9"),
        named("column ADC 1 at chip select 13, channel 1, column 9"),
    ),
)


def stale(faults: tuple[Fault, ...] = FAULTS) -> list[str]:
    """Inject these faults; return their names where the page says otherwise. A wrong outcome raises AssertionError."""
    lines = part(PAGE.read_text(), "faults")
    return [fault.name for fault in faults if "| " + " | ".join(fault.row()) + " |" not in lines]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a line is not what comes out")
    if parser.parse_args().check:
        print("\n".join(f"stale: {name}" for name in stale()))
        return 1 if stale() else 0
    PAGE.write_text(fill(PAGE.read_text(), "faults", table(HEADS, [fault.row() for fault in FAULTS])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
