/* Element-wise operations of a digital program on a Cortex-M4: activations, and products two at a time.
 *
 * A product's one factor has 15 fraction bits. SSAT and QADD set the flag where a result does not fit; it is made one by one then,
 * and counted.
 */
#include "cortex_m4.h"

#if FX_CORTEX_M4

/* ---- activations */

/* The next code and its activation: middle + round(tanh * scale, 32), a polynomial's term the upper half of the accumulator
 * times the distance. */
#define ACTIVATE_NEXT                                                                                                  \
    "ldrsh r5, [%[codes]], #2\n"                                                                                       \
    "asr r3, r5, %[piece_shift]\n"                                                                                     \
    "add r3, %[pieces], r3, lsl #4\n"                                                                                  \
    "lsl %[distance], r5, %[distance_shift]\n"                                                                         \
    "ldmia r3, {r3, r4, r5, r12}\n"                                                                                    \
    "smmla r12, r12, %[distance], r5\n"                                                                                \
    "smmla r12, r12, %[distance], r4\n"                                                                                \
    "smmla r12, r12, %[distance], r3\n"                                                                                \
    "smmlar r12, r12, %[scale], %[middle]\n"                                                                           \
    "strh r12, [%[result]], #2\n"

void fx_cortex_m4_activate(const fx_cortex_m4_activation *by, const int16_t *codes, int16_t *result,
                           const int16_t *end) {
    uint32_t distance;
    __asm__ volatile("tst %[length], #2\n"
                     "bne 2f\n"
                     "1:\n" ACTIVATE_NEXT "2:\n" ACTIVATE_NEXT "cmp %[result], %[end]\n"
                     "bne 1b\n"
                     : [codes] "+r"(codes), [result] "+r"(result), [distance] "=&r"(distance)
                     : [length] "r"((uintptr_t)end - (uintptr_t)result), [end] "r"(end),
                       [piece_shift] "r"(by->piece_shift), [distance_shift] "r"(by->distance_shift),
                       [pieces] "r"(by->pieces), [scale] "r"(by->scale), [middle] "r"(by->middle)
                     : "r3", "r4", "r5", "r12", "cc", "memory");
}

static fx_status run_activate(fx_executor *executor, fx_cortex_m4_prepared *prepared) {
    (void)executor;
    const fx_cortex_m4_elements *elements = &prepared->elements;
    fx_cortex_m4_activate(&prepared->activation, elements->a, elements->result, elements->end);
    return FX_OK;
}

/* ---- products */

#define HALF (1 << 14)

/* sat(sum >> 15). */
static inline int16_t code_of(int32_t sum) {
    int32_t code;
    __asm__ volatile("ssat %0, #16, %1, asr #15" : "=r"(code) : "r"(sum));
    return (int16_t)code;
}

static fx_status run_product(fx_executor *executor, fx_cortex_m4_prepared *prepared) {
    const int16_t *a = prepared->elements.a, *b = prepared->elements.b, *end = prepared->elements.end;
    int16_t *result = prepared->elements.result;
    fx_cortex_m4_clear_saturated();
    if ((end - result) % 2 != 0) {
        *result++ = code_of(*a++ * *b++ + HALF);
    }
    if (result < end) {
        __asm__ volatile("1:\n"
                         "ldr r3, [%[a]], #4\n"
                         "ldr r4, [%[b]], #4\n"
                         "smlabb r5, r3, r4, %[half]\n"
                         "smlatt r3, r3, r4, %[half]\n"
                         "ssat r5, #16, r5, asr #15\n"
                         "ssat r3, #16, r3, asr #15\n"
                         "pkhbt r3, r5, r3, lsl #16\n"
                         "str r3, [%[result]], #4\n"
                         "cmp %[result], %[end]\n"
                         "bne 1b\n"
                         : [a] "+r"(a), [b] "+r"(b), [result] "+r"(result)
                         : [half] "r"(HALF), [end] "r"(end)
                         : "r3", "r4", "r5", "cc", "memory");
    }
    return fx_cortex_m4_saturated() ? fx_cortex_m4_run_anywhere(executor, prepared) : FX_OK;
}

/* ---- sums of two products: a * b + (c * d << shift), of which the half that rounds is a part of the first */

/* Saturate r3 and, of a pair, r4; leave where they do not fit. */
#define SUM_FIRST                                                                                                      \
    "ldrsh r3, [%[a]], #2\n"                                                                                           \
    "ldrsh r4, [%[b]], #2\n"                                                                                           \
    "ldrsh r5, [%[c]], #2\n"                                                                                           \
    "ldrsh r12, [%[d]], #2\n"                                                                                          \
    "smlabb r6, r3, r4, %[half]\n"                                                                                     \
    "smulbb r3, r5, r12\n"                                                                                             \
    "asr r6, r6, %[shift]\n"                                                                                           \
    "qadd r3, r3, r6\n"                                                                                                \
    "ssat r3, #16, r3, asr #15\n"                                                                                      \
    "mrs r5, APSR\n"                                                                                                   \
    "lsls r5, r5, #4\n"                                                                                                \
    "bmi 2f\n"                                                                                                         \
    "strh r3, [%[result]], #2\n"

