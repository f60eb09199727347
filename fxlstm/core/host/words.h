/* Products by plans with 16-bit words: what sets without dot products of bytes share. A set includes this after lanes.h and
 * after it has defined, beside what that names,
 *
 *     pair_weights           weights of a pair of rows and a chunk's columns, as words
 *     words_of_pair(place)   of 16-bit weights
 *     bytes_of_pair(place)   of 8-bit weights, widened
 *     pair_codes             what drives a pair of rows
 *     codes_of(word)         two codes
 *     low_bytes(codes)       their low bytes, unsigned
 *     high_bytes(codes)      their high bytes, signed
 *     chunk_sums             32-bit sums of a chunk's lanes
 *     no_sums()              which are 0
 *     add_pair(s, w, codes)  and with the products of a pair of rows added
 *     widened(s)             as 64-bit sums of the chunk's columns
 *
 * Internal to the core.
 */
#ifndef FX_WORDS_H
#define FX_WORDS_H

#include "../kernels/kernels.h"
#include "converters.h"
#include "lanes.h"
#include "plan.h"

#define UNROLL _Pragma("GCC unroll 16")
#define MOST_SUMS 6u /* of a tile: sequences times chunks, or twice that in halves, whose sums stay in registers */
#define FEW_PAIRS 16u

/* ---- exact sums */

/* What is multiplied and summed in 32 bits. */
typedef enum {
    WORDS,  /* 16-bit weights and codes */
    BYTES,  /* 8-bit weights and 16-bit codes */
    HALVES, /* 16-bit weights, and codes in two bytes: where the sums of hardly any pairs of words fit 32 bits */
} summing;

INLINE summing summing_of(const fx_packed *matrix) {
    return matrix->form == FX_NARROW_WORDS ? BYTES : matrix->safe_pairs < FEW_PAIRS ? HALVES : WORDS;
}

/* Pairs whose products 32 bits hold: a byte of a code is less than 1/128 of it. */
INLINE uint32_t pairs_at_once(const fx_packed *matrix, summing how) {
    return how == HALVES ? 128 * matrix->safe_pairs : matrix->safe_pairs;
}

INLINE uint32_t pair_bytes(summing how) {
    return 2 * FX_LANES * (how == BYTES ? 1 : 2);
}

/* Add a pair of rows; in halves, the second half of the sums is that of the codes' high bytes. */
INLINE void add_rows(chunk_sums *acc, summing how, const int8_t *weights, size_t chunk_bytes, uint32_t chunks,
                     const uint32_t *words, size_t word_stride, uint32_t count) {
    UNROLL for (uint32_t c = 0; c < chunks; c++) {
        const int8_t *place = weights + c * chunk_bytes;
        pair_weights pair = how == BYTES ? bytes_of_pair(place) : words_of_pair(place);
        UNROLL for (uint32_t s = 0; s < count; s++) {
            const pair_codes codes = codes_of(words[s * word_stride]);
            chunk_sums *own = acc + s * chunks + c, *high = own + count * chunks;
            *own = add_pair(*own, pair, how == HALVES ? low_bytes(codes) : codes);
            if (how == HALVES) {
                *high = add_pair(*high, pair, high_bytes(codes));
            }
        }
    }
}

INLINE void accumulate(const fx_planned_product *product, summing how, uint32_t count, uint32_t chunks, uint32_t chunk,
                       uint32_t first, uint32_t end, lanes *sums) {
    const fx_packed *matrix = product->matrix;
    const uint32_t own = count * chunks, parts = how == HALVES ? 2 * own : own, most = pairs_at_once(matrix, how);
    const int8_t *weights = matrix->weights + chunk * matrix->chunk_bytes;
    for (uint32_t i = 0; i < own; i++) {
        sums[i] = no_lanes();
    }
    for (uint32_t pair = 2 * first, stop; pair < 2 * end; pair = stop) {
        chunk_sums acc[MOST_SUMS];
        stop = 2 * end - pair < most ? 2 * end : pair + most;
        UNROLL for (uint32_t i = 0; i < parts; i++) {
            acc[i] = no_sums();
        }
        for (uint32_t i = pair; i < stop; i++) {
            add_rows(acc, how, weights + (size_t)i * pair_bytes(how), matrix->chunk_bytes, chunks, product->words + i,
                     product->word_stride, count);
        }
        UNROLL for (uint32_t i = 0; i < own; i++) {
            sums[i] = plus(sums[i], widened(acc[i]));
            sums[i] = how == HALVES ? plus(sums[i], times_256(widened(acc[own + i]))) : sums[i];
        }
    }
}

/* Puts the sums of a tile over groups first..end, sequence after sequence, chunk after chunk. */
typedef void accumulate_function(const fx_planned_product *product, uint32_t chunk, uint32_t first, uint32_t end,
                                 lanes *sums);

#define DEFINE(how, count, chunks)                                                                                     \
    static void how##_##count##_##chunks(const fx_planned_product *product, uint32_t chunk, uint32_t first,            \
                                         uint32_t end, lanes *sums) {                                                  \
        accumulate(product, how, count, chunks, chunk, first, end, sums);                                              \
    }

DEFINE(WORDS, 6, 1)
DEFINE(WORDS, 4, 1)
DEFINE(WORDS, 2, 2)
DEFINE(WORDS, 2, 1)
DEFINE(WORDS, 1, 4)
DEFINE(WORDS, 1, 1)
DEFINE(BYTES, 6, 1)
DEFINE(BYTES, 4, 1)
DEFINE(BYTES, 2, 2)
DEFINE(BYTES, 2, 1)
DEFINE(BYTES, 1, 4)
DEFINE(BYTES, 1, 1)
DEFINE(HALVES, 2, 1)
DEFINE(HALVES, 1, 2)
DEFINE(HALVES, 1, 1)

