/* Kernels for the DSP instructions of a Cortex-M4, M7 and later. Here: what is done element by element. */
#include "cortex_m4.h"

#if FX_CORTEX_M4

#include "../arithmetic.h"

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
            *result = fx_cortex_m4_saturate(((high >> (shift - 33)) + 1) >> 1, &clipped);
        } else {
            *result = fx_saturate(fx_round((int64_t)((uint64_t)(uint32_t)high << 32 | low), shift), &clipped);
        }
    }
    return clipped;
}

static void activate(uint8_t function, uint8_t fraction, const int16_t *codes, int16_t *result, uint32_t length) {
    if (!fx_cortex_m4_activates(fraction)) {
        fx_activate(function, fraction, codes, result, length);
        return;
    }
    const fx_cortex_m4_activation by = fx_cortex_m4_activation_of(function, fraction);
    fx_cortex_m4_activate(&by, codes, result, result + length);
}

/* ---- products, one by one: round(x, shift) is the upper half of x * 2^(32 - shift) + 2^31 */

uint32_t fx_cortex_m4_product(const fx_operation *operation, int16_t *arena) {
    const int16_t *a = arena + operation->a, *b = arena + operation->b;
    int16_t *result = arena + operation->result;
    uint32_t length = operation->length, shift = operation->shift, clipped = 0;
    if (shift < 2 || shift > 32) {
        return fx_product_operation(operation, arena);
    }
    int32_t scale = (int32_t)1 << (32 - shift);
    for (uint32_t i = 0; i < length; i++) {
        int64_t upper = ((int64_t)1 << 31) + (int64_t)(a[i] * b[i]) * scale;
        result[i] = fx_cortex_m4_saturate((int32_t)(upper >> 32), &clipped);
    }
    return clipped;
}

uint32_t fx_cortex_m4_product_sum(const fx_operation *operation, int16_t *arena) {
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
        result[i] = fx_cortex_m4_saturate((int32_t)(sum >> 32), &clipped);
    }
    return clipped;
}

const fx_kernels fx_kernels_cortex_m4 = {
    .name = "cortex_m4",
    .runner = &fx_cortex_m4_runner,
    .prepare = fx_cortex_m4_prepare,
    .multiply_16 = fx_cortex_m4_multiply_16,
    .multiply_8 = fx_cortex_m4_multiply_8,
    .rescale = rescale,
    .activate = activate,
    .product = fx_cortex_m4_product,
    .product_sum = fx_cortex_m4_product_sum,
};
#endif
