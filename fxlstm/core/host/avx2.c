/* Kernels for x86-64 with AVX2: pairs of 16-bit products, 16 columns at a time. */
#include "../kernels/kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2")
#endif

typedef struct {
    __m256i low; /* lanes 0..7 */
    __m256i high;
} chunk_sums;

static inline chunk_sums no_sums(void) {
    return (chunk_sums){_mm256_setzero_si256(), _mm256_setzero_si256()};
}

static inline __m256i add_products(__m256i sum, const int16_t *weights, __m256i codes) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_load_si256((const __m256i *)(const void *)weights), codes));
}

static inline chunk_sums add_pair(chunk_sums sums, const int16_t *weights, uint32_t word) {
    __m256i codes = _mm256_set1_epi32((int32_t)word);
    return (chunk_sums){add_products(sums.low, weights, codes), add_products(sums.high, weights + 16, codes)};
}

static inline void add_four(__m128i sums, int64_t *to) {
    __m256i *place = (__m256i *)(void *)to;
    _mm256_storeu_si256(place, _mm256_add_epi64(_mm256_loadu_si256(place), _mm256_cvtepi32_epi64(sums)));
}

static inline void widen(chunk_sums sums, int64_t *to) {
    add_four(_mm256_castsi256_si128(sums.low), to);
    add_four(_mm256_extracti128_si256(sums.low, 1), to + 4);
    add_four(_mm256_castsi256_si128(sums.high), to + 8);
    add_four(_mm256_extracti128_si256(sums.high, 1), to + 12);
}

#include "words.h"

static bool usable(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
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
