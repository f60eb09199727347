/* The scalar arithmetic of every operation: rounding, saturation, exact left shifts. Internal to the core. */
#ifndef FX_ARITHMETIC_H
#define FX_ARITHMETIC_H

#include <stdint.h>

#define FX_LARGEST_ROW_CODE 32767 /* what drives a row pair is symmetric */

/* round(value, shift): half up, arithmetic shift; the caller keeps value + half inside 64 bits. */
static inline int64_t fx_round(int64_t value, uint32_t shift) {
    return shift == 0 ? value : (value + ((int64_t)1 << (shift - 1))) >> shift;
}

/* value << shift, exact; defined for negative values too. */
static inline int64_t fx_left(int64_t value, uint32_t shift) {
    return value * ((int64_t)1 << shift);
}

static inline int64_t fx_clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

/* Saturate to a code and count it when it did not fit. */
static inline int16_t fx_saturate(int64_t value, uint32_t *clipped) {
    int64_t code = fx_clamp(value, INT16_MIN, INT16_MAX);
    *clipped += code != value;
    return (int16_t)code;
}

#endif
