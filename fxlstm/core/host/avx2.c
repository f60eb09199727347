/* Kernels for x86-64 with AVX2: pairs of 16-bit products, 16 columns at a time; everything else four or eight lanes. */
#include "../kernels/kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
static bool usable(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2,popcnt")
#endif

#include "look_up_eight.h"
#include "x86_lanes.h"

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

INLINE lanes widened(chunk_sums sums) {
    return in_columns(sums.low, sums.high);
}

#include "words.h"
#include "elementwise.h"

static const struct fx_planning PLANNING = {
    .drive = drive,
    .multiply = multiply,
    .multiply_ahead = multiply_ahead,
    .look_up = look_up,
    FX_AROUND_AN_ARRAY,
    FX_ELEMENTWISE,
};

const fx_kernels fx_kernels_avx2 = {
    .name = "avx2",
    .needs = "AVX2",
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
