/* The element-wise operations in 32-bit lanes, for shifts that fits_32_bits (plan.c) lets through; part of sets that have lanes.h.
 * Internal to the core.
 */
#ifndef FX_ELEMENTWISE_H
#define FX_ELEMENTWISE_H

#include "lanes.h"

/* Operands' codes i.. of an operation, and the loops over sequences and codes that store the results. */
#define AT(operand) codes_at(arena + operation->operand + i, count)
#define FOR_EIGHT(value)                                                                                               \
    uint32_t clipped = 0;                                                                                              \
    FX_FOR_ARENAS(arenas)                                                                                              \
    for (uint32_t i = 0; i < operation->length; i += 8) {                                                              \
        const uint32_t count = up_to_eight(operation->length - i);                                                     \
        clipped += put_codes(arena + operation->result + i, count, (value));                                           \
    }

INLINE int32_t half_of(uint32_t shift) {
    return shift == 0 ? 0 : 1 << (shift - 1);
}

static uint32_t product(const fx_operation *operation, const fx_arenas *arenas) {
    const int32_t half = half_of(operation->shift), shift = operation->shift;
    FOR_EIGHT((AT(a) * AT(b) + half) >> shift);
    return clipped;
}

/* Half of the sum, rounded down. */
INLINE eight half_sum(eight a, eight b) {
    return (a & b) + ((a ^ b) >> 1);
}

/* The term with the smaller left shift is shifted down instead, by bits that the right shift drops anyway. Where both are
 * shifted alike, halves are added, as their sum may not fit. */
static uint32_t product_sum(const fx_operation *operation, const fx_arenas *arenas) {
    const int32_t ab = operation->shift_ab, cd = operation->shift_cd, least = ab < cd ? ab : cd;
    const int32_t down_ab = cd - least, down_cd = ab - least;
    const int32_t rest = operation->shift - least - (ab == cd ? 1 : down_ab + down_cd);
    const int32_t half = half_of((uint32_t)rest);
    if (ab == cd) {
        FOR_EIGHT((half_sum(AT(a) * AT(b), AT(c) * AT(d)) + half) >> rest);
        return clipped;
    }
    FOR_EIGHT(((AT(a) * AT(b) >> down_ab) + (AT(c) * AT(d) >> down_cd) + half) >> rest);
    return clipped;
}

static uint32_t sum(const fx_operation *operation, const fx_arenas *arenas) {
    const int32_t left_a = 1 << operation->shift_ab, left_b = 1 << operation->shift_cd;
    const int32_t half = half_of(operation->shift), shift = operation->shift;
    FOR_EIGHT((AT(a) * left_a + AT(b) * left_b + half) >> shift);
    return clipped;
}

static uint32_t complement(const fx_operation *operation, const fx_arenas *arenas) {
    const int32_t unit = 1 << operation->shift;
    FOR_EIGHT(unit - AT(a));
    return clipped;
}

/* a b + (2^15 - a) c = 2^15 c + a (b - c). */
static uint32_t interpolate(const fx_operation *operation, const fx_arenas *arenas) {
    FOR_EIGHT(AT(c) + ((AT(a) * (AT(b) - AT(c)) + (1 << 14)) >> 15));
    return clipped;
}

static uint32_t copy(const fx_operation *operation, const fx_arenas *arenas) {
    const int32_t left = 1 << operation->shift_ab, half = half_of(operation->shift), shift = operation->shift;
    FOR_EIGHT((AT(a) * left + half) >> shift);
    return clipped;
}

static uint32_t clamp(const fx_operation *operation, const fx_arenas *arenas) {
    FOR_EIGHT(smaller(larger(AT(a), AT(b)), AT(c)));
    return clipped;
}

/* The element-wise part of a set's PLANNING. */
#define FX_ELEMENTWISE                                                                                                 \
    .elementwise = {                                                                                                   \
        [FX_OPERATION_PRODUCT] = product,       [FX_OPERATION_PRODUCT_SUM] = product_sum, [FX_OPERATION_SUM] = sum,    \
        [FX_OPERATION_COMPLEMENT] = complement, [FX_OPERATION_INTERPOLATE] = interpolate, [FX_OPERATION_COPY] = copy,  \
        [FX_OPERATION_CLAMP] = clamp,                                                                                  \
    }

#endif
