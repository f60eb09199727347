/* Plans with 16-bit words and whatever vectors a compiler has: what sets without dot products of bytes share. A set includes
 * this after it has defined
 *
 *     chunk_sums             32-bit sums of a chunk's lanes
 *     no_sums()              which are 0
 *     add_pair(s, w, word)   and with a pair of rows, weights at w, codes in a word, added
 *     widen(s, sums)         added to 64-bit sums, lane after lane
 *
 * Internal to the core.
 */
#ifndef FX_WORDS_H
#define FX_WORDS_H

#include <string.h>

#include "../arithmetic.h"
#include "../kernels/kernels.h"
#include "plan.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")
#define PAIR_WEIGHTS (2 * FX_LANES)
#define MOST_CHUNKS 4u /* sequences times chunks of a tile: their sums stay in registers */

/* ---- products */

/* Sums of `count` sequences and `chunks` chunks over groups first..end, sequence after sequence, chunk after chunk. */
INLINE void accumulate(const fx_planned_product *product, uint32_t count, uint32_t chunks, uint32_t chunk,
                       uint32_t first, uint32_t end, int64_t (*sums)[FX_LANES]) {
    const fx_packed *matrix = product->matrix;
    const int8_t *weights = matrix->weights + chunk * matrix->chunk_bytes;
    memset(sums, 0, count * chunks * sizeof *sums);
    for (uint32_t pair = 2 * first, stop; pair < 2 * end; pair = stop) {
        chunk_sums acc[MOST_CHUNKS];
        stop = 2 * end - pair < matrix->safe_pairs ? 2 * end : pair + matrix->safe_pairs;
        UNROLL for (uint32_t i = 0; i < count * chunks; i++) {
            acc[i] = no_sums();
        }
        for (uint32_t i = pair; i < stop; i++) {
            UNROLL for (uint32_t j = 0; j < count * chunks; j++) {
                const int8_t *own = weights + j % chunks * matrix->chunk_bytes + i * PAIR_WEIGHTS * sizeof(int16_t);
                acc[j] = add_pair(acc[j], (const int16_t *)(const void *)own,
                                  product->words[j / chunks * product->word_stride + i]);
            }
        }
        UNROLL for (uint32_t i = 0; i < count * chunks; i++) {
            widen(acc[i], sums[i]);
        }
    }
}

typedef struct {
    uint32_t count; /* sequences */
    uint32_t chunks;
    uint32_t chunk; /* the first */
} tile;

static void accumulate_tile(const fx_planned_product *product, tile own, uint32_t first, uint32_t end,
                            int64_t (*sums)[FX_LANES]) {
    if (own.count == 1 && own.chunks == 4) {
        accumulate(product, 1, 4, own.chunk, first, end, sums);
    } else if (own.count == 2 && own.chunks == 2) {
        accumulate(product, 2, 2, own.chunk, first, end, sums);
    } else if (own.count == 4) {
        accumulate(product, 4, 1, own.chunk, first, end, sums);
    } else {
        for (uint32_t i = 0; i < own.count; i++) {
            fx_planned_product one = *product;
            one.words += i * product->word_stride;
            accumulate(&one, 1, 1, own.chunk, first, end, sums + i);
        }
    }
}

/* A column's place among the sums of its chunk. */
INLINE uint32_t lane_of(uint32_t column) {
    return 2 * (column % (FX_LANES / 2)) + column / (FX_LANES / 2);
}

/* Turn a stage's sums into ADC codes, in the unit of the column's sum. */
static void convert(const fx_planned_product *product, const fx_lane_stage *stage, int64_t *sums) {
    int64_t highest = product->matrix->adc_highest;
    for (uint32_t column = 0; column < FX_LANES; column++) {
        int64_t *sum = sums + lane_of(column);
        int64_t exact = (*sum * stage->gain[column] + stage->half[column]) >> stage->shift[column];
        int64_t code = fx_clamp(exact, -highest - 1, highest);
        product->clipped->adc += code != exact;
        *sum = fx_left(code, (uint32_t)stage->left[column]);
    }
}

static void rescale(const fx_planned_product *product, uint32_t sequence, uint32_t chunk, const int64_t *sums) {
    const fx_lane_scales *scales = product->matrix->scales + chunk;
    uint32_t rest = product->matrix->columns - chunk * FX_LANES;
    int16_t *result = product->results + sequence * product->result_stride + chunk * FX_LANES;
    for (uint32_t column = 0; column < FX_LANES && column < rest; column++) {
        int64_t exact = sums[lane_of(column)] * scales->mantissa[column] + scales->bias[column];
        result[column] = fx_saturate(exact >> scales->shift[column], &product->clipped->result);
    }
}

