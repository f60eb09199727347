/* Exact sums of tiles: a few sequences times a few chunks, whose accumulators fill the registers. Part of the sets avx512
 * and amx. */
#ifndef FX_AVX512_SUMS_H
#define FX_AVX512_SUMS_H

#include <immintrin.h>

#include "plan.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 24")
#define VECTOR 64u    /* bytes */
#define MOST_SUMS 24u /* accumulators of a tile: eight registers are left for weights and codes */

/* Accumulators of one sequence and chunk. */
INLINE uint32_t parts_of(fx_form form) {
    return form == FX_SPLIT ? 3 : form == FX_BYTES ? 2 : 1;
}

INLINE uint32_t group_bytes(fx_form form) {
    return form == FX_BYTES || form == FX_TOP ? VECTOR : 2 * VECTOR;
}

/* In a register, where compilers would rather load them once more for each product. */
INLINE __m512i weights_at(const int8_t *group, uint32_t plane) {
    __m512i weights = _mm512_load_si512(group + plane * VECTOR);
    __asm__("" : "+v"(weights));
    return weights;
}

INLINE __m512i everywhere(uint32_t word) {
    return _mm512_set1_epi32((int32_t)word);
}

/* Add one group's products. Weights of a group are fetched once for all sequences, codes once for all chunks. */
INLINE void add_words(__m512i *acc, const int8_t *group, size_t chunk_bytes, uint32_t chunks, const uint32_t *words,
                      size_t word_stride, uint32_t count) {
    UNROLL for (uint32_t pair = 0; pair < 2; pair++) {
        __m512i weights[8];
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
    __m512i weights[8];
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
    __m512i weights[8];
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
    __m512i weights[8], high_weights[4];
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

/* Begin all sequences' accumulators of a chunk: that of the codes' low bytes at what has been summed ahead, or 0. */
INLINE void begin(__m512i *acc, fx_form form, uint32_t count, uint32_t chunks, const fx_lane_stage *start,
                  const int64_t *ahead, size_t ahead_stride) {
    const uint32_t parts = parts_of(form);
    const __m512i zero = _mm512_setzero_si512();
    const __m512i second = start == NULL || form == FX_WORDS ? zero : _mm512_loadu_si512(start->start[0]);
    const __m512i third = start == NULL || parts < 3 ? zero : _mm512_loadu_si512(start->start[1]);
    UNROLL for (uint32_t s = 0; s < count; s++) {
        __m512i *own = acc + s * chunks * parts;
        own[0] = ahead == NULL ? zero : _mm512_loadu_si512(ahead + s * ahead_stride);
        if (form == FX_TOP) {
            own[0] = _mm512_add_epi32(own[0], second);
        }
        if (parts > 1) {
            own[1] = second;
        }
        if (parts > 2) {
            own[2] = third;
        }
    }
}

INLINE void add_group(__m512i *acc, fx_form form, const int8_t *group, size_t chunk_bytes, uint32_t chunks,
                      const uint32_t *words, size_t word_stride, uint32_t count) {
    if (form == FX_WORDS) {
        add_words(acc, group, chunk_bytes, chunks, words, word_stride, count);
    } else if (form == FX_BYTES) {
        add_bytes(acc, group, chunk_bytes, chunks, words, word_stride, count);
    } else if (form == FX_TOP) {
        add_top(acc, group, chunk_bytes, chunks, words, word_stride, count);
    } else {
        add_split(acc, group, chunk_bytes, chunks, words, word_stride, count);
    }
}

/* The sum that the accumulators of a sequence and chunk stand for, where 32 bits hold it. */
INLINE __m512i narrow_sum(fx_form form, const __m512i *acc) {
    if (form == FX_BYTES) {
        return _mm512_add_epi32(acc[0], _mm512_slli_epi32(acc[1], 8));
    }
    return form == FX_TOP ? _mm512_slli_epi32(acc[0], 8) : acc[0];
}

#endif
