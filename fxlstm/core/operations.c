/* The element-wise operations, as fxlstm/program/operations.py words them. */
#include "operations.h"

#include "arithmetic.h"
#include "kernels/kernels.h"

static uint32_t sum(const fx_operation *operation, int16_t *arena) {
    const int16_t *a = arena + operation->a, *b = arena + operation->b;
    int16_t *result = arena + operation->result;
    uint32_t clipped = 0;
    for (uint32_t i = 0; i < operation->length; i++) {
        int64_t terms = fx_left(a[i], operation->shift_ab) + fx_left(b[i], operation->shift_cd);
        result[i] = fx_saturate(fx_round(terms, operation->shift), &clipped);
    }
    return clipped;
}

static uint32_t complement(const fx_operation *operation, int16_t *arena) {
    const int16_t *a = arena + operation->a;
    int16_t *result = arena + operation->result;
    uint32_t clipped = 0;
    for (uint32_t i = 0; i < operation->length; i++) {
        result[i] = fx_saturate(fx_left(1, operation->shift) - a[i], &clipped);
    }
    return clipped;
}

static uint32_t interpolate(const fx_operation *operation, int16_t *arena) {
    const int16_t *a = arena + operation->a, *b = arena + operation->b, *c = arena + operation->c;
    int16_t *result = arena + operation->result;
    uint32_t clipped = 0;
    for (uint32_t i = 0; i < operation->length; i++) {
        int64_t blend = (int64_t)a[i] * b[i] + (int64_t)(32768 - a[i]) * c[i];
        result[i] = fx_saturate(fx_round(blend, 15), &clipped);
    }
    return clipped;
}

static uint32_t copy(const fx_operation *operation, int16_t *arena) {
    const int16_t *a = arena + operation->a;
    int16_t *result = arena + operation->result;
    uint32_t clipped = 0;
    for (uint32_t i = 0; i < operation->length; i++) {
        result[i] = fx_saturate(fx_round(fx_left(a[i], operation->shift_ab), operation->shift), &clipped);
    }
    return clipped;
}

static uint32_t clamp(const fx_operation *operation, int16_t *arena) {
    const int16_t *a = arena + operation->a, *low = arena + operation->b, *high = arena + operation->c;
    int16_t *result = arena + operation->result;
    for (uint32_t i = 0; i < operation->length; i++) {
        int16_t raised = a[i] > low[i] ? a[i] : low[i];
        result[i] = raised < high[i] ? raised : high[i];
    }
    return 0;
}

uint32_t fx_operation_elementwise(const fx_kernels *kernels, const fx_operation *operation, int16_t *arena) {
    switch (operation->code) {
    case FX_OPERATION_ACTIVATE:
        kernels->activate(operation->function, operation->fraction, arena + operation->a, arena + operation->result,
                          operation->length);
        return 0;
    case FX_OPERATION_PRODUCT:
        return kernels->product(operation, arena);
    case FX_OPERATION_PRODUCT_SUM:
        return kernels->product_sum(operation, arena);
    case FX_OPERATION_SUM:
        return sum(operation, arena);
    case FX_OPERATION_COMPLEMENT:
        return complement(operation, arena);
    case FX_OPERATION_INTERPOLATE:
        return interpolate(operation, arena);
    case FX_OPERATION_CLAMP:
        return clamp(operation, arena);
    default: /* the loader lets no other code through */
        return copy(operation, arena);
    }
}

fx_status fx_operation_run(fx_executor *executor, const fx_operation *operation, fx_clipped *clipped) {
    if (operation->code == FX_OPERATION_MULTIPLY) {
        return fx_operation_multiply(executor, operation, clipped);
    }
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        int16_t *arena = executor->arenas + sequence * executor->arena_stride;
        clipped->result += fx_operation_elementwise(executor->kernels, operation, arena);
    }
    return FX_OK;
}