/* Add a stage's sums, and what has been multiplied ahead, to a tile's totals. */
static void add_stage(const fx_planned_product *product, tile own, uint32_t index, int64_t (*totals)[FX_LANES]) {
    const fx_packed *matrix = product->matrix;
    const fx_stage *stage = matrix->stages + index;
    int64_t sums[MOST_CHUNKS][FX_LANES];
    accumulate_tile(product, own, index == 0 ? product->first_group : stage->first_group,
                    stage->first_group + stage->groups, sums);
    for (uint32_t i = 0; i < own.count * own.chunks; i++) {
        uint32_t s = i / own.chunks, chunk = own.chunk + i % own.chunks;
        const int64_t *ahead = product->ahead + s * product->ahead_stride + chunk * FX_LANES;
        for (uint32_t lane = 0; lane < FX_LANES && index == 0 && product->ahead != NULL; lane++) {
            sums[i][lane] += ahead[lane];
        }
        if (matrix->adc_highest != 0) {
            convert(product, matrix->lanes + chunk * matrix->stage_count + index, sums[i]);
        }
        for (uint32_t lane = 0; lane < FX_LANES; lane++) {
            totals[i][lane] += sums[i][lane];
        }
    }
}

static void multiply_tile(const fx_planned_product *product, tile own) {
    int64_t totals[MOST_CHUNKS][FX_LANES] = {{0}};
    for (uint32_t i = 0; i < product->matrix->stage_count; i++) {
        add_stage(product, own, i, totals);
    }
    for (uint32_t i = 0; i < own.count * own.chunks; i++) {
        rescale(product, i / own.chunks, own.chunk + i % own.chunks, totals[i]);
    }
}

/* What is left of a product behind its first `count` sequences. */
static fx_planned_product after(const fx_planned_product *product, uint32_t count) {
    fx_planned_product others = *product;
    others.count -= count;
    others.words += count * product->word_stride;
    others.ahead = product->ahead == NULL ? NULL : product->ahead + count * product->ahead_stride;
    others.results = product->results == NULL ? NULL : product->results + count * product->result_stride;
    return others;
}

/* The tile at a chunk for the next of `count` sequences. */
static tile tile_at(const fx_packed *matrix, uint32_t count, uint32_t chunk) {
    uint32_t sequences = count >= 4 ? 4 : count >= 2 ? 2 : 1, chunks = MOST_CHUNKS / sequences;
    return (tile){sequences, chunk + chunks <= matrix->chunks ? chunks : 1, chunk};
}

static void multiply(const fx_planned_product *product) {
    for (fx_planned_product left = *product; left.count > 0;) {
        tile own = {0, 0, 0};
        for (uint32_t chunk = 0; chunk < product->matrix->chunks; chunk += own.chunks) {
            own = tile_at(product->matrix, left.count, chunk);
            multiply_tile(&left, own);
        }
        left = after(&left, own.count);
    }
}

static void multiply_ahead(const fx_planned_product *product, int64_t *kept, size_t stride) {
    int64_t sums[MOST_CHUNKS][FX_LANES];
    for (fx_planned_product left = *product; left.count > 0;) {
        tile own = {0, 0, 0};
        for (uint32_t chunk = 0; chunk < product->matrix->chunks; chunk += own.chunks) {
            own = tile_at(product->matrix, left.count, chunk);
            accumulate_tile(&left, own, 0, product->matrix->ahead_groups, sums);
            for (uint32_t i = 0; i < own.count * own.chunks; i++) {
                size_t sequence = product->count - left.count + i / own.chunks;
                memcpy(kept + sequence * stride + (own.chunk + i % own.chunks) * FX_LANES, sums[i], sizeof sums[i]);
            }
        }
        left = after(&left, own.count);
    }
}

/* ---- what drives the rows */

static void drive(const fx_packed *matrix, const fx_segment *segment, uint32_t dac_bits, const int16_t *codes,
                  uint32_t *words) {
    (void)matrix;
    const int32_t largest = (1 << (dac_bits - 1)) - 1, half = dac_bits == 16 ? 0 : 1 << (15 - dac_bits);
    int16_t *to = (int16_t *)(void *)(words + segment->first_group * FX_WORDS_PER_GROUP);
    for (uint32_t i = 0; i < segment->rows; i++) {
        int32_t level = (codes[segment->row + i] + half) >> (16 - dac_bits);
        level = level > largest ? largest : level < -largest ? -largest : level;
        to[i] = (int16_t)(level * (1 << (16 - dac_bits)));
    }
    for (uint32_t i = segment->rows; i < segment->groups * 4; i++) {
        to[i] = 0;
    }
}

