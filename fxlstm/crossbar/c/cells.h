/* Cells of a crossbar that are read: currents, read noise and ADC codes. fxlstm/crossbar/plain.py is the definition.
 *
 * Bits are the same whatever the instruction set, the compiler and the number of vectors in a call: sums of currents are
 * exact, sums of variances run over the rows in order, and noise depends on its key and the vector's number alone. Compile
 * with -ffp-contract=off.
 */
#ifndef FX_CELLS_H
#define FX_CELLS_H

#include <stddef.h>
#include <stdint.h>

enum {
    FX_ROW_STEP = 4,   /* cells are padded by zeros to whole steps of rows */
    FX_COLUMN_STEP = 8 /* and of columns */
};

/* A block of cells, padded. */
typedef struct {
    size_t rows, columns;               /* without padding */
    size_t padded_rows, padded_columns; /* of the matrices, a row of which is contiguous */
    const double *gain;                 /* ADC codes per row code, in units that make every sum exact */
    const float *variance;              /* of a reading, ADC codes squared per row code squared, or NULL: no noise */
    const double *correction;           /* gain, then offset of each column's codes, in 2**-16, padded; or NULL */
    unsigned bits;                      /* of the ADC */
    int column_pairs;                   /* not 0: codes are those of every other column less those of the next one */
} fx_cells;

/* What goes on from one reading of an array to the next. */
typedef struct {
    uint32_t key[2];        /* of the noise */
    uint64_t vectors;       /* how many have been read, below 2**53 */
    uint64_t clipped;       /* codes that an ADC or a correction has saturated; who reads adds to it */
    unsigned char *scratch; /* fx_cells_scratch() bytes, aligned to 64 */
} fx_readings;

/* Bytes of scratch for blocks of at most so many cells. */
size_t fx_cells_scratch(size_t rows, size_t columns);

/* Read `count` vectors of row codes; returns how many codes clipped, twice where a correction did so too. Strides are in codes from one vector to the next. */
uint64_t fx_cells_read(const fx_cells *cells, fx_readings *readings, size_t count, const int16_t *rows,
                       size_t row_stride, int16_t *codes, size_t code_stride);

/* The standard normal numbers of the next `count` vectors, each of `columns` numbers. */
void fx_normals(fx_readings *readings, size_t count, size_t columns, float *normals);

/* The instruction sets this build has, best first; the last one runs anywhere and is in use until another is chosen. */
const char *fx_cells_set_name(size_t index); /* NULL past the end */
int fx_cells_usable(size_t index);           /* whether this machine can */
int fx_cells_choose(size_t index);           /* 0, and nothing changes, when it cannot */

#endif
