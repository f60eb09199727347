"""Reading cells in C: check, release the GIL, one C call. :mod:`fxlstm.crossbar.plain` is the definition."""

from cpython.pycapsule cimport PyCapsule_New
from cpython.pythread cimport (
    PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock, PyThread_release_lock, PyThread_type_lock, WAIT_LOCK,
)
from libc.stdint cimport int16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

import numpy as np

LARGEST_COUNT = 2**53  # of vectors whose noise is told apart
ALIGNMENT = 64  # bytes of a vector register


def instruction_sets():
    """Names of the instruction sets that this machine can read cells with, best first; the best is in use from the start."""
    return [name for index, name in enumerate(_every_set()) if fx_cells_usable(index)]


def choose_instruction_set(str name not None):
    """Read all cells with an instruction set from now on; the bits do not depend on it."""
    names = _every_set()
    if name not in names or not fx_cells_choose(names.index(name)):
        raise ValueError(f"no instruction set {name!r} on this machine")


def _every_set():
    names = []
    cdef const char *name = fx_cells_set_name(0)
    while name != NULL:
        names.append(name.decode())
        name = fx_cells_set_name(len(names))
    return names


choose_instruction_set(instruction_sets()[0])


cdef struct Reader:
    fx_readings readings
    PyThread_type_lock lock


cdef class Readings:
    """What goes on from one reading of an array to the next: its noise, by ``key`` (two uint32), and how many codes clipped.

    ``rows`` and ``columns``: of the largest block that is read. One thread reads at a time; others wait.
    """

    cdef Reader reader
    cdef object memory
    cdef readonly size_t rows, columns

    def __cinit__(self):
        self.reader.lock = PyThread_allocate_lock()
        if self.reader.lock == NULL:
            raise MemoryError()

    def __init__(self, key, size_t rows, size_t columns):
        self.reader.readings.key[0], self.reader.readings.key[1] = key
        self.rows, self.columns = rows, columns
        memory = np.zeros(fx_cells_scratch(rows, columns) + ALIGNMENT, np.uint8)
        self.memory = memory[-memory.ctypes.data % ALIGNMENT:]
        cdef unsigned char[::1] view = self.memory
        self.reader.readings.scratch = &view[0]

    def __dealloc__(self):
        if self.reader.lock != NULL:
            PyThread_free_lock(self.reader.lock)

    @property
    def vectors(self):
        """How many vectors have been read: the number of the one whose noise is next."""
        return self.reader.readings.vectors

    @vectors.setter
    def vectors(self, uint64_t number):
        if number >= LARGEST_COUNT:
            raise ValueError(f"{number} vectors read")
        self.reader.readings.vectors = number

    @property
    def clipped(self):
        """How many codes have been counted as clipped."""
        return self.reader.readings.clipped

    @clipped.setter
    def clipped(self, uint64_t number):
        self.reader.readings.clipped = number

    def count(self, uint64_t clipped):
        """Count codes that clipped elsewhere."""
        with nogil:
            PyThread_acquire_lock(self.reader.lock, WAIT_LOCK)
            self.reader.readings.clipped += clipped
            PyThread_release_lock(self.reader.lock)

    def normals(self, size_t count, size_t columns):
        """Standard normal numbers for the next ``count`` vectors, float32 (count, columns)."""
        if columns > self.columns:
            raise ValueError(f"{columns} columns of {self.columns}")
        result = np.empty((count, columns), np.float32)
        cdef float[:, ::1] view = result
        if result.size:
            with nogil:
                PyThread_acquire_lock(self.reader.lock, WAIT_LOCK)
                fx_normals(&self.reader.readings, count, columns, &view[0, 0])
                PyThread_release_lock(self.reader.lock)
        return result


