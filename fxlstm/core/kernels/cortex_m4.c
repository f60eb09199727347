/* Kernels for the DSP instructions of a Cortex-M4, M7 and later. Here: what is done element by element. */
#include "cortex_m4.h"

#if FX_CORTEX_M4

#include "../activation.h"
#include "../arithmetic.h"

/* As fx_saturate, of 32 bits. */
static inline int16_t saturate(int32_t value, uint32_t *clipped) {
    int32_t code;
    __asm__("ssat %0, #16, %1" : "=r"(code) : "r"(value) : "cc");
    *clipped += code != value;
    return (int16_t)code;
}

/* The low half of a value does not count from shifts of 33 on, which the scales of nearly all columns have. */
static uint32_t rescale(const fx_scale *scales, const int64_t *sums, int16_t *result, uint32_t columns) {
    uint32_t clipped = 0;
    for (const int16_t *end = result + columns; result < end; result++) {
        register uint32_t low __asm__("r3");
        register int32_t high __asm__("r4");
        register uint32_t shift __asm__("r6");
        __asm__ volatile("ldmia %[scales]!, {r3, r4, r5, r6}\n" /* bias, mantissa, shift */
                         "ldrd r8, r9, [%[sums]], #8\n"
                         "umlal r3, r4, r8, r5\n"
                         "mla r4, r9, r5, r4\n"
                         : "=&r"(low), "=&r"(high), "=&r"(shift), [scales] "+r"(scales), [sums] "+r"(sums)
                         :
                         : "r5", "r8", "r9", "memory");
        if (shift > 32) {
            *result = saturate(((high >> (shift - 33)) + 1) >> 1, &clipped);
        } else {
            *result = fx_saturate(fx_round((int64_t)((uint64_t)(uint32_t)high << 32 | low), shift), &clipped);
        }
    }
    return clipped;
}

/* tanh(argument * 2^-FX_ARGUMENT_BITS) with FX_CENTRE_BITS fraction bits. A term of the polynomial,
 * round(acc * d / 2^FX_PIECE_BITS) + coefficient, is the upper half of acc * (d * 2^(32 - FX_PIECE_BITS)), rounded. */
static inline int64_t tanh_of(uint32_t argument) {
    const uint32_t limit = FX_TANH_LIMIT << FX_ARGUMENT_BITS;
    uint32_t u = argument < limit ? argument : limit;
    const fx_tanh_piece *piece = fx_tanh_pieces + ((u + (1u << (FX_PIECE_BITS - 1))) >> FX_PIECE_BITS);
    uint32_t upper = u << (32 - FX_PIECE_BITS); /* signed: the distance d from the piece's centre */
    register uint32_t low __asm__("r3");
    register uint32_t high __asm__("r4");
    __asm__("ldmia %[piece], {r3, r4, r5, r6, r8, r9}\n"
            "smmlar r9, r9, %[upper], r8\n"
            "smmlar r9, r9, %[upper], r6\n"
            "smmlar r9, r9, %[upper], r5\n"
            "asr r8, %[upper], #21\n"
            "smlal r3, r4, r9, r8\n"
            : "=&r"(low), "=&r"(high)
            : [piece] "r"(piece), [upper] "r"(upper), "m"(*piece)
            : "r5", "r6", "r8", "r9");
    return (int64_t)((uint64_t)high << 32 | low);
}

/* fx_activation of every code; `shift` makes arguments of magnitudes. */
static inline void activate_codes(bool is_sigmoid, uint32_t shift, const int16_t *codes, int16_t *result,
                                  uint32_t length) {
    const uint32_t down = FX_CENTRE_BITS - (is_sigmoid ? 14 : 15);
    const int32_t middle = is_sigmoid ? 1 << 14 : 0;
    uint32_t clipped = 0; /* the 1 that is no code; it does not count */
    for (uint32_t i = 0; i < length; i++) {
        int32_t code = codes[i], sign = code >> 31;
        int64_t tanh = tanh_of((uint32_t)((code ^ sign) - sign) << shift);
        int32_t size = (int32_t)((tanh + ((int64_t)1 << (down - 1)) - 1) >> down);
        result[i] = saturate(middle + ((size ^ sign) - sign), &clipped);
    }
}

static void activate(uint8_t function, uint8_t fraction, const int16_t *codes, int16_t *result, uint32_t length) {
    uint32_t shift = FX_ARGUMENT_BITS - fraction - (function == FX_FUNCTION_TANH ? 0u : 1u);
    if (function == FX_FUNCTION_SIGMOID) {
        activate_codes(true, shift, codes, result, length);
    } else {
        activate_codes(false, shift, codes, result, length);
    }
}

/* round(x, shift) is the upper half of x * 2^(32 - shift) + 2^31. */
static uint32_t product(const fx_operation *operation, int16_t *arena) {
    const int16_t *a = arena + operation->a, *b = arena + operation->b;
    int16_t *result = arena + operation->result;
    uint32_t length = operation->length, shift = operation->shift, clipped = 0;
    if (shift < 2 || shift > 32) {
        return fx_product_operation(operation, arena);
    }
    int32_t scale = (int32_t)1 << (32 - shift);
    for (uint32_t i = 0; i < length; i++) {
        int64_t upper = ((int64_t)1 << 31) + (int64_t)(a[i] * b[i]) * scale;
        result[i] = saturate((int32_t)(upper >> 32), &clipped);
    }
    return clipped;
}

static uint32_t product_sum(const fx_operation *operation, int16_t *arena) {
    const int16_t *a = arena + operation->a, *b = arena + operation->b;
    const int16_t *c = arena + operation->c, *d = arena + operation->d;
    int16_t *result = arena + operation->result;
    uint32_t length = operation->length, shift = operation->shift, clipped = 0;
    if (shift > 32 || operation->shift_ab + 2u > shift || operation->shift_cd + 2u > shift) { /* not in 32 bits */
        return fx_product_sum(operation, arena);
    }
    int32_t scale_ab = (int32_t)1 << (operation->shift_ab + 32 - shift);
    int32_t scale_cd = (int32_t)1 << (operation->shift_cd + 32 - shift);
    for (uint32_t i = 0; i < length; i++) {
        int64_t sum = ((int64_t)1 << 31) + (int64_t)(a[i] * b[i]) * scale_ab + (int64_t)(c[i] * d[i]) * scale_cd;
        result[i] = saturate((int32_t)(sum >> 32), &clipped);
    }
    return clipped;
}

const fx_kernels fx_kernels_cortex_m4 = {
    .name = "cortex_m4",
    .multiply_16 = fx_cortex_m4_multiply_16,
    .multiply_8 = fx_cortex_m4_multiply_8,
    .rescale = rescale,
    .activate = activate,
    .product = product,
    .product_sum = product_sum,
};
#endif
