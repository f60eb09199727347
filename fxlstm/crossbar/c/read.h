/* Reading a block of cells in plain loops over columns, which cells.c has compiled for every instruction set.
 */
#ifndef FX_READ_H
#define FX_READ_H

#include "cells.h"
#include "noise.h"

enum { TOGETHER = 4 }; /* vectors that share the cells fetched from memory */

#define FX_STEPS(count, step) (((count) + (step) - 1) / (step) * (step))

/* Parts of the scratch, each for TOGETHER vectors one after another. */
typedef struct {
    double *drive;   /* row codes, padded */
    float *power;    /* their squares */
    double *sums;    /* currents in ADC codes, padded */
    float *variance; /* of these */
    float *normals;  /* first members of pairs, then second ones */
    int16_t *codes;  /* of one vector, padded */
} fx_scratch;

ALWAYS void prepare(double *RESTRICT drive, float *RESTRICT power, const int16_t *RESTRICT codes, size_t rows,
                    size_t padded) {
    for (size_t row = 0; row < rows; row++) {
        float value = codes[row];
        drive[row] = codes[row];
        power[row] = value * value;
    }
    for (size_t row = rows; row < padded; row++) {
        drive[row] = 0;
        power[row] = 0;
    }
}

/* Sums over the rows in order, for `together` vectors; every product and every sum is rounded by itself. */
#define DEFINE_SUMS(name, type)                                                                                        \
    ALWAYS void name(type *RESTRICT sums, const type *RESTRICT cells, const type *RESTRICT drive, size_t rows,         \
                     size_t columns, size_t together) {                                                                \
        memset(sums, 0, together * columns * sizeof *sums);                                                            \
        for (size_t row = 0; row < rows; row += FX_ROW_STEP) {                                                         \
            const type *RESTRICT step = cells + row * columns;                                                         \
            for (size_t column = 0; column < columns; column++) {                                                      \
                for (size_t vector = 0; vector < together; vector++) {                                                 \
                    type sum = sums[vector * columns + column];                                                        \
                    for (size_t i = 0; i < FX_ROW_STEP; i++) {                                                         \
                        sum += drive[vector * rows + row + i] * step[i * columns + column];                            \
                    }                                                                                                  \
                    sums[vector * columns + column] = sum;                                                             \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

DEFINE_SUMS(sum_currents, double)
DEFINE_SUMS(sum_variances, float)

ALWAYS void add_scaled(double *RESTRICT sums, const float *RESTRICT variance, const float *RESTRICT normals,
                       size_t columns) {
    for (size_t column = 0; column < columns; column++) {
        sums[column] += sqrtf(variance[column]) * normals[column];
    }
}

/* Columns in the first half take the first members of pairs, the others the second ones. */
ALWAYS void add_noise(const fx_cells *cells, const fx_readings *readings, const fx_scratch *scratch, size_t together) {
    size_t width = cells->padded_columns, pairs = FX_PAIRS(cells->columns), stride = FX_STEPS(pairs, FX_COLUMN_STEP);
    for (size_t vector = 0; vector < together; vector++) {
        float *first = scratch->normals + vector * 2 * stride;
        normal_pairs(readings->key, readings->vectors + vector, stride, first, first + stride);
    }
    for (size_t vector = 0; vector < together; vector++) {
        double *sums = scratch->sums + vector * width;
        const float *variance = scratch->variance + vector * width, *first = scratch->normals + vector * 2 * stride;
        add_scaled(sums, variance, first, pairs);
        add_scaled(sums + pairs, variance + pairs, first + stride, cells->columns - pairs);
    }
}

/* floor(value + 1/2) saturated to `bits`, on the grid of 16 bits; returns how many were beyond. */
ALWAYS int32_t saturate(const double *RESTRICT values, size_t columns, unsigned bits, int16_t *RESTRICT codes) {
    double limit = (double)(1 << (bits - 1));
    int32_t grid = 1 << (16 - bits), clipped = 0;
    for (size_t column = 0; column < columns; column++) {
        double exact = values[column] + 0.5;
        double held = exact < -limit ? -limit : exact;
        held = held > limit - 1 ? limit - 1 : held;
        int32_t code = (int32_t)held; /* towards zero */
        code -= (double)code > held ? 1 : 0;
        clipped += (exact < -limit) | (exact >= limit);
        codes[column] = (int16_t)(code * grid);
    }
    return clipped;
}

/* Codes times gains plus offsets of the columns, exact until they are rounded once; `values` is scratch. */
ALWAYS int32_t correct(const double *RESTRICT correction, size_t columns, double *RESTRICT values,
                       int16_t *RESTRICT codes) {
    for (size_t column = 0; column < columns; column++) {
        values[column] = (codes[column] * correction[column] + correction[columns + column]) * (1.0 / 65536);
    }
    return saturate(values, columns, 16, codes);
}

/* Codes of every other column less those of the next one; returns how many saturated. */
ALWAYS int32_t subtract(const int16_t *RESTRICT codes, size_t columns, int16_t *RESTRICT result) {
    int32_t clipped = 0;
    for (size_t pair = 0; pair < columns / 2; pair++) {
        int32_t exact = codes[2 * pair] - codes[2 * pair + 1];
        int32_t held = exact < -32768 ? -32768 : exact > 32767 ? 32767 : exact;
        clipped += held != exact;
        result[pair] = (int16_t)held;
    }
    return clipped;
}

/* Read `together` vectors. */
ALWAYS uint64_t read_some(const fx_cells *cells, fx_readings *readings, const fx_scratch *scratch, size_t together,
                          const int16_t *rows, size_t row_stride, int16_t *codes, size_t code_stride) {
    size_t height = cells->padded_rows, width = cells->padded_columns;
    int32_t clipped = 0;
    for (size_t vector = 0; vector < together; vector++) {
        prepare(scratch->drive + vector * height, scratch->power + vector * height, rows + vector * row_stride,
                cells->rows, height);
    }
    sum_currents(scratch->sums, cells->gain, scratch->drive, height, width, together);
    if (cells->variance != NULL) {
        sum_variances(scratch->variance, cells->variance, scratch->power, height, width, together);
        add_noise(cells, readings, scratch, together);
    }
    for (size_t vector = 0; vector < together; vector++) {
        double *sums = scratch->sums + vector * width;
        clipped += saturate(sums, width, cells->bits, scratch->codes);
        if (cells->correction != NULL) {
            clipped += correct(cells->correction, width, sums, scratch->codes);
        }
        if (cells->column_pairs) {
            clipped += subtract(scratch->codes, cells->columns, codes + vector * code_stride);
        } else {
            memcpy(codes + vector * code_stride, scratch->codes, cells->columns * sizeof *codes);
        }
    }
    readings->vectors += together;
    return (uint64_t)clipped;
}

ALWAYS uint64_t read_all(const fx_cells *cells, fx_readings *readings, const fx_scratch *scratch, size_t count,
                         const int16_t *rows, size_t row_stride, int16_t *codes, size_t code_stride) {
    uint64_t clipped = 0;
    size_t done = 0;
    for (; done + TOGETHER <= count; done += TOGETHER) {
        clipped += read_some(cells, readings, scratch, TOGETHER, rows + done * row_stride, row_stride,
                             codes + done * code_stride, code_stride);
    }
    for (; done < count; done++) {
        clipped += read_some(cells, readings, scratch, 1, rows + done * row_stride, row_stride,
                             codes + done * code_stride, code_stride);
    }
    return clipped;
}

#endif
