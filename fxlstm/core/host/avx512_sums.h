/* Exact sums of tiles: a few sequences times a few chunks, whose accumulators fill the registers. Part of avx512.c. */
#ifndef FX_AVX512_SUMS_H
#define FX_AVX512_SUMS_H

#include <immintrin.h>

#include "plan.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 24")
#define VECTOR 64u    /* bytes */
#define MOST_SUMS 24u /* accumulators of a tile: eight registers are left for weights and codes */

/* Puts the accumulators of a tile over groups first..end: for each sequence and chunk parts_of(form) of them. `start`: the
 * first chunk's lanes, where they begin; NULL: at 0. */
typedef void accumulate_function(const fx_planned_product *product, uint32_t chunk, const fx_lane_stage *start,
                                 uint32_t first, uint32_t end, __m512i *sums);

/* Accumulators of one sequence and chunk. */
INLINE uint32_t parts_of(fx_form form) {
    return form == FX_SPLIT ? 3 : form == FX_BYTES ? 2 : 1;
}

INLINE uint32_t group_bytes(fx_form form) {
    return form == FX_BYTES || form == FX_TOP ? VECTOR : 2 * VECTOR;
}

INLINE __m512i weights_at(const int8_t *group, uint32_t plane) {
    return _mm512_load_si512(group + plane * VECTOR);
}

INLINE __m512i everywhere(uint32_t word) {
    return _mm512_set1_epi32((int32_t)word);
}

/* Add one group's products. Weights of a group are fetched once for all sequences, codes once for all chunks. */
INLINE void add_words(__m512i *acc, const int8_t *group, size_t chunk_bytes, uint32_t chunks, const uint32_t *words,
                      size_t word_stride, uint32_t count) {
    UNROLL for (uint32_t pair = 0; pair < 2; pair++) {
        __m512i weights[4];
        UNROLL for (uint32_t c = 0; c < chunks; c++) {
            weights[c] = weights_at(group + c * chunk_bytes, pair);
        }
        UNROLL for (uint32_t s = 0; s < count; s++) {
            __m512i codes = everywhere(words[s * word_stride + pair]);
            UNROLL for (uint32_t c = 0; c < chunks; c++) {
                acc[s * chunks + c] = _mm512_dpwssd_epi32(acc[s * chunks + c], weights[c], codes);
            }
        }
    }
}

INLINE void add_bytes(__m512i *acc, const int8_t *group, size_t chunk_bytes, uint32_t chunks, const uint32_t *words,
                      size_t word_stride, uint32_t count) {
    __m512i weights[4];
    UNROLL for (uint32_t c = 0; c < chunks; c++) {
        weights[c] = weights_at(group + c * chunk_bytes, 0);
    }
    UNROLL for (uint32_t s = 0; s < count; s++) {
        __m512i low = everywhere(words[s * word_stride]), high = everywhere(words[s * word_stride + 1]);
        UNROLL for (uint32_t c = 0; c < chunks; c++) {
            __m512i *own = acc + (s * chunks + c) * 2;
            own[0] = _mm512_dpbusd_epi32(own[0], low, weights[c]);
            own[1] = _mm512_dpbusd_epi32(own[1], high, weights[c]);
        }
    }
}

INLINE void add_top(__m512i *acc, const int8_t *group, size_t chunk_bytes, uint32_t chunks, const uint32_t *words,
                    size_t word_stride, uint32_t count) {
    __m512i weights[4];
    UNROLL for (uint32_t c = 0; c < chunks; c++) {
        weights[c] = weights_at(group + c * chunk_bytes, 0);
    }
    UNROLL for (uint32_t s = 0; s < count; s++) {
        __m512i high = everywhere(words[s * word_stride + 1]);
        UNROLL for (uint32_t c = 0; c < chunks; c++) {
            acc[s * chunks + c] = _mm512_dpbusd_epi32(acc[s * chunks + c], high, weights[c]);
        }
    }
}

INLINE void add_split(__m512i *acc, const int8_t *group, size_t chunk_bytes, uint32_t chunks, const uint32_t *words,
                      size_t word_stride, uint32_t count) {
    __m512i weights[4], high_weights[4];
    UNROLL for (uint32_t c = 0; c < chunks; c++) {
        weights[c] = weights_at(group + c * chunk_bytes, 0);
        high_weights[c] = weights_at(group + c * chunk_bytes, 1);
    }
    UNROLL for (uint32_t s = 0; s < count; s++) {
        __m512i low = everywhere(words[s * word_stride]), high = everywhere(words[s * word_stride + 1]);
        UNROLL for (uint32_t c = 0; c < chunks; c++) {
            __m512i *own = acc + (s * chunks + c) * 3;
            own[0] = _mm512_dpbusd_epi32(own[0], low, weights[c]);
            own[1] = _mm512_dpbusd_epi32(own[1], low, high_weights[c]);
            own[1] = _mm512_dpbusd_epi32(own[1], high, weights[c]);
            own[2] = _mm512_dpbusd_epi32(own[2], high, high_weights[c]);
        }
    }
}

