"""Unicorn as its C interface offers it, for what happens most often: basic blocks, registers of peripherals and of the processor.

The functions come as addresses, from the library that the ``unicorn`` package has loaded; nothing here is linked against it.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t, uintptr_t

cdef enum:
    MOST_REGIONS = 4
    MOST_REGISTERS = 32

cdef uint64_t CYCLES_PER_4_INSTRUCTIONS = 5
cdef uint64_t PICOSECONDS = 1000000000000  # of a second
cdef int NO_EXCEPTION = -1
cdef uint64_t NOWHERE = 0xFFFFFFFE  # an address at which no program ends

ctypedef int (*StartFunction)(void *engine, uint64_t begin, uint64_t until, uint64_t timeout, size_t count) noexcept nogil
ctypedef int (*StopFunction)(void *engine) noexcept nogil
ctypedef int (*RegistersFunction)(void *engine, int *registers, void **values, int count) noexcept nogil

ctypedef struct Region:
    uint64_t first
    uint64_t size
    const uint8_t *bytes

ctypedef struct Counter:
    uint64_t instructions
    uint64_t limit
    bint stopped
    int exception
    StopFunction stop
    Region regions[MOST_REGIONS]


cdef class Processor:
    """One Unicorn engine, by the address of its handle and of the functions ``uc_emu_start``, ``uc_emu_stop`` in ``functions``.

    Counts instructions and stops when ``limit`` is reached. ``memories`` are (address, writable buffer) of all memory that code
    may stand in. ``read(address, size)`` and ``write(address, value, size)`` stand for the peripherals; what they raise stops the
    processor and waits in ``failure``. A block is counted when it begins: within one, time does not pass.
    """

    cdef Counter _counter
    cdef void *_engine
    cdef StartFunction _start
    cdef public object failure
    cdef object _read, _write
    cdef list _kept

    def __init__(self, uintptr_t engine, functions, memories, read, write):
        cdef uint8_t[::1] buffer
        cdef uintptr_t start = functions["uc_emu_start"], stop = functions["uc_emu_stop"]
        self._engine = <void *>engine
        self._start, self._counter.stop = <StartFunction>start, <StopFunction>stop
        self._read, self._write = read, write
        self._kept = [memory for _, memory in memories]
        for index, (address, memory) in enumerate(memories[:MOST_REGIONS]):
            buffer = memory
            self._counter.regions[index] = Region(address, buffer.shape[0], &buffer[0])

    def run(self, uint64_t pc, uint64_t limit):
        """Execute until ``limit`` instructions have been counted, or :meth:`attend`; return Unicorn's error code."""
        self._counter.limit, self._counter.stopped, self._counter.exception = limit, False, NO_EXCEPTION
        with nogil:
            error = self._start(self._engine, pc | 1, NOWHERE, 0, 0)
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        return error

    def attend(self):
        """Stop before the next basic block."""
        self._counter.limit = 0

    @property
    def instructions(self):
        """Instructions executed so far."""
        return self._counter.instructions

    @property
    def stopped(self):
        """Whether it was the limit that ended the last run."""
        return bool(self._counter.stopped)

    @property
    def wanted(self):
        """Whether :meth:`attend` was called during the last run."""
        return self._counter.limit == 0

    @property
    def exception(self):
        """The exception, by QEMU's number, that ended the last run, or None."""
        return None if self._counter.exception == NO_EXCEPTION else self._counter.exception

    @property
    def on_block(self):
        """Addresses of the function for Unicorn's hook of basic blocks and of its argument; this object must outlive the hook."""
        return <uintptr_t>&_block_began, <uintptr_t>&self._counter

    @property
    def on_exception(self):
        """Addresses of the function for Unicorn's hook of exceptions and of its argument."""
        return <uintptr_t>&_exception_met, <uintptr_t>&self._counter

    def on_access(self, uint64_t base):
        """Addresses for a region of registers that begins at ``base``: of the functions that read and write, of their argument."""
        region = AccessedRegion(self, base)
        self._kept.append(region)
        return <uintptr_t>&_register_read, <uintptr_t>&_register_write, <uintptr_t><void *>region


