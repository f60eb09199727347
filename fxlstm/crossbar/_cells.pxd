"""What the extension uses of c/cells.h and of the core's native.h."""

from libc.stdint cimport int16_t, uint32_t, uint64_t


cdef extern from "native.h" nogil:
    const char *FX_NATIVE
    ctypedef int fx_status
    int FX_OK

    ctypedef struct fx_native:
        void *context
        fx_status (*multiply)(void *context, size_t tile, uint32_t count, const int16_t *rows, size_t row_stride,
                              int16_t *columns, size_t column_stride) noexcept nogil


cdef extern from "cells.h" nogil:
    size_t FX_ROW_STEP
    size_t FX_COLUMN_STEP

    ctypedef struct fx_cells:
        size_t rows
        size_t columns
        size_t padded_rows
        size_t padded_columns
        const double *gain
        const float *variance
        const double *correction
        unsigned bits
        bint column_pairs

    ctypedef struct fx_readings:
        uint32_t key[2]
        uint64_t vectors
        uint64_t clipped
        unsigned char *scratch

    size_t fx_cells_scratch(size_t rows, size_t columns)
    uint64_t fx_cells_read(const fx_cells *cells, fx_readings *readings, size_t count, const int16_t *rows, size_t row_stride,
                           int16_t *codes, size_t code_stride)
    void fx_normals(fx_readings *readings, size_t count, size_t columns, float *normals)
    const char *fx_cells_set_name(size_t index)
    bint fx_cells_usable(size_t index)
    bint fx_cells_choose(size_t index)
