/* The instruction sets for which reading is compiled, and the choice between them.
 */
#include "cells.h"

#include "read.h"

/* ---- the loops of read.h and noise.h, compiled for each set */

typedef uint64_t (*fx_read)(const fx_cells *cells, fx_readings *readings, const fx_scratch *scratch, size_t count,
                            const int16_t *rows, size_t row_stride, int16_t *codes, size_t code_stride);
typedef void (*fx_fill)(const uint32_t key[2], uint64_t vector, size_t pairs, float *first, float *second);

#define DEFINE_SET(name, target)                                                                                       \
    target static uint64_t read_##name(const fx_cells *cells, fx_readings *readings, const fx_scratch *scratch,        \
                                       size_t count, const int16_t *rows, size_t row_stride, int16_t *codes,           \
                                       size_t code_stride) {                                                           \
        return read_all(cells, readings, scratch, count, rows, row_stride, codes, code_stride);                        \
    }                                                                                                                  \
    target static void fill_##name(const uint32_t key[2], uint64_t vector, size_t pairs, float *first,                 \
                                   float *second) {                                                                    \
        normal_pairs(key, vector, pairs, first, second);                                                               \
    }

static int always(void) {
    return 1;
}

DEFINE_SET(plain, )

#if defined(__x86_64__) && defined(__GNUC__)
#define FX_WIDE_SETS
DEFINE_SET(avx2, __attribute__((target("avx2"))))
DEFINE_SET(avx512, __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))))

static int has_avx2(void) {
    return __builtin_cpu_supports("avx2");
}

static int has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

/* ---- the choice */

static const struct {
    const char *name;
    int (*usable)(void);
    fx_read read;
    fx_fill fill;
} SETS[] = {
#ifdef FX_WIDE_SETS
    {"avx512", has_avx512, read_avx512, fill_avx512},
    {"avx2", has_avx2, read_avx2, fill_avx2},
#endif
    {"plain", always, read_plain, fill_plain},
};

enum { SET_COUNT = sizeof SETS / sizeof SETS[0] };

static size_t chosen = SET_COUNT - 1;

const char *fx_cells_set_name(size_t index) {
    return index < SET_COUNT ? SETS[index].name : NULL;
}

int fx_cells_usable(size_t index) {
    return index < SET_COUNT && SETS[index].usable();
}

int fx_cells_choose(size_t index) {
    if (!fx_cells_usable(index)) {
        return 0;
    }
    chosen = index;
    return 1;
}

/* ---- reading */

/* Lay scratch out for blocks of so many cells, the parts in vector registers first; returns how many bytes it takes. */
static size_t lay_out(unsigned char *memory, size_t rows, size_t columns, fx_scratch *scratch) {
    size_t height = FX_STEPS(rows, FX_ROW_STEP), width = FX_STEPS(columns, FX_COLUMN_STEP);
    size_t pairs = FX_STEPS(FX_PAIRS(columns), FX_COLUMN_STEP);
    size_t drive = TOGETHER * width * sizeof(double), variance = drive + TOGETHER * height * sizeof(double);
    size_t power = variance + TOGETHER * width * sizeof(float), normals = power + TOGETHER * height * sizeof(float);
    size_t codes = normals + TOGETHER * 2 * pairs * sizeof(float);
    *scratch = (fx_scratch){
        .sums = (double *)(void *)memory,
        .drive = (double *)(void *)(memory + drive),
        .variance = (float *)(void *)(memory + variance),
        .power = (float *)(void *)(memory + power),
        .normals = (float *)(void *)(memory + normals),
        .codes = (int16_t *)(void *)(memory + codes),
    };
    return codes + width * sizeof(int16_t);
}

size_t fx_cells_scratch(size_t rows, size_t columns) {
    static unsigned char nowhere[1];
    fx_scratch scratch;
    return lay_out(nowhere, rows, columns, &scratch);
}

uint64_t fx_cells_read(const fx_cells *cells, fx_readings *readings, size_t count, const int16_t *rows,
                       size_t row_stride, int16_t *codes, size_t code_stride) {
    fx_scratch scratch;
    lay_out(readings->scratch, cells->rows, cells->columns, &scratch);
    return SETS[chosen].read(cells, readings, &scratch, count, rows, row_stride, codes, code_stride);
}

void fx_normals(fx_readings *readings, size_t count, size_t columns, float *normals) {
    fx_scratch scratch;
    size_t pairs = FX_PAIRS(columns);
    lay_out(readings->scratch, 1, columns, &scratch);
    for (size_t vector = 0; vector < count; vector++, normals += columns) {
        SETS[chosen].fill(readings->key, readings->vectors++, pairs, scratch.normals, scratch.normals + pairs);
        memcpy(normals, scratch.normals, columns * sizeof *normals);
    }
}
