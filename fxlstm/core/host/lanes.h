/* Vectors of sums and of codes, in the vector types of GCC and Clang, which any processor has. A set includes this, then defines
 *
 *     product_of(a, b)        products of 64-bit lanes whose values fit 32 bits
 *     any(a)                  whether any bit is set
 *     put_lanes(to, n, a)     stores codes, of n columns at most, from lanes that hold nothing larger
 *     codes_at(from, n)       up to eight codes, and zeros
 *     put_codes(to, n, a)     saturates and stores up to eight codes, returns how many of them were clipped
 *
 * and has the functions below, and those of words.h, converters.h and elementwise.h. Internal to the core.
 */
#ifndef FX_LANES_H
#define FX_LANES_H

#include <string.h>

#include "plan.h"

#define INLINE static inline __attribute__((always_inline))

typedef int64_t four __attribute__((vector_size(32)));
typedef uint64_t four_unsigned __attribute__((vector_size(32)));
typedef int32_t eight __attribute__((vector_size(32)));

/* 64-bit sums of a chunk's columns, in order. */
typedef struct {
    four of[FX_LANES / 4];
} lanes;

INLINE four product_of(four a, four b);
INLINE bool any(four a);
INLINE void put_lanes(int16_t *to, uint32_t count, lanes codes);
INLINE eight codes_at(const int16_t *from, uint32_t count);
INLINE uint32_t put_codes(int16_t *to, uint32_t count, eight values);

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

INLINE four four_at(const int64_t *columns) {
    four loaded;
    memcpy(&loaded, columns, sizeof loaded);
    return loaded;
}

INLINE lanes load(const int64_t *columns) {
    return (lanes){{four_at(columns), four_at(columns + 4), four_at(columns + 8), four_at(columns + 12)}};
}

INLINE lanes no_lanes(void) {
    const four zero = {0, 0, 0, 0};
    return (lanes){{zero, zero, zero, zero}};
}

INLINE lanes plus(lanes a, lanes b) {
    return (lanes){{a.of[0] + b.of[0], a.of[1] + b.of[1], a.of[2] + b.of[2], a.of[3] + b.of[3]}};
}

INLINE lanes times_256(lanes a) {
    return (lanes){{a.of[0] * 256, a.of[1] * 256, a.of[2] * 256, a.of[3] * 256}};
}

/* Arithmetic shifts right, which few processors have for 64-bit lanes: as logical ones of lane + 2^63. */
INLINE four shifted(four a, four by) {
    const four_unsigned top = (four_unsigned){0, 0, 0, 0} + ((uint64_t)1 << 63);
    return (four)((((four_unsigned)a ^ top) >> (four_unsigned)by) - (top >> (four_unsigned)by));
}

/* (sum * factor + bias) >> shift; `wide`: 32 bits do not hold every sum. */
INLINE four scaled(four sum, bool wide, const int64_t *factor, const int64_t *bias, const int64_t *shift) {
    four product = wide ? sum * four_at(factor) : product_of(sum, four_at(factor));
    return shifted(product + four_at(bias), four_at(shift));
}

INLINE four limited(four a, int64_t lowest, int64_t highest) {
    const four below = a < lowest;
    const four above = a > highest;
    return (a & ~(below | above)) | (lowest & below) | (highest & above);
}

/* Limit lanes to codes of which the largest is 2^n - 1, and count those that it changes, which are few. */
INLINE void limit(lanes *a, int64_t highest, uint32_t *clipped) {
    four_unsigned outside = {0, 0, 0, 0};
    for (uint32_t i = 0; i < FX_LANES / 4; i++) {
        outside |= ((four_unsigned)a->of[i] + (uint64_t)(highest + 1)) & ~(uint64_t)(2 * highest + 1);
    }
    if (__builtin_expect(!any((four)outside), 1)) {
        return;
    }
    for (uint32_t i = 0; i < FX_LANES / 4; i++) {
        four within = limited(a->of[i], -highest - 1, highest), changed = within != a->of[i];
        *clipped += (uint32_t)-(changed[0] + changed[1] + changed[2] + changed[3]);
        a->of[i] = within;
    }
}

/* A stage's ADC codes, in the unit of the columns' sums. */
INLINE lanes converted(lanes sums, bool wide, const fx_lane_stage *adc, int64_t highest, uint32_t *clipped) {
    lanes codes;
    for (uint32_t i = 0; i < FX_LANES / 4; i++) {
        codes.of[i] = scaled(sums.of[i], wide, adc->gain + 4 * i, adc->half + 4 * i, adc->shift + 4 * i);
    }
    limit(&codes, highest, clipped);
    for (uint32_t i = 0; i < FX_LANES / 4; i++) {
        codes.of[i] = (four)((four_unsigned)codes.of[i] << (four_unsigned)four_at(adc->left + 4 * i));
    }
    return codes;
}

/* Store the codes of so many columns at most. */
INLINE void rescale(lanes sums, bool wide, const fx_lane_scales *scales, uint32_t columns, int16_t *result,
                    uint32_t *clipped) {
    lanes codes;
    for (uint32_t i = 0; i < FX_LANES / 4; i++) {
        codes.of[i] = scaled(sums.of[i], wide, scales->mantissa + 4 * i, scales->bias + 4 * i, scales->shift + 4 * i);
    }
    limit(&codes, INT16_MAX, clipped);
    put_lanes(result, columns, codes);
}

#endif
