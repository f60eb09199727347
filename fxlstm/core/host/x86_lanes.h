/* What lanes.h asks for, with AVX2. Part of avx2.c. */
#ifndef FX_X86_LANES_H
#define FX_X86_LANES_H

#include <immintrin.h>

#include "lanes.h"
#include "x86_codes.h"

INLINE four product_of(four a, four b) {
    return (four)_mm256_mul_epi32((__m256i)a, (__m256i)b);
}

INLINE bool any(four a) {
    return !_mm256_testz_si256((__m256i)a, (__m256i)a);
}

/* The low 16 bits of eight lanes, two of the first, two of the second, and so on. */
INLINE __m256i low_words(four a, four b) {
    return _mm256_packus_epi32((__m256i)(a & 0xFFFF), (__m256i)(b & 0xFFFF));
}

INLINE void put_lanes(int16_t *to, uint32_t count, lanes codes) {
    __m256i packed = _mm256_packus_epi32(low_words(codes.of[0], codes.of[1]), low_words(codes.of[2], codes.of[3]));
    packed = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    store_codes(to, count, _mm256_castsi256_si128(packed));
    if (count > 8) {
        store_codes(to + 8, count - 8, _mm256_extracti128_si256(packed, 1));
    }
}

INLINE eight codes_at(const int16_t *from, uint32_t count) {
    return (eight)_mm256_cvtepi16_epi32(load_codes(from, count));
}

INLINE uint32_t put_codes(int16_t *to, uint32_t count, eight values) {
    __m256i all = (__m256i)values;
    __m128i codes = _mm_packs_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    __m256i kept = _mm256_cmpeq_epi32(_mm256_cvtepi16_epi32(codes), all);
    uint32_t clipped = ~(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(kept)) & ((1u << count) - 1);
    store_codes(to, count, codes);
    return clipped == 0 ? 0 : (uint32_t)__builtin_popcount(clipped);
}

/* The even ones of 32-bit lanes. */
INLINE four even(eight sums) {
    eight sign = (eight)((four)sums << 32) >> 31;
    return (four)_mm256_blend_epi32((__m256i)sums, (__m256i)sign, 0xAA);
}

INLINE four odd(eight sums) {
    return even((eight)((four_unsigned)sums >> 32));
}

/* 32-bit sums of lanes 0..7 and 8..15 as those of the chunk's columns. */
INLINE lanes in_columns(eight low, eight high) {
    return (lanes){{even(low), even(high), odd(low), odd(high)}};
}

#endif