cdef class CellBlock:
    """A block of cells to be read. ``gain``: ADC codes per row code, float64 (rows, columns), on the grid of ``exact_gain``.

    ``variance``: of a reading, in squares of that, float32 (rows, columns), or ``None``: no noise. ``bits``: of the ADC.
    """

    cdef fx_cells cells
    cdef Readings readings
    cdef object memory

    def __init__(self, gain, variance, unsigned bits, Readings readings not None):
        rows, columns = gain.shape
        if not 0 < rows <= readings.rows or not 0 < columns <= readings.columns:
            raise ValueError(f"a block of {rows} x {columns} cells")
        if not 1 < bits <= 16:
            raise ValueError(f"an ADC of {bits} bits")
        self.readings = readings
        self.memory = []
        self.cells.rows, self.cells.columns, self.cells.bits = rows, columns, bits
        self.cells.padded_rows, self.cells.padded_columns = _padded(rows, FX_ROW_STEP), _padded(columns, FX_COLUMN_STEP)
        cdef double[:, ::1] gains = self._keep(gain, self.cells.padded_rows, np.float64)
        self.cells.gain = &gains[0, 0]
        cdef float[:, ::1] variances
        if variance is not None:
            variances = self._keep(variance, self.cells.padded_rows, np.float32)
            self.cells.variance = &variances[0, 0]

    def _keep(self, matrix, rows, dtype):
        """A copy that lives as long as the block, padded by zeros."""
        result = np.zeros((rows, self.cells.padded_columns), dtype)
        result[:len(matrix), :self.cells.columns] = matrix
        self.memory.append(result)
        return result

    def as_tile(self, correction, bint column_pairs):
        """The same cells with what follows conversion: ``correction`` of the columns' codes, and differences of column pairs.

        ``correction``: gains and offsets in units of 2**-16, (columns,) each, or ``None``.
        """
        cdef CellBlock block = CellBlock.__new__(CellBlock)
        block.cells, block.readings, block.memory = self.cells, self.readings, list(self.memory)
        block.cells.column_pairs = column_pairs
        cdef double[:, ::1] numbers
        if correction is not None:
            numbers = block._keep(np.stack(correction), 2, np.float64)
            block.cells.correction = &numbers[0, 0]
        return block

    def read(self, const int16_t[:, ::1] codes not None):
        """Codes (vectors, columns) for row codes (vectors, rows), and how many of them clipped on the way."""
        if <size_t>codes.shape[1] != self.cells.rows:
            raise ValueError(f"{codes.shape[1]} codes for {self.cells.rows} rows")
        columns = self.cells.columns // 2 if self.cells.column_pairs else self.cells.columns
        result = np.empty((codes.shape[0], columns), np.int16)
        cdef int16_t[:, ::1] view = result
        cdef Reader *reader = &self.readings.reader
        cdef uint64_t clipped = 0
        if result.size:
            with nogil:
                PyThread_acquire_lock(reader.lock, WAIT_LOCK)
                clipped = fx_cells_read(&self.cells, &reader.readings, codes.shape[0], &codes[0, 0], self.cells.rows,
                                        &view[0, 0], view.shape[1])
                PyThread_release_lock(reader.lock)
        return result, clipped


cdef size_t _padded(size_t length, size_t step) noexcept:
    return (length + step - 1) // step * step


cdef struct Tile:
    const fx_cells *cells
    Reader *reader


cdef class NativeTiles:
    """The blocks that are a program's tiles, in its order; ``capsule`` holds the address of their ``fx_native``."""

    cdef fx_native native
    cdef Tile *tiles
    cdef object blocks
    cdef readonly object capsule

    def __init__(self, blocks):
        self.blocks = tuple(blocks)
        self.tiles = <Tile *>malloc(max(1, len(self.blocks)) * sizeof(Tile))
        if self.tiles == NULL:
            raise MemoryError()
        cdef CellBlock block
        cdef size_t index = 0
        for block in self.blocks:
            self.tiles[index].cells = &block.cells
            self.tiles[index].reader = &block.readings.reader
            index += 1
        self.native.context = <void *>self.tiles
        self.native.multiply = _multiply
        self.capsule = PyCapsule_New(&self.native, FX_NATIVE, NULL)

    def __dealloc__(self):
        free(self.tiles)


cdef fx_status _multiply(void *context, size_t tile, uint32_t count, const int16_t *rows, size_t row_stride,
                         int16_t *columns, size_t column_stride) noexcept nogil:
    """The fx_native function of all tiles."""
    cdef Tile *found = &(<Tile *>context)[tile]
    cdef Reader *reader = found.reader
    PyThread_acquire_lock(reader.lock, WAIT_LOCK)
    reader.readings.clipped += fx_cells_read(found.cells, &reader.readings, count, rows, row_stride, columns, column_stride)
    PyThread_release_lock(reader.lock)
    return FX_OK
