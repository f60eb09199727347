"""Everything that runs a program, by name. A new executor is one entry here and the whole suite holds it to the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from fxlstm.board.driver import Driver, board_info
from fxlstm.board.inference import run_sequence
from fxlstm.board.link import Link
from fxlstm.board.transfer import send_object
from fxlstm.core import Engine, kernel_names
from fxlstm.crossbar.integer import IntegerArray
from fxlstm.program.program import Codes, Program
from fxlstm.program.reference import Clipped, Reference


@dataclass(frozen=True)
class Outcome:
    """What a program did with a batch: output codes, and clipped codes per operation summed over the batch (adc, result)."""

    outputs: Codes
    clipped: list[tuple[int, int]] | None = None


@dataclass(frozen=True)
class Executor:
    """``run(program, codes)`` runs (batch, time, features) codes from reset."""

    run: Callable[[Program, Codes], Outcome]
    runs_digital: bool = True
    counts_adc: bool = True


def reference(program: Program, codes: Codes) -> Outcome:
    """The definition."""
    interpreter = Reference(program)
    return Outcome(interpreter.run_codes(codes), _counts(interpreter.clipped))


def _counts(clipped: list[Clipped] | tuple[Clipped, ...]) -> list[tuple[int, int]]:
    return [(count.adc, count.result) for count in clipped]


def _engine(kernels: str) -> Callable[[Program, Codes], Outcome]:
    def run(program: Program, codes: Codes) -> Outcome:
        engine = Engine(program, kernels=kernels)
        return Outcome(engine.run_codes(codes), _counts(engine.saturations))

    return run


def _from_image(program: Program, codes: Codes) -> Outcome:
    return Outcome(Engine(program.to_bytes()).run_codes(codes))


def _integer_array(program: Program, codes: Codes) -> Outcome:
    engine = Engine(program, array=IntegerArray(program))
    return Outcome(engine.run_codes(codes), _counts(engine.saturations))


@cache
def _emulated_board() -> Driver:
    """The firmware in this process, behind its link."""
    url = "emu://host?device=ideal"
    link = Link(url)
    return Driver(link, board_info(link.identity, url, "ideal"), None)


def _firmware(program: Program, codes: Codes) -> Outcome:
    """The firmware's own executor; what it does through its array is held by the tests of the boards."""
    driver = _emulated_board()
    send_object(driver.link, "program", program.to_bytes())
    return Outcome(np.stack([run_sequence(driver, program, sequence, on_array=False) for sequence in codes]))


EXECUTORS: dict[str, Executor] = {
    **{f"engine-{name}": Executor(_engine(name)) for name in kernel_names()},
    "engine-from-image": Executor(_from_image),
    "engine-integer-array": Executor(_integer_array, runs_digital=False, counts_adc=False),
    "firmware": Executor(_firmware),
}