cdef class RegisterSet:
    """Registers of a processor of which Unicorn is asked together; ``numbers`` are Unicorn's."""

    cdef void *_engine
    cdef RegistersFunction _read, _write
    cdef int _count
    cdef int _numbers[MOST_REGISTERS]
    cdef uint32_t _values[MOST_REGISTERS]
    cdef void *_places[MOST_REGISTERS]

    def __init__(self, uintptr_t engine, functions, numbers):
        cdef uintptr_t read = functions["uc_reg_read_batch"], write = functions["uc_reg_write_batch"]
        self._engine, self._read, self._write = <void *>engine, <RegistersFunction>read, <RegistersFunction>write
        self._count = len(numbers)
        if self._count > MOST_REGISTERS:
            raise ValueError(f"{self._count} registers; at most {MOST_REGISTERS}")
        for index in range(self._count):
            self._numbers[index], self._places[index] = numbers[index], &self._values[index]

    def read(self):
        """Return the values."""
        self._read(self._engine, self._numbers, self._places, self._count)
        return [self._values[index] for index in range(self._count)]

    def write(self, values):
        """Set the registers, in the order of ``numbers``."""
        for index in range(self._count):
            self._values[index] = values[index]
        self._write(self._engine, self._numbers, self._places, self._count)


cdef class Timebase:
    """Moves ``clock``, the board's, on with the instructions that were executed, at the frequency of the processor's clock.

    Assumption: an instruction takes 1.25 cycles. Most of a Cortex-M4 take one, loads and taken branches two or three, and the
    flash accelerator hides the wait states of the flash.
    """

    cdef Processor _processor
    cdef object _clock
    cdef uint64_t _counted
    cdef uint64_t _left  # picoseconds that make no nanosecond yet
    cdef uint64_t _picoseconds  # per instruction

    def __init__(self, clock, Processor processor):
        self._clock, self._processor = clock, processor
        self._picoseconds = 1

    def set_hertz(self, uint64_t hertz):
        """The processor's clock is another from now on."""
        self.now()
        self._picoseconds = (CYCLES_PER_4_INSTRUCTIONS * PICOSECONDS + 2 * hertz) // (4 * hertz)

    def now(self):
        """Nanoseconds since power-up."""
        cdef uint64_t passed, count = self._processor._counter.instructions
        if count != self._counted:
            passed = self._left + (count - self._counted) * self._picoseconds
            self._counted, self._left = count, passed % 1000
            self._clock.advance(passed // 1000)
        return self._clock.now()

    def sleep_until(self, moment):
        """Let time pass without an instruction."""
        self._clock.advance(max(moment - self.now(), 0))

    def instructions_until(self, moment):
        """The count of instructions at which that moment has come."""
        cdef int64_t missing = 1000 * max(moment - self.now(), 0) - <int64_t>self._left
        if missing <= 0:
            return self._counted
        return self._counted + (missing + self._picoseconds - 1) // self._picoseconds


cdef class AccessedRegion:
    """Where the offsets that Unicorn gives begin."""

    cdef Processor processor
    cdef uint64_t base

    def __init__(self, Processor processor, uint64_t base):
        self.processor, self.base = processor, base


cdef uint64_t instructions_in(const uint8_t *code, uint32_t size) noexcept nogil:
    """Instructions in so many bytes; the first halfword of a Thumb instruction tells its length."""
    cdef uint64_t count = 0
    cdef uint32_t place = 0
    while place < size:
        place += 4 if code[place + 1] >= 0xE8 else 2
        count += 1
    return count


cdef void _block_began(void *engine, uint64_t address, uint32_t size, void *user) noexcept nogil:
    cdef Counter *counter = <Counter *>user
    cdef Region *region
    if counter.instructions >= counter.limit:
        counter.stopped = True
        counter.stop(engine)
        return
    for index in range(MOST_REGIONS):
        region = &counter.regions[index]
        if region.first <= address and address + size <= region.first + region.size:
            counter.instructions += instructions_in(region.bytes + (address - region.first), size)
            return


cdef void _exception_met(void *engine, uint32_t number, void *user) noexcept nogil:
    cdef Counter *counter = <Counter *>user
    counter.exception = number
    counter.stop(engine)


cdef uint64_t _register_read(void *engine, uint64_t offset, unsigned size, void *user) noexcept with gil:
    cdef AccessedRegion region = <AccessedRegion>user
    cdef Processor owner = region.processor
    if owner.failure is None:
        try:
            return owner._read(region.base + offset, size)
        except BaseException as failure:
            owner.failure = failure
            owner._counter.stop(owner._engine)
    return 0


cdef void _register_write(void *engine, uint64_t offset, unsigned size, uint64_t value, void *user) noexcept with gil:
    cdef AccessedRegion region = <AccessedRegion>user
    cdef Processor owner = region.processor
    if owner.failure is None:
        try:
            owner._write(region.base + offset, value, size)
        except BaseException as failure:
            owner.failure = failure
            owner._counter.stop(owner._engine)
