"""The firmware compiled for the host; its chips, pins and time are a Python object."""

import os

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from fxlstm.errors import BoardError


_CUT_OFF = object()  # in place of a failure: a reset has cut the work short


cdef class HostFirmware:
    """The board's firmware in this process, with its own memory, so that any number of boards live side by side.

    ``name``: what the board calls itself, where it is not the one that the firmware was built for.
    """

    cdef hal *_port
    cdef firmware *_firmware
    cdef firmware_cells *_cells
    cdef object _bus
    cdef bint _working
    cdef int _reset_waits  # the reason of a reset that comes when the work under way has ended; -1: none
    cdef bytes _name
    cdef object _failure  # what a call of the bus raised, until poll or the constructor raises it

    def __cinit__(self, bus, serial=1, name=None):
        self._port = <hal *>calloc(1, sizeof(hal))
        self._firmware = <firmware *>calloc(1, firmware_size())
        self._cells = <firmware_cells *>calloc(1, firmware_cells_size())
        if self._port == NULL or self._firmware == NULL or self._cells == NULL:
            raise MemoryError("no memory for a board's firmware")
        self._bus = bus
        self._name = None if name is None else name.encode()
        self._port.user = <void *>self
        self._port.spi_transfer = _spi_transfer
        self._port.pin_write = _pin_write
        self._port.pin_read = _pin_read
        self._port.microseconds = _microseconds
        self._port.delay = _delay
        self._port.serial_number = serial
        self.reset(0)

    def __dealloc__(self):
        free(self._cells)
        free(self._firmware)
        free(self._port)

    def reset(self, int reason=0):
        """Start the firmware as after a reset; ``reason`` as in ``hal.h``. Bytes on the line are kept.

        Asked for by the bus, amid the firmware's work, it comes at once: nothing that the work goes on to do reaches the bus.
        """
        self._reset_waits = reason
        if self._working:
            self._failure = _CUT_OFF if self._failure is None else self._failure
            return
        while self._reset_waits >= 0:
            self._start(self._reset_waits)

    cdef _start(self, int reason):
        self._port.start.reset = reason
        self._port.start.boot_id = int.from_bytes(os.urandom(4), "little")
        self._working, self._reset_waits = True, -1
        firmware_init(self._firmware, self._cells, self._port)
        if self._name is not None:
            firmware_set_name(self._firmware, self._name)
        self._end_work()

    def feed(self, const uint8_t[::1] data not None):
        """Give the firmware bytes from the line; return how many its line buffer took."""
        return port_send(self._port, &data[0], data.shape[0]) if data.shape[0] else 0

    def take(self):
        """Return the bytes that the firmware has sent."""
        cdef uint8_t chunk[4096]
        pieces = []
        while True:
            count = port_receive(self._port, chunk, sizeof(chunk))
            if count == 0:
                return b"".join(pieces)
            pieces.append(PyBytes_FromStringAndSize(<const char *>chunk, count))

    def poll(self):
        """Run one slice of the main loop; return whether there may be more to do at once. Raises what a call of the bus raised."""
        self._working = True
        cdef bool_t busy = firmware_poll(self._firmware)
        self._end_work()
        if self._reset_waits >= 0:
            self.reset(self._reset_waits)
        return busy

    def rest(self, nanoseconds):
        """Let time pass; the firmware looks at it in the next poll."""
        self._bus.clock.advance(nanoseconds)

    @property
    def instructions(self):
        """Nobody counts the instructions of this process."""
        return None

    cdef _end_work(self):
        failure, self._failure = self._failure, None
        self._working = False
        if failure is not None and failure is not _CUT_OFF:
            raise failure


# The bus may raise anything; C code in between cannot carry it, so the first failure waits in the object and later
# calls of the same slice do nothing.

cdef void _spi_transfer(void *user, unsigned chip, const uint8_t *tx, uint8_t *rx, size_t size) noexcept:
    cdef HostFirmware board = <HostFirmware>user
    cdef bytes answer
    if rx != NULL:
        memset(rx, 0, size)
    if board._failure is not None:
        return
    try:
        answer = board._bus.transfer(chip, PyBytes_FromStringAndSize(<const char *>tx, size))
        if <size_t>len(answer) != size:
            raise BoardError(f"the bus answered {len(answer)} bytes to a frame of {size}; answer as many as were sent")
        if rx != NULL:
            memcpy(rx, <const char *>answer, size)
    except BaseException as failure:
        board._failure = failure


cdef void _pin_write(void *user, unsigned pin, bool_t high) noexcept:
    cdef HostFirmware board = <HostFirmware>user
    if board._failure is not None:
        return
    try:
        board._bus.pin_write(pin, bool(high))
    except BaseException as failure:
        board._failure = failure


cdef bool_t _pin_read(void *user, unsigned pin) noexcept:
    cdef HostFirmware board = <HostFirmware>user
    if board._failure is None:
        try:
            return board._bus.pin_read(pin)
        except BaseException as failure:
            board._failure = failure
    return False


cdef uint32_t _microseconds(void *user) noexcept:
    cdef HostFirmware board = <HostFirmware>user
    if board._failure is None:
        try:
            return board._bus.microseconds() & 0xFFFFFFFF
        except BaseException as failure:
            board._failure = failure
    return 0


cdef void _delay(void *user, uint32_t microseconds) noexcept:
    cdef HostFirmware board = <HostFirmware>user
    if board._failure is not None:
        return
    try:
        board._bus.delay(microseconds)
    except BaseException as failure:
        board._failure = failure
