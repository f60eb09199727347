/* The element-wise operations in 32-bit lanes, for shifts that fits_32_bits (plan.c) lets through. Part of the sets
 * avx512 and amx. */
#ifndef FX_AVX512_ELEMENTWISE_H
#define FX_AVX512_ELEMENTWISE_H

#include <immintrin.h>

#include "avx512_codes.h"
#include "plan.h"

/* Codes i.. of an operand as 32-bit lanes. */
static inline __m512i codes_at(const int16_t *operand, uint32_t i, __mmask16 lanes) {
    return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(lanes, operand + i));
}

static inline __m512i half_of(uint32_t shift) {
    return _mm512_set1_epi32(shift == 0 ? 0 : 1 << (shift - 1));
}

/* Saturate and store; returns how many lanes were clipped. */
static inline uint32_t put(int16_t *result, __mmask16 lanes, __m512i value) {
    __m256i codes = _mm512_cvtsepi32_epi16(value);
    __mmask16 clipped = _mm512_mask_cmpneq_epi32_mask(lanes, value, _mm512_cvtepi16_epi32(codes));
    store_sixteen(result, lanes, codes);
    return clipped == 0 ? 0 : (uint32_t)__builtin_popcount(clipped);
}

/* All elements of all sequences: with `arena`, i and `lanes`. */
#define FOR_LANES(operation)                                                                                           \
    FX_FOR_ARENAS(arenas)                                                                                              \
    for (uint32_t i = 0, lanes = lanes_left((operation)->length); i < (operation)->length;                             \
         i += 16, lanes = lanes_left((operation)->length - i))

/* ---- products: 32 codes at a time, whose 32-bit values stand in the order that packing them undoes. Lanes without a code hold 0,
 * which no shift makes anything else.
 */

typedef struct {
    __m512i low;
    __m512i high;
} unpacked;

#define BOTH(function, a, ...) ((unpacked){function((a).low, __VA_ARGS__), function((a).high, __VA_ARGS__)})

static inline unpacked products(__m512i a, __m512i b) {
    __m512i low = _mm512_mullo_epi16(a, b), high = _mm512_mulhi_epi16(a, b);
    return (unpacked){_mm512_unpacklo_epi16(low, high), _mm512_unpackhi_epi16(low, high)};
}

static inline unpacked added(unpacked a, unpacked b) {
    return (unpacked){_mm512_add_epi32(a.low, b.low), _mm512_add_epi32(a.high, b.high)};
}

/* Half of the sum, rounded down. */
static inline __m512i half_sum(__m512i a, __m512i b) {
    return _mm512_add_epi32(_mm512_and_si512(a, b), _mm512_srai_epi32(_mm512_xor_si512(a, b), 1));
}

/* (value + half) >> shift, saturated and stored; returns how many were clipped. */
static inline uint32_t put_unpacked(int16_t *result, __mmask32 lanes, unpacked value, __m512i half, __m128i shift) {
    value = BOTH(_mm512_sra_epi32, BOTH(_mm512_add_epi32, value, half), shift);
    __m512i codes = _mm512_packs_epi32(value.low, value.high);
    store_thirty_two(result, lanes, codes);
    return __builtin_expect(at_an_end(codes) == 0, 1) ? 0 : not_words(value.low) + not_words(value.high);
}

static inline __m512i thirty_two_at(const int16_t *operand, uint32_t i, __mmask32 lanes) {
    return _mm512_maskz_loadu_epi16(lanes, operand + i);
}

/* The same of a product by 2^15, which one instruction rounds. It fits a code but for -2^15 times itself. */
static inline uint32_t put_fraction(int16_t *result, __mmask32 lanes, __m512i a, __m512i b) {
    const __m512i smallest = _mm512_set1_epi16(INT16_MIN);
    __m512i codes = _mm512_mulhrs_epi16(a, b);
    __mmask32 clipped = _mm512_cmpeq_epi16_mask(codes, smallest);
    store_thirty_two(result, lanes, _mm512_mask_mov_epi16(codes, clipped, _mm512_set1_epi16(INT16_MAX)));
    return (uint32_t)__builtin_popcount(clipped);
}

/* All elements of all sequences, 32 at a time: with `arena`, i and `own`. */
#define FOR_CODES(operation)                                                                                           \
    FX_FOR_ARENAS(arenas)                                                                                              \
    for (uint32_t i = 0, own = first_lanes((operation)->length); i < (operation)->length;                              \
         i += 32, own = first_lanes((operation)->length - i))

static uint32_t product(const fx_operation *operation, const fx_arenas *arenas) {
    const __m512i half = half_of(operation->shift);
    const __m128i shift = _mm_cvtsi32_si128(operation->shift);
    const bool fraction = operation->shift == 15;
    uint32_t clipped = 0;
    FOR_CODES(operation) {
        __m512i a = thirty_two_at(arena + operation->a, i, own), b = thirty_two_at(arena + operation->b, i, own);
        int16_t *result = arena + operation->result + i;
        clipped += fraction ? put_fraction(result, own, a, b) : put_unpacked(result, own, products(a, b), half, shift);
    }
    return clipped;
}

/* (a b << ab) + (c d << cd), both exact, is floor((lower >> apart) + higher) << apart up to bits that the right shift drops:
 * `lower` is the term with the smaller left shift. Where both are shifted alike, halves are added, as their sum may not fit. */
