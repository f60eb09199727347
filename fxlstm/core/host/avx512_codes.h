/* Codes of the arena in vectors of 16 and 32, as few as there are. Part of the sets avx512 and amx. */
#ifndef FX_AVX512_CODES_H
#define FX_AVX512_CODES_H

#include <immintrin.h>
#include <stdint.h>

static inline __mmask16 lanes_left(uint32_t count) {
    return (__mmask16)(count >= 16 ? 0xFFFFu : (1u << count) - 1u);
}

static inline __mmask32 first_lanes(uint32_t count) {
    return count >= 32 ? 0xFFFFFFFFu : (1u << count) - 1;
}

/* Store so many codes. Only what is stored without a mask is forwarded to loads that follow at once. */
static inline void store_sixteen(int16_t *result, __mmask16 lanes, __m256i codes) {
    if (__builtin_expect(lanes == 0xFFFFu, 1)) {
        _mm256_storeu_si256((__m256i *)(void *)result, codes);
    } else {
        _mm256_mask_storeu_epi16(result, lanes, codes);
    }
}

static inline void store_thirty_two(int16_t *result, __mmask32 lanes, __m512i codes) {
    if (__builtin_expect(lanes == 0xFFFFFFFFu, 1)) {
        _mm512_storeu_si512(result, codes);
    } else {
        _mm512_mask_storeu_epi16(result, lanes, codes);
    }
}

/* Which of 32 codes are the largest or the smallest: only these can have been saturated. */
static inline __mmask32 at_an_end(__m512i codes) {
    return _mm512_cmple_epu16_mask(_mm512_add_epi16(codes, _mm512_set1_epi16(-32767)), _mm512_set1_epi16(1));
}

/* How many 32-bit lanes do not fit a code. */
static inline uint32_t not_words(__m512i exact) {
    __m512i codes = _mm512_max_epi32(_mm512_min_epi32(exact, _mm512_set1_epi32(32767)), _mm512_set1_epi32(-32768));
    return (uint32_t)__builtin_popcount(_mm512_cmpneq_epi32_mask(exact, codes));
}

#endif