#define SUM_PAIR                                                                                                       \
    "ldr r3, [%[a]], #4\n"                                                                                             \
    "ldr r4, [%[b]], #4\n"                                                                                             \
    "ldr r5, [%[c]], #4\n"                                                                                             \
    "ldr r12, [%[d]], #4\n"                                                                                            \
    "smlabb r6, r3, r4, %[half]\n"                                                                                     \
    "smlatt r4, r3, r4, %[half]\n"                                                                                     \
    "smulbb r3, r5, r12\n"                                                                                             \
    "smultt r5, r5, r12\n"                                                                                             \
    "asr r6, r6, %[shift]\n"                                                                                           \
    "asr r4, r4, %[shift]\n"                                                                                           \
    "qadd r3, r3, r6\n"                                                                                                \
    "qadd r4, r4, r5\n"                                                                                                \
    "ssat r3, #16, r3, asr #15\n"                                                                                      \
    "ssat r4, #16, r4, asr #15\n"                                                                                      \
    "mrs r5, APSR\n"                                                                                                   \
    "pkhbt r3, r3, r4, lsl #16\n"                                                                                      \
    "lsls r5, r5, #4\n"                                                                                                \
    "bmi 2f\n"                                                                                                         \
    "str r3, [%[result]], #4\n"

/* Sums to the end, the first of an odd number alone, or to those that are saturated, whose results are not stored. */
static __attribute__((noinline)) void sum_up(fx_cortex_m4_elements *at, uint32_t shift) {
    __asm__ volatile("sub r3, %[end], %[result]\n"
                     "tst r3, #2\n"
                     "beq 1f\n" SUM_FIRST "cmp %[result], %[end]\n"
                     "beq 2f\n"
                     "1:\n" SUM_PAIR "cmp %[result], %[end]\n"
                     "bne 1b\n"
                     "2:\n"
                     : [a] "+r"(at->a), [b] "+r"(at->b), [c] "+r"(at->c), [d] "+r"(at->d), [result] "+r"(at->result)
                     : [half] "r"(HALF << shift), [shift] "r"(shift), [end] "r"(at->end)
                     : "r3", "r4", "r5", "r6", "r12", "cc", "memory");
}

/* The operation on `count` of its codes from the i-th on. */
static __attribute__((noinline)) uint32_t part_one_by_one(const fx_operation *operation, int16_t *arena, uint32_t i,
                                                          uint32_t count) {
    fx_operation part = *operation;
    part.length = count;
    part.result += i;
    part.a += i;
    part.b += i;
    part.c += i;
    part.d += i;
    return fx_cortex_m4_product_sum(&part, arena);
}

/* Results may be operands, so those that are saturated are made, and counted, as soon as they are met. */
static fx_status run_sum(fx_executor *executor, fx_cortex_m4_prepared *prepared) {
    const fx_operation *operation = prepared->operation;
    fx_cortex_m4_elements at = prepared->elements;
    fx_cortex_m4_clear_saturated();
    sum_up(&at, operation->shift_cd);
    while (fx_cortex_m4_saturated()) {
        uint32_t count = (at.end - at.result) % 2 != 0 ? 1 : 2,
                 done = (uint32_t)(at.result - prepared->elements.result);
        prepared->clipped->result += part_one_by_one(operation, executor->arenas, done, count);
        fx_cortex_m4_clear_saturated();
        at.result += count;
        if (at.result < at.end) {
            sum_up(&at, operation->shift_cd);
        }
    }
    return FX_OK;
}

/* ---- which operations run so */

fx_cortex_m4_run *fx_cortex_m4_elementwise(const fx_operation *operation) {
    switch (operation->code) {
    case FX_OPERATION_ACTIVATE:
        return fx_cortex_m4_activates(operation->fraction) ? run_activate : NULL;
    case FX_OPERATION_PRODUCT: /* operands have to be there still when it is known that some are saturated */
        return operation->shift == 15 && operation->result != operation->a && operation->result != operation->b
                   ? run_product
                   : NULL;
    case FX_OPERATION_PRODUCT_SUM:
        return operation->shift_ab == 0 && operation->shift_cd <= 15 && operation->shift == 15 + operation->shift_cd
                   ? run_sum
                   : NULL;
    default:
        return NULL;
    }
}
#endif
