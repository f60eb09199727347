/* Reading cells of every small shape, with noise and without, stays inside its memory and does the same on every
 * instruction set. */
#include <stdlib.h>

#include "cells.h"
#include "check.h"

enum { LARGEST = 19, VECTORS = 6 };

static double number(void) {
    return rand() / (double)RAND_MAX - 0.5;
}

/* Exactly as much memory as asked for, so that the sanitizer sees any access beyond. */
static void *memory(size_t bytes) {
    void *made = aligned_alloc(64, (bytes + 63) / 64 * 64);
    CHECK(made != NULL);
    return made;
}

static uint64_t read_block(const fx_cells *cells, const int16_t *rows, int16_t *codes) {
    unsigned char *scratch = memory(fx_cells_scratch(cells->rows, cells->columns));
    fx_readings readings = {.key = {1, 2}, .vectors = 0xFFFFFFFE, .scratch = scratch};
    uint64_t clipped = fx_cells_read(cells, &readings, VECTORS, rows, cells->rows, codes, cells->columns);
    float *normals = memory(VECTORS * cells->columns * sizeof *normals);
    fx_normals(&readings, VECTORS, cells->columns, normals);
    CHECK(readings.vectors == 0xFFFFFFFE + 2 * (uint64_t)VECTORS);
    free(normals);
    free(scratch);
    return clipped;
}

static void check_shape(size_t rows, size_t columns, unsigned bits) {
    size_t height = (rows + FX_ROW_STEP - 1) / FX_ROW_STEP * FX_ROW_STEP;
    size_t width = (columns + FX_COLUMN_STEP - 1) / FX_COLUMN_STEP * FX_COLUMN_STEP;
    double *gain = memory(height * width * sizeof *gain), *correction = memory(2 * width * sizeof *correction);
    float *variance = memory(height * width * sizeof *variance);
    int16_t *inputs = memory(VECTORS * rows * sizeof *inputs), *first = memory(VECTORS * columns * sizeof *first);
    int16_t *codes = memory(VECTORS * columns * sizeof *codes);
    for (size_t i = 0; i < height * width; i++) {
        gain[i] = number();
        variance[i] = (float)(gain[i] * gain[i]);
    }
    for (size_t i = 0; i < 2 * width; i++) {
        correction[i] = 65536 * (1 + number());
    }
    for (size_t i = 0; i < VECTORS * rows; i++) {
        inputs[i] = (int16_t)(32767 * 2 * number());
    }
    fx_cells cells = {rows, columns, height, width, gain, variance, correction, bits, 0};
    uint64_t clipped = 0;
    int known = 0; /* what another set gave */
    for (size_t set = 0; fx_cells_set_name(set) != NULL; set++) {
        if (!fx_cells_choose(set)) {
            continue;
        }
        uint64_t now = read_block(&cells, inputs, codes);
        for (size_t i = 0; i < VECTORS * columns; i++) {
            CHECK(!known || codes[i] == first[i]);
            first[i] = codes[i];
        }
        CHECK(!known || now == clipped);
        clipped = now;
        known = 1;
    }
    free(gain), free(correction), free(variance), free(inputs), free(first), free(codes);
}

int main(void) {
    for (size_t rows = 1; rows <= LARGEST; rows++) {
        for (size_t columns = 1; columns <= LARGEST; columns++) {
            check_shape(rows, columns, 2 + (unsigned)(rows + columns) % 15);
        }
    }
    return 0;
}