/* ---- element-wise, in 32-bit arithmetic (fits_32_bits in plan.c), as loops that compilers turn into vectors */

#define FOR_EACH(value)                                                                                                \
    const int16_t *a = arena + operation->a, *b = arena + operation->b;                                                \
    const int16_t *c = arena + operation->c, *d = arena + operation->d;                                                \
    int16_t *result = arena + operation->result;                                                                       \
    (void)a, (void)b, (void)c, (void)d;                                                                                \
    uint32_t clipped = 0;                                                                                              \
    for (uint32_t i = 0; i < operation->length; i++) {                                                                 \
        int32_t exact = (value);                                                                                       \
        int32_t code = exact > INT16_MAX ? INT16_MAX : exact < INT16_MIN ? INT16_MIN : exact;                          \
        clipped += exact != code;                                                                                      \
        result[i] = (int16_t)code;                                                                                     \
    }                                                                                                                  \
    return clipped;

static int32_t half_of(uint32_t shift) {
    return shift == 0 ? 0 : 1 << (shift - 1);
}

static uint32_t product(const fx_operation *operation, int16_t *arena) {
    const int32_t half = half_of(operation->shift), shift = operation->shift;
    FOR_EACH((a[i] * b[i] + half) >> shift)
}

/* The term with the smaller left shift is shifted down instead, by bits that the right shift drops anyway. Where both are
 * shifted alike, halves are added, as their sum may not fit. */
static uint32_t product_sum(const fx_operation *operation, int16_t *arena) {
    const uint32_t ab = operation->shift_ab, cd = operation->shift_cd, least = ab < cd ? ab : cd;
    const uint32_t down_ab = cd - least, down_cd = ab - least, alike = ab == cd;
    const uint32_t rest = operation->shift - least - (alike ? 1 : down_ab + down_cd);
    const int32_t half = half_of(rest);
    if (alike) {
        FOR_EACH(((a[i] * b[i] & c[i] * d[i]) + ((a[i] * b[i] ^ c[i] * d[i]) >> 1) + half) >> rest)
    }
    FOR_EACH(((a[i] * b[i] >> down_ab) + (c[i] * d[i] >> down_cd) + half) >> rest)
}

static uint32_t sum(const fx_operation *operation, int16_t *arena) {
    const int32_t left_a = 1 << operation->shift_ab, left_b = 1 << operation->shift_cd;
    const int32_t half = half_of(operation->shift), shift = operation->shift;
    FOR_EACH((a[i] * left_a + b[i] * left_b + half) >> shift)
}

static uint32_t complement(const fx_operation *operation, int16_t *arena) {
    const int32_t unit = 1 << operation->shift;
    FOR_EACH(unit - a[i])
}

/* a b + (2^15 - a) c = 2^15 c + a (b - c). */
static uint32_t interpolate(const fx_operation *operation, int16_t *arena) {
    FOR_EACH(c[i] + ((a[i] * (b[i] - c[i]) + (1 << 14)) >> 15))
}

static uint32_t copy(const fx_operation *operation, int16_t *arena) {
    const int32_t left = 1 << operation->shift_ab, half = half_of(operation->shift), shift = operation->shift;
    FOR_EACH((a[i] * left + half) >> shift)
}

static uint32_t clamp(const fx_operation *operation, int16_t *arena) {
    FOR_EACH((a[i] > b[i] ? a[i] : b[i]) < c[i] ? (a[i] > b[i] ? a[i] : b[i]) : c[i])
}

static void look_up(const int16_t *table, const int16_t *codes, int16_t *result, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
        result[i] = table[(uint16_t)codes[i]];
    }
}

static const struct fx_planning PLANNING = {
    .bytes = false,
    .drive = drive,
    .multiply = multiply,
    .multiply_ahead = multiply_ahead,
    .look_up = look_up,
    .elementwise =
        {
            [FX_OPERATION_PRODUCT] = product,
            [FX_OPERATION_PRODUCT_SUM] = product_sum,
            [FX_OPERATION_SUM] = sum,
            [FX_OPERATION_COMPLEMENT] = complement,
            [FX_OPERATION_INTERPOLATE] = interpolate,
            [FX_OPERATION_COPY] = copy,
            [FX_OPERATION_CLAMP] = clamp,
        },
};

#endif