/* A tile's shape, and the function for as many chunks and that for one. */
typedef struct {
    uint32_t count; /* sequences */
    uint32_t chunks;
    accumulate_function *whole;
    accumulate_function *single;
} tile_shape;

/* From many sequences to one. */
static const tile_shape SHAPES[][4] = {
    [WORDS] = {{6, 1, WORDS_6_1, WORDS_6_1},
               {4, 1, WORDS_4_1, WORDS_4_1},
               {2, 2, WORDS_2_2, WORDS_2_1},
               {1, 4, WORDS_1_4, WORDS_1_1}},
    [BYTES] = {{6, 1, BYTES_6_1, BYTES_6_1},
               {4, 1, BYTES_4_1, BYTES_4_1},
               {2, 2, BYTES_2_2, BYTES_2_1},
               {1, 4, BYTES_1_4, BYTES_1_1}},
    [HALVES] = {{2, 1, HALVES_2_1, HALVES_2_1}, {1, 2, HALVES_1_2, HALVES_1_1}},
};

/* ---- tiles */

typedef struct {
    uint32_t count; /* sequences */
    uint32_t chunks;
    uint32_t chunk; /* the first */
    accumulate_function *accumulate;
} tile;

/* The tile at a chunk for the next of the sequences. */
static tile tile_at(const fx_planned_product *product, uint32_t chunk) {
    const tile_shape *shape = SHAPES[summing_of(product->matrix)];
    while (shape->count > product->count) {
        shape++;
    }
    bool whole = chunk + shape->chunks <= product->matrix->chunks;
    return (tile){shape->count, whole ? shape->chunks : 1, chunk, whole ? shape->whole : shape->single};
}

/* A stage's sums, with what has been multiplied ahead; of an ADC its codes, in the unit of the columns' sums. */
static void sum_stage(const fx_planned_product *product, tile own, uint32_t index, lanes *sums) {
    const fx_packed *matrix = product->matrix;
    const fx_stage *stage = matrix->stages + index;
    own.accumulate(product, own.chunk, index == 0 ? product->first_group : stage->first_group,
                   stage->first_group + stage->groups, sums);
    for (uint32_t i = 0; i < own.count * own.chunks; i++) {
        uint32_t sequence = i / own.chunks, chunk = own.chunk + i % own.chunks;
        if (index == 0 && product->ahead != NULL) {
            sums[i] = plus(sums[i], load(product->ahead + sequence * product->ahead_stride + chunk * FX_LANES));
        }
        if (matrix->adc_highest != 0) {
            const fx_lane_stage *adc = matrix->lanes + chunk * matrix->stage_count + index;
            sums[i] = converted(sums[i], stage->wide, adc, matrix->adc_highest, &product->clipped->adc);
        }
    }
}

static void multiply_tile(const fx_planned_product *product, tile own) {
    const fx_packed *matrix = product->matrix;
    const bool wide = matrix->adc_highest == 0 && matrix->stages->wide;
    lanes totals[MOST_SUMS], sums[MOST_SUMS];
    sum_stage(product, own, 0, totals);
    for (uint32_t stage = 1; stage < matrix->stage_count; stage++) {
        sum_stage(product, own, stage, sums);
        for (uint32_t i = 0; i < own.count * own.chunks; i++) {
            totals[i] = plus(totals[i], sums[i]);
        }
    }
    for (uint32_t i = 0; i < own.count * own.chunks; i++) {
        uint32_t sequence = i / own.chunks, first = (own.chunk + i % own.chunks) * FX_LANES;
        rescale(totals[i], wide, matrix->scales + first / FX_LANES, matrix->columns - first,
                product->results + sequence * product->result_stride + first, &product->clipped->result);
    }
}

static void multiply(const fx_planned_product *product) {
    for (fx_planned_product left = *product; left.count > 0;) {
        tile own = tile_at(&left, 0);
        for (uint32_t chunk = 0; chunk < product->matrix->chunks; chunk += own.chunks) {
            own = tile_at(&left, chunk);
            multiply_tile(&left, own);
        }
        left = fx_product_after(&left, own.count);
    }
}

static void multiply_ahead(const fx_planned_product *product, int64_t *kept, size_t stride) {
    lanes sums[MOST_SUMS];
    for (fx_planned_product left = *product; left.count > 0;) {
        tile own = tile_at(&left, 0);
        for (uint32_t chunk = 0; chunk < product->matrix->chunks; chunk += own.chunks) {
            own = tile_at(&left, chunk);
            own.accumulate(&left, chunk, 0, product->matrix->ahead_groups, sums);
            for (uint32_t i = 0; i < own.count * own.chunks; i++) {
                size_t sequence = product->count - left.count + i / own.chunks;
                memcpy(kept + sequence * stride + (chunk + i % own.chunks) * FX_LANES, sums + i, sizeof sums[i]);
            }
        }
        left = fx_product_after(&left, own.count);
    }
}

/* ---- what drives the rows */

static void drive(const fx_packed *matrix, const fx_segment *segment, uint32_t dac_bits, const fx_driving *driving) {
    (void)matrix;
    const int16_t *codes = driving->codes + segment->row;
    uint32_t *words = driving->words + segment->first_group * FX_WORDS_PER_GROUP;
    for (uint32_t i = 0; i < driving->count; i++, codes += driving->stride, words += driving->word_stride) {
        int16_t *to = (int16_t *)(void *)words;
        drive_rows(dac_bits, codes, to, segment->rows);
        memset(to + segment->rows, 0, (segment->groups * 4 - segment->rows) * sizeof *to);
    }
}

#endif
