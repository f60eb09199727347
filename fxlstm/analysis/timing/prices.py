"""What a step of work takes on a board: on its wires, from clocks and waits, and in its processor, from counted instructions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fxlstm.analysis.timing.work import Step
from fxlstm.program.hardware import load_board

DAC_FRAME_BYTES, SAMPLE_FRAME_BYTES, REGISTER_FRAME_BYTES = 4, 18, 3  # firmware/drivers: 32 bits; 8 samples or a register, and CRC
CONVERT_LOW_MICROSECONDS = 1  # CONVST, as firmware/drivers/front_end.c holds it
BITS_ON_THE_LINE = 10  # of a byte: a start bit, eight of data, a stop bit


@dataclass(frozen=True)
class Price:
    """Microseconds of a step: ``waiting`` for wires, chips and settling, and ``computing``, in which nothing else goes on."""

    waiting: float
    computing: float

    @property
    def microseconds(self) -> float:
        """Both."""
        return self.waiting + self.computing


def spi_hertz(board: dict[str, Any], section: str) -> float:
    """Clock of the chips of a section: the microcontroller's, divided by the least power of two that they bear."""
    hertz = board["microcontroller"]["spi_source_hertz"] / 2
    while hertz > board[section]["spi_hertz"]:
        hertz /= 2
    return float(hertz)


def prices(name: str = "reference") -> dict[Step, Price]:
    """Return the price of every step on a board."""
    board = load_board(name)
    processor = board["microcontroller"]["instructions"]
    microseconds = 1e6 * processor["cycles_each"] / board["microcontroller"]["processor_hertz"]
    computing = {step: processor[instructions] * microseconds for step, instructions in INSTRUCTIONS.items()}
    waiting = _waiting(board)
    return {step: Price(waiting.get(step, 0.0), computing.get(step, 0.0)) for step in Step}


def assumptions(name: str = "reference") -> str:
    """Return in a sentence what the prices of a board rest on."""
    part = load_board(name)["microcontroller"]
    return (
        f"Expected, not measured: {part['part']} at {part['processor_hertz'] / 1e6:g} MHz, {part['instructions']['cycles_each']:g} "
        "cycles an instruction assumed; see docs/board.md, Expected times."
    )


# The board file's name for the instructions of a step; what is not here costs no more than its wait.
INSTRUCTIONS = {
    Step.DRIVE: "drive",
    Step.ROW_FRAME: "dac_frame",
    Step.GATE_FRAME: "dac_frame",
    Step.PROOF_FRAME: "dac_frame",
    Step.SAMPLE_FRAME: "sample_frame",
    Step.REGISTER_FRAME: "register_frame",
    Step.GATES: "gates",
    Step.CELLS: "cells",
    Step.ELEMENT: "element",
    Step.REQUEST: "request",
    Step.SERIAL_BYTE: "serial_byte",
}


def _waiting(board: dict[str, Any]) -> dict[Step, float]:
    dac, gate, adc = (8e6 / spi_hertz(board, section) for section in ("row_dac", "gate_dac", "column_adc"))
    return {
        Step.ROW_FRAME: DAC_FRAME_BYTES * dac,
        Step.GATE_FRAME: DAC_FRAME_BYTES * gate,
        Step.PROOF_FRAME: DAC_FRAME_BYTES * dac,
        Step.READ_SETTLING: board["settling"]["read_microseconds"],
        Step.CONVERSION: CONVERT_LOW_MICROSECONDS + board["column_adc"]["conversion_microseconds"],
        Step.SAMPLE_FRAME: SAMPLE_FRAME_BYTES * adc,
        Step.REGISTER_FRAME: REGISTER_FRAME_BYTES * adc,
        Step.GATES: board["settling"]["program_microseconds"],
        Step.PULSE_MICROSECOND: 1.0,
        Step.SERIAL_BYTE: 1e6 * BITS_ON_THE_LINE / board["microcontroller"]["serial_baud"],
    }
