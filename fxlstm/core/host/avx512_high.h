/* Results of 32-bit sums where the high halves of 64-bit products hold all of them (fx_high_scales): two chunks at a time, which
 * fill a vector with codes. Part of the sets avx512 and amx. */
#ifndef FX_AVX512_HIGH_H
#define FX_AVX512_HIGH_H

#include <immintrin.h>

#include "avx512_codes.h"
#include "avx512_sums.h"

typedef struct {
    __m512i mantissa, odd_mantissa, shift, bias, odd_bias;
} high_scales;

INLINE high_scales high_scales_at(const fx_high_scales *scales) {
    __m512i mantissa = _mm512_loadu_si512(scales->mantissa);
    return (high_scales){.mantissa = mantissa,
                         .odd_mantissa = _mm512_srli_epi64(mantissa, 32),
                         .shift = _mm512_loadu_si512(scales->shift),
                         .bias = _mm512_loadu_si512(scales->bias),
                         .odd_bias = _mm512_loadu_si512(scales->bias + FX_LANES / 2)};
}

/* What is to be saturated, lane after lane. */
INLINE __m512i rescaled(const high_scales *scales, __m512i sums) {
    __m512i even = _mm512_mul_epi32(sums, scales->mantissa);
    __m512i odd = _mm512_mul_epi32(_mm512_srli_epi64(sums, 32), scales->odd_mantissa);
    even = _mm512_srli_epi64(_mm512_add_epi64(even, scales->bias), 32);
    odd = _mm512_add_epi64(odd, scales->odd_bias);
    return _mm512_srav_epi32(_mm512_mask_mov_epi32(even, 0xAAAA, odd), scales->shift);
}

/* Saturate the lanes of two chunks and store so many of their columns; returns how many were clipped. Few codes are the
 * largest or the smallest, so that only then it is worth a look whether any of them was clipped. */
INLINE uint32_t put_two_chunks(int16_t *result, uint32_t columns, __m512i first, __m512i second) {
    static const uint16_t in_order[32] = {0, 2, 8,  10, 16, 18, 24, 26, 1, 3, 9,  11, 17, 19, 25, 27,
                                          4, 6, 12, 14, 20, 22, 28, 30, 5, 7, 13, 15, 21, 23, 29, 31};
    __m512i packed = _mm512_permutexvar_epi16(_mm512_loadu_si512(in_order), _mm512_packs_epi32(first, second));
    store_thirty_two(result, first_lanes(columns), packed);
    return __builtin_expect(at_an_end(packed) != 0, 0) ? not_words(first) + not_words(second) : 0;
}

/* Rescale `count` sequences' sums of `chunks` chunks, of which those of one pair are next to each other. */
INLINE uint32_t rescale_high(const fx_planned_product *product, uint32_t chunk, uint32_t count, uint32_t chunks,
                             const __m512i *sums) {
    uint32_t clipped = 0;
    UNROLL for (uint32_t c = 0; c < chunks; c += 2) {
        const bool two = c + 1 < chunks;
        const high_scales first = high_scales_at(product->matrix->high + chunk + c);
        const high_scales second = two ? high_scales_at(product->matrix->high + chunk + c + 1) : first;
        const uint32_t left = product->matrix->columns - (chunk + c) * FX_LANES;
        const uint32_t columns = two || left < FX_LANES ? left : FX_LANES;
        int16_t *result = product->results + (chunk + c) * FX_LANES;
        UNROLL for (uint32_t s = 0; s < count; s++) {
            const __m512i *own = sums + s * chunks + c;
            __m512i other = two ? rescaled(&second, own[1]) : _mm512_setzero_si512();
            clipped += put_two_chunks(result + s * product->result_stride, columns, rescaled(&first, own[0]), other);
        }
    }
    return clipped;
}

#endif
