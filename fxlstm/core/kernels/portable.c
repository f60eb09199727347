/* Kernels in plain C: they run anywhere and the others must equal them. */
#include "../arithmetic.h"
#include "kernels.h"

/* Columns outside, sequences inside: a column's weights are fetched once for the whole batch. */
#define DEFINE_MULTIPLY(name, weight_type)                                                                             \
    static int64_t dot_##name(const weight_type *a, const int16_t *b, uint32_t length) {                               \
        int64_t sum = 0;                                                                                               \
        for (uint32_t i = 0; i < length; i++) {                                                                        \
            sum += (int32_t)a[i] * b[i];                                                                               \
        }                                                                                                              \
        return sum;                                                                                                    \
    }                                                                                                                  \
                                                                                                                       \
    void name(const fx_product *product) {                                                                             \
        const weight_type *weights = product->weights;                                                                 \
        for (uint32_t column = 0; column < product->columns; column++, weights += product->weight_stride) {            \
            for (uint32_t sequence = 0; sequence < product->count; sequence++) {                                       \
                const int16_t *codes = product->codes + sequence * product->code_stride;                               \
                product->sums[sequence * product->sum_stride + column] = dot_##name(weights, codes, product->rows);    \
            }                                                                                                          \
        }                                                                                                              \
    }

DEFINE_MULTIPLY(fx_multiply_16, int16_t)
DEFINE_MULTIPLY(fx_multiply_8, int8_t)

uint32_t fx_rescale(const fx_scale *scales, const int64_t *sums, int16_t *result, uint32_t columns) {
    uint32_t clipped = 0;
    for (uint32_t column = 0; column < columns; column++) {
        int64_t value = sums[column] * scales[column].mantissa + scales[column].bias;
        result[column] = fx_saturate(fx_round(value, scales[column].shift), &clipped);
    }
    return clipped;
}

void fx_activate(uint8_t function, uint8_t fraction, const int16_t *codes, int16_t *result, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
        result[i] = fx_activation(function, fraction, codes[i]);
    }
}

uint32_t fx_product_operation(const fx_operation *operation, int16_t *arena) {
    const int16_t *a = arena + operation->a, *b = arena + operation->b;
    int16_t *result = arena + operation->result;
    uint32_t clipped = 0;
    for (uint32_t i = 0; i < operation->length; i++) {
        result[i] = fx_saturate(fx_round((int32_t)a[i] * b[i], operation->shift), &clipped);
    }
    return clipped;
}

uint32_t fx_product_sum(const fx_operation *operation, int16_t *arena) {
    const int16_t *a = arena + operation->a, *b = arena + operation->b;
    const int16_t *c = arena + operation->c, *d = arena + operation->d;
    int16_t *result = arena + operation->result;
    uint32_t clipped = 0;
    for (uint32_t i = 0; i < operation->length; i++) {
        int64_t first = fx_left((int32_t)a[i] * b[i], operation->shift_ab);
        int64_t second = fx_left((int32_t)c[i] * d[i], operation->shift_cd);
        result[i] = fx_saturate(fx_round(first + second, operation->shift), &clipped);
    }
    return clipped;
}

const fx_kernels fx_kernels_portable = {
    .name = "portable",
    FX_PORTABLE_LOOPS,
};