static uint32_t product_sum(const fx_operation *operation, const fx_arenas *arenas) {
    const bool first_lower = operation->shift_ab <= operation->shift_cd;
    const uint32_t least = first_lower ? operation->shift_ab : operation->shift_cd;
    const uint32_t apart = (first_lower ? operation->shift_cd : operation->shift_ab) - least;
    const uint32_t dropped = apart == 0 ? 1 : apart, rest = operation->shift - least - dropped;
    const __m512i half = half_of(rest);
    const __m128i down = _mm_cvtsi32_si128((int)apart), shift = _mm_cvtsi32_si128((int)rest);
    uint32_t clipped = 0;
    FOR_CODES(operation) {
        unpacked ab =
            products(thirty_two_at(arena + operation->a, i, own), thirty_two_at(arena + operation->b, i, own));
        unpacked cd =
            products(thirty_two_at(arena + operation->c, i, own), thirty_two_at(arena + operation->d, i, own));
        unpacked lower = first_lower ? ab : cd, higher = first_lower ? cd : ab;
        unpacked sum = apart == 0 ? (unpacked){half_sum(lower.low, higher.low), half_sum(lower.high, higher.high)}
                                  : added(BOTH(_mm512_sra_epi32, lower, down), higher);
        clipped += put_unpacked(arena + operation->result + i, own, sum, half, shift);
    }
    return clipped;
}

static uint32_t sum(const fx_operation *operation, const fx_arenas *arenas) {
    const __m128i ab = _mm_cvtsi32_si128(operation->shift_ab), cd = _mm_cvtsi32_si128(operation->shift_cd);
    const __m128i shift = _mm_cvtsi32_si128(operation->shift);
    const __m512i half = half_of(operation->shift);
    uint32_t clipped = 0;
    FOR_LANES(operation) {
        __mmask16 own = (__mmask16)lanes;
        __m512i a = _mm512_sll_epi32(codes_at(arena + operation->a, i, own), ab);
        __m512i b = _mm512_sll_epi32(codes_at(arena + operation->b, i, own), cd);
        __m512i value = _mm512_sra_epi32(_mm512_add_epi32(_mm512_add_epi32(a, b), half), shift);
        clipped += put(arena + operation->result + i, own, value);
    }
    return clipped;
}

static uint32_t complement(const fx_operation *operation, const fx_arenas *arenas) {
    const __m512i unit = _mm512_set1_epi32(1 << operation->shift);
    uint32_t clipped = 0;
    FOR_LANES(operation) {
        __m512i value = _mm512_sub_epi32(unit, codes_at(arena + operation->a, i, (__mmask16)lanes));
        clipped += put(arena + operation->result + i, (__mmask16)lanes, value);
    }
    return clipped;
}

/* a b + (2^15 - a) c = 2^15 c + a (b - c). */
static uint32_t interpolate(const fx_operation *operation, const fx_arenas *arenas) {
    const __m512i half = half_of(15);
    uint32_t clipped = 0;
    FOR_LANES(operation) {
        __mmask16 own = (__mmask16)lanes;
        __m512i b = codes_at(arena + operation->b, i, own), c = codes_at(arena + operation->c, i, own);
        __m512i share = _mm512_mullo_epi32(codes_at(arena + operation->a, i, own), _mm512_sub_epi32(b, c));
        __m512i value = _mm512_add_epi32(c, _mm512_srai_epi32(_mm512_add_epi32(share, half), 15));
        clipped += put(arena + operation->result + i, own, value);
    }
    return clipped;
}

static uint32_t copy(const fx_operation *operation, const fx_arenas *arenas) {
    const __m128i left = _mm_cvtsi32_si128(operation->shift_ab), shift = _mm_cvtsi32_si128(operation->shift);
    const __m512i half = half_of(operation->shift);
    uint32_t clipped = 0;
    FOR_LANES(operation) {
        __m512i a = _mm512_sll_epi32(codes_at(arena + operation->a, i, (__mmask16)lanes), left);
        __m512i value = _mm512_sra_epi32(_mm512_add_epi32(a, half), shift);
        clipped += put(arena + operation->result + i, (__mmask16)lanes, value);
    }
    return clipped;
}

static uint32_t clamp(const fx_operation *operation, const fx_arenas *arenas) {
    FOR_LANES(operation) {
        __mmask16 own = (__mmask16)lanes;
        __m256i a = _mm256_maskz_loadu_epi16(own, arena + operation->a + i);
        __m256i low = _mm256_maskz_loadu_epi16(own, arena + operation->b + i);
        __m256i high = _mm256_maskz_loadu_epi16(own, arena + operation->c + i);
        _mm256_mask_storeu_epi16(arena + operation->result + i, own, _mm256_min_epi16(_mm256_max_epi16(a, low), high));
    }
    return 0;
}

/* The element-wise part of a set's PLANNING. */
#define FX_AVX512_ELEMENTWISE                                                                                          \
    .elementwise = {                                                                                                   \
        [FX_OPERATION_PRODUCT] = product,       [FX_OPERATION_PRODUCT_SUM] = product_sum, [FX_OPERATION_SUM] = sum,    \
        [FX_OPERATION_COMPLEMENT] = complement, [FX_OPERATION_INTERPOLATE] = interpolate, [FX_OPERATION_COPY] = copy,  \
        [FX_OPERATION_CLAMP] = clamp,                                                                                  \
    }

#endif
