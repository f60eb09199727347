#!/usr/bin/env python3
"""Count the instructions of one timestep of an LSTM layer on a Cortex-M4, as a table for docs/performance.md.

usage: cortex_m4_work.py [--write]

The functions are those of the firmware's ELF file, called one by one on Unicorn's Cortex-M4: no link, no interrupts, nothing but
the core. Every instruction counts, whatever cycles it takes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import unicorn
from elftools.elf.elffile import ELFFile
from unicorn import arm_const as arm

import fxlstm as fx
from bench_peers import PAGE, parameters
from fxlstm.app.firmware import build
from fxlstm.network.layers.builders import lstm_from_torch
from fxlstm.program.program import Codes, Program
from generators.pages import fill, table
from peers import Task

SIZES = ((1, 15), (50, 14), (64, 64), (128, 128))  # inputs, units
LEVELS = {"8-bit": 128, "16-bit": 32768}  # of conductance, by what the table calls the weights
LARGEST_CODE = 32767 - (LEVELS["8-bit"] - 1)  # leaves room for an 8-bit weight, as nearly all codes of a signal do
KERNELS = {"plain C": "fx_kernels_portable", "DSP": "fx_kernels_cortex_m4"}
COMPILERS = {"gcc": "GCC -O2", "zig": "Clang -Os"}
HEADS = ("inputs, units", "weights", *(f"{kernels}, {words}" for words in COMPILERS.values() for kernels in KERNELS))
CALIBRATION_STEPS = 100

FLASH, RAM, RETURN = 0x08000000, 0x20000000, 0x08FF0000
FLASH_SIZE, RAM_SIZE = 16 << 20, 8 << 20  # room for every size; a real part has less
STACK, PROGRAM, EXECUTOR, INPUTS, OUTPUTS, MEMORY, IMAGE = (RAM + (place << 20) for place in range(1, 8))
ARGUMENTS = (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3)


@dataclass(frozen=True)
class Step:
    """What one timestep gave and how many instructions it took."""

    outputs: Codes
    instructions: int


class Core:
    """The core of a firmware build, on an emulated processor that calls its functions."""

    def __init__(self, elf: Path) -> None:
        self._uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
        self._uc.mem_map(FLASH, FLASH_SIZE)
        self._uc.mem_map(RAM, RAM_SIZE)
        with elf.open("rb") as file:
            parts = ELFFile(file)
            for segment in parts.iter_segments("PT_LOAD"):
                if segment["p_filesz"]:
                    self._uc.mem_write(segment["p_vaddr"], segment.data())
            self._symbols = {symbol.name: symbol["st_value"] for symbol in parts.get_section_by_name(".symtab").iter_symbols()}

    def open(self, program: Program, kernels: str) -> None:
        """Load a program and reset its state; ``kernels`` is the symbol of the kernel set."""
        image = program.to_bytes()
        self._uc.mem_write(IMAGE, image)
        self._check(self._call("fx_program_open", PROGRAM, IMAGE, len(image)))
        size = self._call("fx_executor_size", PROGRAM, 1, 0)
        self._check(self._call("fx_executor_init", EXECUTOR, PROGRAM, self._symbols[kernels], 0, 1, 0, MEMORY, size))

    def step(self, inputs: Codes, outputs: int) -> Step:
        """Run one timestep, counted."""
        counted = 0

        def count(*_: object) -> None:
            nonlocal counted
            counted += 1

        self._uc.mem_write(INPUTS, inputs.astype("<i2").tobytes())
        self._uc.ctl_flush_tb()  # what ran without the hook has been translated without it
        hook = self._uc.hook_add(unicorn.UC_HOOK_CODE, count)
        self._check(self._call("fx_step", EXECUTOR, INPUTS, OUTPUTS))
        self._uc.hook_del(hook)
        return Step(self._outputs(outputs), counted)

    def activate(self, function: int, fraction: int, codes: Codes) -> Codes:
        """What the kernel makes of codes."""
        self._uc.mem_write(INPUTS, codes.astype("<i2").tobytes())
        self._call("activate", function, fraction, INPUTS, OUTPUTS, len(codes))
        return self._outputs(len(codes))

    def _outputs(self, count: int) -> Codes:
        return np.frombuffer(bytes(self._uc.mem_read(OUTPUTS, 2 * count)), "<i2").astype(np.int16)

    def _call(self, name: str, *arguments: int) -> int:
        """Call a function as the procedure call standard says: four arguments in registers, the rest on the stack."""
        for register, value in zip(ARGUMENTS, arguments, strict=False):
            self._uc.reg_write(register, value)
        rest = np.array(arguments[len(ARGUMENTS) :], "<u4").tobytes()
        self._uc.mem_write(STACK - 64, rest)
        self._uc.reg_write(arm.UC_ARM_REG_SP, STACK - 64)
        self._uc.reg_write(arm.UC_ARM_REG_LR, RETURN | 1)
        self._uc.emu_start(self._symbols[name] | 1, RETURN)
        return int(self._uc.reg_read(arm.UC_ARM_REG_R0))

    @staticmethod
    def _check(status: int) -> None:
        if status != 0:
            raise RuntimeError(f"status {status}")


def layer(inputs: int, units: int, levels: int) -> Program:
    """The LSTM layer of the peers' benchmark for digital use."""
    given = parameters(inputs, units)
    calibration = Task(given, 1, CALIBRATION_STEPS, 1, seed=9).x[0].astype(np.float64)
    hardware = fx.Hardware(levels=levels, adc_bits=None, bias="digital")
    return fx.quantize(fx.Network((lstm_from_torch(*given),)), calibration, hardware)


def random_codes(program: Program, timesteps: int, largest: int = LARGEST_CODE) -> Codes:
    """Input codes (timesteps, inputs) up to the largest."""
    return np.random.default_rng(3).integers(-largest, largest + 1, (timesteps, program.input.length), np.int16)


def steps(core: Core, program: Program, kernels: str, codes: Codes) -> list[Step]:
    """What the core does with input codes from reset on."""
    core.open(program, kernels)
    return [core.step(row, program.output.length) for row in codes]


def rows() -> Iterator[tuple[str, ...]]:
    """Lines of the table: instructions of the second timestep, when the state is no longer that at reset."""
    cores = [Core(build("stm32f405", compiler)) for compiler in COMPILERS]
    for inputs, units in SIZES:
        for weights, levels in LEVELS.items():
            program = layer(inputs, units, levels)
            codes = random_codes(program, 2)
            counts = [steps(core, program, kernels, codes)[1].instructions for core in cores for kernels in KERNELS.values()]
            yield f"{inputs}, {units}", weights, *(f"{count:,}" for count in counts)


def main() -> None:
    """Print the table, or write it into its page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="fill the table of docs/performance.md")
    arguments = parser.parse_args()
    made = table(HEADS, rows())
    if arguments.write:
        PAGE.write_text(fill(PAGE.read_text(), "cortex-m4", made))
    else:
        print(made)


if __name__ == "__main__":
    main()
