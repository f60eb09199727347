"""The Cortex-M4: Unicorn executes its instructions; exceptions and sleep, which it does not know, are done here (ARMv7-M, B1.5)."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from typing import Any

import unicorn
from unicorn import arm_const as arm
from unicorn.unicorn_py3.unicorn import uclib

from fxlstm.emulator.stm32f405 import memory as places
from fxlstm.emulator.stm32f405 import nvic as system
from fxlstm.emulator.stm32f405._processor import Processor, RegisterSet
from fxlstm.emulator.stm32f405.memory import Memory
from fxlstm.emulator.stm32f405.nvic import Nvic
from fxlstm.errors import FxlstmError

PERIPHERALS, PERIPHERALS_SIZE = 0x40000000, 0x20000000
PRIVATE, PRIVATE_SIZE = 0xE0000000, 0x00100000  # the core's own: interrupts, system timer, trace and debug units

_CALLED = ("uc_emu_start", "uc_emu_stop", "uc_reg_read_batch", "uc_reg_write_batch")
_SVC, _BREAKPOINT, _EXCEPTION_EXIT, _INVALID_STATE = 2, 7, 8, 18  # exception numbers of QEMU
_STACKED = (*(getattr(arm, f"UC_ARM_REG_R{number}") for number in (0, 1, 2, 3, 12)), arm.UC_ARM_REG_LR)
_STATE = (arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_CONTROL, arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR)
_MASKS = (arm.UC_ARM_REG_PRIMASK, arm.UC_ARM_REG_FAULTMASK, arm.UC_ARM_REG_BASEPRI)
_FLOATS = (*(getattr(arm, f"UC_ARM_REG_S{number}") for number in range(16)), arm.UC_ARM_REG_FPSCR)
_FRAME, _FLOAT_FRAME = struct.Struct("<8I"), struct.Struct("<17I4x")
_ALIGNED, _THUMB, _FLAGS = 1 << 9, 1 << 24, 0xF8000000  # of the xPSR in a frame
_SPSEL, _FPCA = 2, 4  # of CONTROL
_EXC_RETURN, _NO_FLOATS, _TO_THREAD = 0xFFFFFFE1, 0x10, 0x08
_MEMORY_ERRORS = unicorn.UC_HOOK_MEM_UNMAPPED | unicorn.UC_HOOK_MEM_PROT
_FETCHES = (unicorn.UC_MEM_FETCH_UNMAPPED, unicorn.UC_MEM_FETCH_PROT)
_IBUSERR, _PRECISERR, _STKERR, _BFARVALID = 1 << 8, 1 << 9, 1 << 12, 1 << 15
_UNDEFINSTR, _INVSTATE, _INVPC = 1 << 16, 1 << 17, 1 << 18
_DEBUGEVT = 1 << 31  # of HFSR


class EmulationError(FxlstmError):
    """The firmware did something that the emulator does not model."""


class CortexM4:
    """One processor. ``read`` and ``write`` stand for everything memory-mapped that is no memory; addresses are absolute."""

    nvic: Nvic

    def __init__(self, memory: Memory, read: Callable[[int, int], int], write: Callable[[int, int, int], None]) -> None:
        self._memory = memory
        self._uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
        self._bad_access: tuple[int, int] | None = None  # kind and address of an access to nothing
        self._map_memory()
        functions = {name: ctypes.cast(getattr(uclib, name), ctypes.c_void_p).value or 0 for name in _CALLED}
        engine = self._uc._uch.value
        code = [(places.FLASH, memory.flash), (places.SRAM, memory.sram), (0, memory.flash)]
        self.processor = Processor(engine, functions, code, read, write)
        self._pc_register = RegisterSet(engine, functions, [arm.UC_ARM_REG_PC])
        self._stacked, self._state, self._masks, self._floats = (
            RegisterSet(engine, functions, numbers) for numbers in (_STACKED, _STATE, _MASKS, _FLOATS)
        )
        self._attach()
        self._fresh = self._uc.context_save()
        self._pc = 0
        self.asleep = False
        self.locked_up = False

    def _map_memory(self) -> None:
        everything, code, data = unicorn.UC_PROT_ALL, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC, unicorn.UC_PROT_READ
        memory = self._memory
        self._pointers = []
        for address, buffer, rights in (
            (places.FLASH, memory.flash, code),
            (0, memory.flash, code),
            (places.SRAM, memory.sram, everything),
            (places.CCM, memory.ccm, data | unicorn.UC_PROT_WRITE),
            (places.SYSTEM, memory.system, data),
        ):
            pointer = (ctypes.c_uint8 * len(buffer)).from_buffer(buffer)
            self._pointers.append(pointer)
            self._uc.mem_map_ptr(address, len(buffer), rights, pointer)

    def _attach(self) -> None:
        """Give Unicorn the functions of :class:`Processor` by address; through its own binding every call would pass ctypes."""
        engine, handle = self._uc._uch, ctypes.c_size_t()
        for kind, hook in ((unicorn.UC_HOOK_BLOCK, self.processor.on_block), (unicorn.UC_HOOK_INTR, self.processor.on_exception)):
            _check(uclib.uc_hook_add(engine, ctypes.byref(handle), kind, *hook, 1, 0))
        for first, size in ((PERIPHERALS, PERIPHERALS_SIZE), (PRIVATE, PRIVATE_SIZE)):
            read, write, region = self.processor.on_access(first)
            _check(uclib.uc_mmio_map(engine, first, size, read, region, write, region))
        self._uc.hook_add(_MEMORY_ERRORS, self._on_bad_access)

    def _on_bad_access(self, _: Any, access: int, address: int, *__: Any) -> bool:
        self._bad_access = access, address
        return False

    # Execution.

    @property
    def pc(self) -> int:
        """Address of the next instruction."""
        return self._pc

    def reset(self) -> None:
        """Take stack pointer and start address from the vector table."""
        self._uc.context_restore(self._fresh)
        self._uc.ctl_flush_tb()
        self.asleep = self.locked_up = False
        stack, start = struct.unpack_from("<II", *self._memory.at(self._memory.boot, 8))
        self._uc.reg_write(arm.UC_ARM_REG_SP, stack & ~3)
        self._pc = start & ~1

    def run(self, limit: int) -> None:
        """Execute until ``limit`` instructions have been counted in all, an exception, sleep, or a call for attention.

        A return from an exception after which nothing waits ends nothing.
        """
        returned = True
        while returned:
            self._bad_access = None
            error = self.processor.run(self._pc, limit)
            (self._pc,) = self._pc_register.read()
            exception = self.processor.exception
            if exception is not None:
                self._take_event(exception)
            elif error:
                self._take_error()
            else:
                self.asleep = not self.processor.stopped
            returned = exception == _EXCEPTION_EXIT and not (self.processor.wanted or self.nvic.waiting)

    def _take_event(self, number: int) -> None:
        if number == _EXCEPTION_EXIT:
            self._return(self._pc)
        elif number == _SVC:
            self._fault(system.SV_CALL)
        elif number == _BREAKPOINT:
            self.nvic.record(system.HFSR, _DEBUGEVT)
            self._fault(system.HARD_FAULT)
        else:
            self.nvic.record(system.CFSR, _INVSTATE if number == _INVALID_STATE else _UNDEFINSTR)
            self._fault(system.USAGE_FAULT)

    def _take_error(self) -> None:
        if self._bad_access is None:
            self.nvic.record(system.CFSR, _UNDEFINSTR)
            self._fault(system.USAGE_FAULT)
            return
        access, address = self._bad_access
        if access in _FETCHES:
            self.nvic.record(system.CFSR, _IBUSERR)
        else:
            self.nvic.record(system.CFSR, _PRECISERR | _BFARVALID, address)
        self._fault(system.BUS_FAULT)

    # Exceptions.

    def interrupt(self) -> bool:
        """Serve the pending exception that is urgent enough; return whether one waits for code that masks it."""
        if not self.nvic.waiting:
            return False
        exception = self.nvic.next_exception(self._running_priority())
        if exception is not None:
            self._enter(exception)
        return bool(self.nvic.waiting)

    def _running_priority(self) -> int:
        return self.nvic.running_priority(*self._masks.read())

    def _fault(self, exception: int) -> None:
        """Take a synchronous exception; where none can be taken the processor locks up and only a reset helps."""
        running = self._running_priority()
        if exception != system.SV_CALL or self.nvic.priority(exception) >= running:
            exception = self.nvic.escalated(exception, running)
        if running <= self.nvic.priority(system.HARD_FAULT):
            self.locked_up = True
        else:
            self._enter(exception)

    def _enter(self, exception: int) -> None:
        """Push the frame and go to the handler."""
        status, control, stack, _ = self._state.read()
        if control & _SPSEL:
            raise EmulationError("the firmware uses the process stack, which the emulator does not model; use the main stack")
        if stack & 4:
            status |= _ALIGNED
        frame = _FRAME.pack(*self._stacked.read(), self._pc, status)
        if control & _FPCA:
            frame += _FLOAT_FRAME.pack(*self._floats.read())
        stack = (stack & ~7) - len(frame)
        if not self._push(stack, frame):
            return
        lr = _EXC_RETURN | (0 if self.nvic.active else _TO_THREAD) | (0 if control & _FPCA else _NO_FLOATS)
        self._state.write((status & _FLAGS | _THUMB | exception, control & ~_FPCA, stack, lr))
        self.nvic.enter(exception)
        self.asleep = False
        self._jump_to_handler(exception)

    def _push(self, stack: int, frame: bytes) -> bool:
        """Write a frame; a stack that has run out of memory is a fault on the way into another, so the processor locks up."""
        for first, buffer in ((places.SRAM, self._memory.sram), (places.CCM, self._memory.ccm)):
            if first <= stack and stack + len(frame) <= first + len(buffer):
                buffer[stack - first : stack - first + len(frame)] = frame
                return True
        self.nvic.record(system.CFSR, _STKERR)
        self.locked_up = True
        return False

    def _jump_to_handler(self, exception: int) -> None:
        table = self.nvic.read(system.VTOR) or self._memory.boot
        (handler,) = struct.unpack_from("<I", *self._memory.at(table + 4 * exception, 4))
        self._pc = handler & ~1
        if not handler & 1:  # an empty entry of the table
            self.nvic.record(system.CFSR, _INVSTATE)
            self._fault(system.USAGE_FAULT)

    def _return(self, exc_return: int) -> None:
        """Leave the handler: pop the frame that EXC_RETURN describes."""
        finished = self.nvic.active[-1]
        self.nvic.leave(finished)
        primask, faultmask, basepri = self._masks.read()
        if faultmask and finished != system.NMI:
            self._masks.write((primask, 0, basepri))
        _, control, stack, _ = self._state.read()
        floats = not exc_return & _NO_FLOATS
        size = _FRAME.size + floats * _FLOAT_FRAME.size
        buffer, place = self._memory.at(stack, size)
        *registers, pc, status = _FRAME.unpack_from(buffer, place)
        to_thread = not status & 0x1FF
        if to_thread != bool(exc_return & _TO_THREAD) or to_thread == bool(self.nvic.active):
            self.nvic.record(system.CFSR, _INVPC)
            self._fault(system.USAGE_FAULT)
            return
        self._stacked.write(registers)
        if floats:
            self._floats.write(_FLOAT_FRAME.unpack_from(buffer, place + _FRAME.size))
        control = control | _FPCA if floats else control & ~_FPCA
        self._state.write((status & ~_ALIGNED, control, stack + size + (4 if status & _ALIGNED else 0), registers[-1]))
        self._pc = pc & ~1


def _check(status: int) -> None:
    if status:
        raise unicorn.UcError(status)
