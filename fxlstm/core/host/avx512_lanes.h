/* Sums of columns in 64-bit lanes: from accumulators and memory, through the ADC, to codes. Part of the sets avx512
 * and amx. */
#ifndef FX_AVX512_LANES_H
#define FX_AVX512_LANES_H

#include <immintrin.h>

#include "avx512_elementwise.h"
#include "avx512_sums.h"

/* 64-bit lanes of a chunk's columns: 0..7 and 8..15. Of narrow sums the low 32 bits count. */
typedef struct {
    __m512i even;
    __m512i odd;
} lanes;

/* ---- sums from accumulators */

INLINE lanes widened(__m512i acc) {
    return (lanes){_mm512_srai_epi64(_mm512_slli_epi64(acc, 32), 32), _mm512_srai_epi64(acc, 32)};
}

INLINE lanes narrow(__m512i acc) {
    return (lanes){acc, _mm512_srli_epi64(acc, 32)};
}

INLINE lanes plus(lanes a, lanes b) {
    return (lanes){_mm512_add_epi64(a.even, b.even), _mm512_add_epi64(a.odd, b.odd)};
}

INLINE lanes times_256(lanes a) {
    return (lanes){_mm512_slli_epi64(a.even, 8), _mm512_slli_epi64(a.odd, 8)};
}

INLINE lanes load(const int64_t *columns) {
    return (lanes){_mm512_loadu_si512(columns), _mm512_loadu_si512(columns + FX_LANES / 2)};
}

INLINE void keep(int64_t *columns, lanes sums) {
    _mm512_storeu_si512(columns, sums.even);
    _mm512_storeu_si512(columns + FX_LANES / 2, sums.odd);
}

INLINE __mmask8 half_left(uint32_t count) {
    return (__mmask8)(count >= 8 ? 0xFFu : (1u << count) - 1u);
}

INLINE lanes load_some(const int64_t *columns, uint32_t count) {
    uint32_t odd = count > FX_LANES / 2 ? count - FX_LANES / 2 : 0;
    return (lanes){_mm512_maskz_loadu_epi64(half_left(count), columns),
                   _mm512_maskz_loadu_epi64(half_left(odd), columns + FX_LANES / 2)};
}

/* The sums that accumulators stand for. `codes`: the sum of driven codes. */
INLINE lanes sums_of(fx_form form, bool wide, const __m512i *acc, int64_t codes) {
    if (form == FX_WORDS) {
        return narrow(acc[0]);
    }
    if (form == FX_TOP) {
        return wide ? times_256(widened(acc[0])) : narrow(_mm512_slli_epi32(acc[0], 8));
    }
    if (form == FX_BYTES) {
        return wide ? plus(widened(acc[0]), times_256(widened(acc[1])))
                    : narrow(_mm512_add_epi32(acc[0], _mm512_slli_epi32(acc[1], 8)));
    }
    __m512i all = _mm512_set1_epi64(128 * codes);
    lanes high = plus(widened(acc[1]), times_256(widened(acc[2])));
    return plus(plus(widened(acc[0]), times_256(high)), (lanes){all, all});
}

/* ---- ADC and rescale */

INLINE lanes product_of(lanes sums, lanes factor, bool wide) {
    return wide ? (lanes){_mm512_mullo_epi64(sums.even, factor.even), _mm512_mullo_epi64(sums.odd, factor.odd)}
                : (lanes){_mm512_mul_epi32(sums.even, factor.even), _mm512_mul_epi32(sums.odd, factor.odd)};
}

INLINE lanes shifted(lanes a, lanes by) {
    return (lanes){_mm512_srav_epi64(a.even, by.even), _mm512_srav_epi64(a.odd, by.odd)};
}

INLINE __m512i limited(__m512i a, int64_t lowest, int64_t highest) {
    return _mm512_min_epi64(_mm512_max_epi64(a, _mm512_set1_epi64(lowest)), _mm512_set1_epi64(highest));
}

/* Limit all lanes to ADC codes and count those that it changed. */
INLINE lanes saturated(lanes a, int64_t highest, uint32_t *clipped) {
    lanes limit = {limited(a.even, -highest - 1, highest), limited(a.odd, -highest - 1, highest)};
    __mmask8 even = _mm512_cmpneq_epi64_mask(a.even, limit.even), odd = _mm512_cmpneq_epi64_mask(a.odd, limit.odd);
    if (__builtin_expect(_kortestz_mask8_u8(even, odd) == 0, 0)) {
        *clipped += (uint32_t)__builtin_popcount(even) + (uint32_t)__builtin_popcount(odd);
    }
    return limit;
}

/* How many lanes do not fit a code: only bits above 16 of lane + 2^15 tell. */
INLINE uint32_t not_codes(lanes a) {
    const __m512i half = _mm512_set1_epi64(32768), above = _mm512_set1_epi64(-65536);
    __mmask8 even = _mm512_test_epi64_mask(_mm512_add_epi64(a.even, half), above);
    __mmask8 odd = _mm512_test_epi64_mask(_mm512_add_epi64(a.odd, half), above);
    if (__builtin_expect(_kortestz_mask8_u8(even, odd) == 0, 0)) {
        return (uint32_t)__builtin_popcount(even) + (uint32_t)__builtin_popcount(odd);
    }
    return 0;
}

/* Saturate lanes to codes and store so many of them. */
INLINE void put_codes(int16_t *result, uint32_t count, lanes codes) {
    __m256i packed = _mm256_set_m128i(_mm512_cvtsepi64_epi16(codes.odd), _mm512_cvtsepi64_epi16(codes.even));
    _mm256_mask_storeu_epi16(result, lanes_left(count), packed);
}

#endif
