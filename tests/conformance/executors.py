"""Everything that runs a program, by name. A new executor is one entry here and the whole suite holds it to the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from arm_core import ArmCore
from firmware_builds import COMPILERS, firmware_elf
from random_programs import Run

from fxlstm.board.board import Board
from fxlstm.board.driver import Driver, board_info
from fxlstm.board.inference import run_sequence
from fxlstm.board.link import Link
from fxlstm.board.transfer import send_object
from fxlstm.core import Engine, kernel_names
from fxlstm.crossbar.arrays import SimulatedArrays
from fxlstm.crossbar.integer import IntegerArray
from fxlstm.crossbar.simulated import SimulatedArray
from fxlstm.program.mapping import tiles_of
from fxlstm.program.program import Codes, Program
from fxlstm.program.reference import Clipped, Reference


@dataclass(frozen=True)
class Outcome:
    """What a program did with a batch: output codes, and clipped codes per operation summed over the batch (adc, result)."""

    outputs: Codes
    clipped: list[tuple[int, int]] | None = None


@dataclass(frozen=True)
class Executor:
    """``run(program, given)`` runs from reset; ``takes`` says which programs it can run; of random ones it runs ``every`` n-th."""

    run: Callable[[Program, Run], Outcome]
    takes: Callable[[Program], bool] = lambda _: True
    counts_adc: bool = True
    every: int = 1
    on_device: bool = False  # a whole emulated board: it runs as many random programs as --device-programs says


def reference(program: Program, given: Run) -> Outcome:
    """The definition."""
    interpreter = Reference(program)
    return Outcome(interpreter.run_phases(given.inputs, given.timesteps, given.initial), _counts(interpreter.clipped))


def _counts(clipped: list[Clipped] | tuple[Clipped, ...]) -> list[tuple[int, int]]:
    return [(count.adc, count.result) for count in clipped]


def _run(engine: Engine, given: Run) -> Codes:
    return engine.run_codes(given.inputs[0]) if given.is_whole else engine.run_phases(given.inputs, given.timesteps, given.initial)


def _engine(kernels: str) -> Callable[[Program, Run], Outcome]:
    def run(program: Program, given: Run) -> Outcome:
        engine = Engine(program, kernels=kernels)
        return Outcome(_run(engine, given), _counts(engine.saturations))

    return run


def _from_image(program: Program, given: Run) -> Outcome:
    return Outcome(_run(Engine(program.to_bytes()), given))


def _integer_array(program: Program, given: Run) -> Outcome:
    engine = Engine(program, array=IntegerArray(program))
    return Outcome(_run(engine, given), _counts(engine.saturations))


@cache
def _driver(url: str) -> Driver:
    """An emulated board's firmware, behind its link."""
    link = Link(url)
    return Driver(link, board_info(link.identity, url, "ideal"), None)


def _has_adc(program: Program) -> bool:
    return program.hardware.adc_bits is not None


def _fits_arrays(program: Program) -> bool:
    """Whether arrays with the front end of their board can hold the program."""
    gains = all((tile.gain, tile.gain_shift) == program.hardware.gain(tile.range) for tile in tiles_of(program))
    return _has_adc(program) and gains


def _fits_one_array(program: Program) -> bool:
    """Whether one array can hold it."""
    return _fits_arrays(program) and all(tile.array == 0 for tile in tiles_of(program))


def _simulated_array(program: Program, given: Run) -> Outcome:
    array = SimulatedArray(device="ideal")
    array.program(program)
    return Outcome(_run(Engine(program, array=array), given))


def _simulated_arrays(program: Program, given: Run) -> Outcome:
    arrays = SimulatedArrays(program, device="ideal")
    arrays.program(program)
    return Outcome(_run(Engine(program, array=arrays), given))


@cache
def _ideal_board() -> Board:
    return Board("emu://host?device=ideal", log=False)


def _emulated_board(program: Program, given: Run) -> Outcome:
    """Write-verify by the firmware, then its executor with its DACs, the emulated cells and its ADCs for every tile."""
    board = _ideal_board()
    board.program(program)
    return Outcome(board.run_phases(given.inputs, given.timesteps, given.initial))


def _firmware(program: Program, given: Run) -> Outcome:
    """The firmware in this process."""
    return _on_firmware("emu://host?device=ideal", program, given)


def _microcontroller(compiler: str) -> Callable[[Program, Run], Outcome]:
    """The firmware's ELF file, on an emulated microcontroller."""

    def run(program: Program, given: Run) -> Outcome:
        return _on_firmware(f"emu://stm32f405?device=ideal&elf={firmware_elf(compiler)}", program, given)

    return run


def _on_firmware(url: str, program: Program, given: Run) -> Outcome:
    """The firmware's own executor with its exact integers, not asked which board the program was made for."""
    driver = _driver(url)
    send_object(driver.link, "program", program.to_bytes())
    sequences = zip(*given.inputs, strict=True)
    outputs = [
        run_sequence(driver, program, inputs, given.timesteps, given.initial_of(index), on_array=False)
        for index, inputs in enumerate(sequences)
    ]
    return Outcome(np.stack(outputs)[:, -1] if program.returns_last else np.stack(outputs))


def _arm_core(compiler: str) -> Callable[[Program, Run], Outcome]:
    """The core's object files of the firmware's build, on an emulated Cortex-M4."""
    core = cache(lambda: ArmCore(compiler))

    def run(program: Program, given: Run) -> Outcome:
        outputs, clipped = core().run(program, given)
        return Outcome(outputs[:, -1] if program.returns_last else outputs, clipped)

    return run


EXECUTORS: dict[str, Executor] = {
    **{f"engine-{name}": Executor(_engine(name)) for name in kernel_names()},
    "engine-from-image": Executor(_from_image),
    "engine-integer-array": Executor(_integer_array, takes=_has_adc, counts_adc=False),
    "firmware": Executor(_firmware),
    **{f"cortex-m4-{compiler}": Executor(_arm_core(compiler), every=10) for compiler in COMPILERS},
    **{f"stm32f405-{compiler}": Executor(_microcontroller(compiler), on_device=True) for compiler in COMPILERS},
}

# These hold a program's weights in cells, so they take what fits the array and the ranges of a board.
ARRAYS: dict[str, Executor] = {
    "simulated-array": Executor(_simulated_array, takes=_fits_one_array),
    "simulated-arrays": Executor(_simulated_arrays, takes=_fits_arrays),
    "emulated-board": Executor(_emulated_board, lambda program: _fits_one_array(program) and program.hardware.adc_bits == 16),
}
