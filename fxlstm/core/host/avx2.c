/* Kernels for x86-64 with AVX2: pairs of 16-bit products, 16 columns at a time; everything else four or eight lanes. */
#include "../kernels/kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2,popcnt")
#endif

#include "words_lanes.h"
#include "x86_codes.h"

/* ---- lanes and codes */

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

/* ---- pairs of rows, and their 32-bit sums: of lanes 0..7 and 8..15 */

typedef struct {
    __m256i low;
    __m256i high;
} pair_weights;

INLINE pair_weights words_of_pair(const int8_t *place) {
    const __m256i *words = (const __m256i *)(const void *)place;
    return (pair_weights){_mm256_load_si256(words), _mm256_load_si256(words + 1)};
}

INLINE pair_weights bytes_of_pair(const int8_t *place) {
    const __m128i *bytes = (const __m128i *)(const void *)place;
    return (pair_weights){_mm256_cvtepi8_epi16(_mm_load_si128(bytes)), _mm256_cvtepi8_epi16(_mm_load_si128(bytes + 1))};
}

typedef struct {
    eight low;
    eight high;
} chunk_sums;

typedef __m256i pair_codes;

INLINE pair_codes codes_of(uint32_t word) {
    return _mm256_set1_epi32((int32_t)word);
}

INLINE pair_codes low_bytes(pair_codes codes) {
    return _mm256_and_si256(codes, _mm256_set1_epi16(0xFF));
}

INLINE pair_codes high_bytes(pair_codes codes) {
    return _mm256_srai_epi16(codes, 8);
}

INLINE chunk_sums no_sums(void) {
    const eight zero = {0, 0, 0, 0, 0, 0, 0, 0};
    return (chunk_sums){zero, zero};
}

INLINE chunk_sums add_pair(chunk_sums sums, pair_weights weights, pair_codes codes) {
    return (chunk_sums){sums.low + (eight)_mm256_madd_epi16(weights.low, codes),
                        sums.high + (eight)_mm256_madd_epi16(weights.high, codes)};
}

/* The even ones of 32-bit lanes. */
INLINE four even(eight sums) {
    eight sign = (eight)((four)sums << 32) >> 31;
    return (four)_mm256_blend_epi32((__m256i)sums, (__m256i)sign, 0xAA);
}

INLINE four odd(eight sums) {
    return even((eight)((four_unsigned)sums >> 32));
}

INLINE lanes widened(chunk_sums sums) {
    return (lanes){{even(sums.low), even(sums.high), odd(sums.low), odd(sums.high)}};
}

#include "words.h"
#include "words_elementwise.h"

static const struct fx_planning PLANNING = {FX_WORDS_PLANNING};

static bool usable(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

const fx_kernels fx_kernels_avx2 = {
    .name = "avx2",
    .usable = usable,
    .planning = &PLANNING,
    FX_PORTABLE_LOOPS,
};
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
extern int fx_no_avx2; /* an empty file is not C */
#endif
