/* What drives the rows, and the element-wise operations in 32-bit lanes, for shifts that fits_32_bits (plan.c) lets through;
 * part of the sets that words.h serves. Internal to the core.
 */
#ifndef FX_WORDS_ELEMENTWISE_H
#define FX_WORDS_ELEMENTWISE_H

#include "plan.h"
#include "words_lanes.h"

INLINE uint32_t up_to_eight(uint32_t count) {
    return count < 8 ? count : 8;
}

INLINE eight smaller(eight a, eight b) {
    eight less = a < b;
    return (a & less) | (b & ~less);
}

INLINE eight larger(eight a, eight b) {
    eight less = a < b;
    return (b & less) | (a & ~less);
}

INLINE eight everywhere(int32_t value) {
    return (eight){0, 0, 0, 0, 0, 0, 0, 0} + value;
}

static void drive(const fx_packed *matrix, const fx_segment *segment, uint32_t dac_bits, const int16_t *codes,
                  uint32_t *words) {
    (void)matrix;
    const uint32_t filled = segment->groups * 4;
    const int32_t shift = (int32_t)(16 - dac_bits), half = dac_bits == 16 ? 0 : 1 << (15 - dac_bits);
    const eight largest = everywhere((1 << (dac_bits - 1)) - 1);
    int16_t *to = (int16_t *)(void *)(words + segment->first_group * FX_WORDS_PER_GROUP);
    for (uint32_t i = 0; i < filled; i += 8) {
        uint32_t rows = i < segment->rows ? up_to_eight(segment->rows - i) : 0;
        eight level = (codes_at(codes + segment->row + i, rows) + half) >> shift;
        (void)put_codes(to + i, up_to_eight(filled - i), larger(smaller(level, largest), -largest) << shift);
    }
}

/* Operands' codes i.. of an operation, and the loop that stores the results. */
#define AT(operand) codes_at(arena + operation->operand + i, count)
#define FOR_EIGHT(value)                                                                                               \
    uint32_t clipped = 0;                                                                                              \
    for (uint32_t i = 0; i < operation->length; i += 8) {                                                              \
        const uint32_t count = up_to_eight(operation->length - i);                                                     \
        clipped += put_codes(arena + operation->result + i, count, (value));                                           \
    }                                                                                                                  \
    return clipped;

INLINE int32_t half_of(uint32_t shift) {
    return shift == 0 ? 0 : 1 << (shift - 1);
}

static uint32_t product(const fx_operation *operation, int16_t *arena) {
    const int32_t half = half_of(operation->shift), shift = operation->shift;
    FOR_EIGHT((AT(a) * AT(b) + half) >> shift)
}

/* Half of the sum, rounded down. */
INLINE eight half_sum(eight a, eight b) {
    return (a & b) + ((a ^ b) >> 1);
}

/* The term with the smaller left shift is shifted down instead, by bits that the right shift drops anyway. Where both are
 * shifted alike, halves are added, as their sum may not fit. */
static uint32_t product_sum(const fx_operation *operation, int16_t *arena) {
    const int32_t ab = operation->shift_ab, cd = operation->shift_cd, least = ab < cd ? ab : cd;
    const int32_t down_ab = cd - least, down_cd = ab - least;
    const int32_t rest = operation->shift - least - (ab == cd ? 1 : down_ab + down_cd);
    const int32_t half = half_of((uint32_t)rest);
    if (ab == cd) {
        FOR_EIGHT((half_sum(AT(a) * AT(b), AT(c) * AT(d)) + half) >> rest)
    }
    FOR_EIGHT(((AT(a) * AT(b) >> down_ab) + (AT(c) * AT(d) >> down_cd) + half) >> rest)
}

static uint32_t sum(const fx_operation *operation, int16_t *arena) {
    const int32_t left_a = 1 << operation->shift_ab, left_b = 1 << operation->shift_cd;
    const int32_t half = half_of(operation->shift), shift = operation->shift;
    FOR_EIGHT((AT(a) * left_a + AT(b) * left_b + half) >> shift)
}

static uint32_t complement(const fx_operation *operation, int16_t *arena) {
    const int32_t unit = 1 << operation->shift;
    FOR_EIGHT(unit - AT(a))
}

/* a b + (2^15 - a) c = 2^15 c + a (b - c). */
static uint32_t interpolate(const fx_operation *operation, int16_t *arena) {
    FOR_EIGHT(AT(c) + ((AT(a) * (AT(b) - AT(c)) + (1 << 14)) >> 15))
}

static uint32_t copy(const fx_operation *operation, int16_t *arena) {
    const int32_t left = 1 << operation->shift_ab, half = half_of(operation->shift), shift = operation->shift;
    FOR_EIGHT((AT(a) * left + half) >> shift)
}

static uint32_t clamp(const fx_operation *operation, int16_t *arena){FOR_EIGHT(smaller(larger(AT(a), AT(b)), AT(c)))}

/* The table of a set's PLANNING, beside its look_up. */
#define FX_WORDS_PLANNING                                                                                              \
    .drive = drive, .multiply = multiply, .multiply_ahead = multiply_ahead, .look_up = look_up,                        \
    .elementwise = {                                                                                                   \
        [FX_OPERATION_PRODUCT] = product,       [FX_OPERATION_PRODUCT_SUM] = product_sum, [FX_OPERATION_SUM] = sum,    \
        [FX_OPERATION_COMPLEMENT] = complement, [FX_OPERATION_INTERPOLATE] = interpolate, [FX_OPERATION_COPY] = copy,  \
        [FX_OPERATION_CLAMP] = clamp,                                                                                  \
    }

#endif