/* Begin all sequences' accumulators of a chunk: that of the codes' low bytes at 0. */
INLINE void begin(__m512i *acc, fx_form form, uint32_t count, uint32_t chunks, const fx_lane_stage *start) {
    const uint32_t parts = parts_of(form);
    const __m512i zero = _mm512_setzero_si512();
    const __m512i second = start == NULL || form == FX_WORDS ? zero : _mm512_loadu_si512(start->start[0]);
    const __m512i third = start == NULL || parts < 3 ? zero : _mm512_loadu_si512(start->start[1]);
    UNROLL for (uint32_t s = 0; s < count; s++) {
        __m512i *own = acc + s * chunks * parts;
        own[0] = form == FX_TOP ? second : zero;
        if (parts > 1) {
            own[1] = second;
        }
        if (parts > 2) {
            own[2] = third;
        }
    }
}

INLINE void accumulate(const fx_planned_product *product, fx_form form, uint32_t count, uint32_t chunks, uint32_t chunk,
                       const fx_lane_stage *start, uint32_t first, uint32_t end, __m512i *sums) {
    const uint32_t bytes = group_bytes(form), parts = count * chunks * parts_of(form);
    const size_t chunk_bytes = product->matrix->chunk_bytes, stride = product->word_stride;
    const int8_t *group = product->matrix->weights + chunk * chunk_bytes + (size_t)first * bytes;
    const uint32_t *words = product->words + (size_t)first * FX_WORDS_PER_GROUP;
    __m512i acc[MOST_SUMS];
    UNROLL for (uint32_t c = 0; c < chunks; c++) {
        const fx_lane_stage *own = start == NULL ? NULL : start + c * product->matrix->stage_count;
        begin(acc + c * parts_of(form), form, count, chunks, own);
    }
    for (uint32_t i = first; i < end; i++, group += bytes, words += FX_WORDS_PER_GROUP) {
        if (form == FX_WORDS) {
            add_words(acc, group, chunk_bytes, chunks, words, stride, count);
        } else if (form == FX_BYTES) {
            add_bytes(acc, group, chunk_bytes, chunks, words, stride, count);
        } else if (form == FX_TOP) {
            add_top(acc, group, chunk_bytes, chunks, words, stride, count);
        } else {
            add_split(acc, group, chunk_bytes, chunks, words, stride, count);
        }
    }
    UNROLL for (uint32_t i = 0; i < parts; i++) {
        sums[i] = acc[i];
    }
}

#define DEFINE(form, count, chunks)                                                                                    \
    static void form##_##count##_##chunks(const fx_planned_product *product, uint32_t chunk,                           \
                                          const fx_lane_stage *start, uint32_t first, uint32_t end, __m512i *sums) {   \
        accumulate(product, FX_##form, count, chunks, chunk, start, first, end, sums);                                 \
    }

DEFINE(WORDS, 6, 4)
DEFINE(WORDS, 6, 1)
DEFINE(WORDS, 4, 4)
DEFINE(WORDS, 4, 1)
DEFINE(WORDS, 2, 4)
DEFINE(WORDS, 2, 1)
DEFINE(WORDS, 1, 4)
DEFINE(WORDS, 1, 1)
DEFINE(BYTES, 6, 2)
DEFINE(BYTES, 6, 1)
DEFINE(BYTES, 4, 2)
DEFINE(BYTES, 4, 1)
DEFINE(BYTES, 2, 4)
DEFINE(BYTES, 2, 1)
DEFINE(BYTES, 1, 4)
DEFINE(BYTES, 1, 1)
DEFINE(TOP, 6, 4)
DEFINE(TOP, 6, 1)
DEFINE(TOP, 4, 4)
DEFINE(TOP, 4, 1)
DEFINE(TOP, 2, 4)
DEFINE(TOP, 2, 1)
DEFINE(TOP, 1, 4)
DEFINE(TOP, 1, 1)
DEFINE(SPLIT, 6, 1)
DEFINE(SPLIT, 4, 2)
DEFINE(SPLIT, 4, 1)
DEFINE(SPLIT, 2, 2)
DEFINE(SPLIT, 2, 1)
DEFINE(SPLIT, 1, 4)
DEFINE(SPLIT, 1, 1)

/* A tile's shape, and the function for as many chunks and that for one. */
typedef struct {
    uint32_t count;
    uint32_t chunks;
    accumulate_function *whole;
    accumulate_function *single;
} tile_shape;

/* By form, from many sequences to one. */
static const tile_shape SHAPES[][4] = {
    [FX_WORDS] = {{6, 4, WORDS_6_4, WORDS_6_1},
                  {4, 4, WORDS_4_4, WORDS_4_1},
                  {2, 4, WORDS_2_4, WORDS_2_1},
                  {1, 4, WORDS_1_4, WORDS_1_1}},
    [FX_BYTES] = {{6, 2, BYTES_6_2, BYTES_6_1},
                  {4, 2, BYTES_4_2, BYTES_4_1},
                  {2, 4, BYTES_2_4, BYTES_2_1},
                  {1, 4, BYTES_1_4, BYTES_1_1}},
    [FX_TOP] = {{6, 4, TOP_6_4, TOP_6_1}, {4, 4, TOP_4_4, TOP_4_1}, {2, 4, TOP_2_4, TOP_2_1}, {1, 4, TOP_1_4, TOP_1_1}},
    [FX_SPLIT] = {{6, 1, SPLIT_6_1, SPLIT_6_1},
                  {4, 2, SPLIT_4_2, SPLIT_4_1},
                  {2, 2, SPLIT_2_2, SPLIT_2_1},
                  {1, 4, SPLIT_1_4, SPLIT_1_1}},
};

#endif
