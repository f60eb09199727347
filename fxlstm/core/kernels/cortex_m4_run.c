/* Runs operations on a Cortex-M4 as they are prepared. */
#include "cortex_m4.h"

#if FX_CORTEX_M4

/* ---- codes that drive rows: as those of the operand, but at least -FX_LARGEST_ROW_CODE; whole words of two */

/* clang-format off */
#define DRIVE(pair) "qsub16 " pair ", " pair ", %[ones]\n" \
                    "sadd16 " pair ", " pair ", %[ones]\n"

static void drive_words(const int16_t *codes, uint32_t pairs, int16_t *rows) {
    __asm__ volatile("subs %[pairs], %[pairs], #4\n"
                     "blo 2f\n"
                     "1:\n"
                     "ldmia %[codes]!, {r3, r4, r5, r6}\n"
                     DRIVE("r3") DRIVE("r4") DRIVE("r5") DRIVE("r6")
                     "stmia %[rows]!, {r3, r4, r5, r6}\n"
                     "subs %[pairs], %[pairs], #4\n"
                     "bhs 1b\n"
                     "2:\n"
                     "adds %[pairs], %[pairs], #4\n"
                     "beq 4f\n"
                     "3:\n"
                     "ldr r3, [%[codes]], #4\n"
                     DRIVE("r3")
                     "str r3, [%[rows]], #4\n"
                     "subs %[pairs], %[pairs], #1\n"
                     "bne 3b\n"
                     "4:\n"
                     : [codes] "+r"(codes), [rows] "+r"(rows), [pairs] "+r"(pairs)
                     : [ones] "r"(0x00010001u)
                     : "r3", "r4", "r5", "r6", "cc", "memory");
}

/* Of every four codes 0 and 2, then 1 and 3: so SXTB16 widens 8-bit weights. The first two of an odd
 * number of pairs are alone. */
static void drive_bytes(const int16_t *codes, uint32_t pairs, int16_t *rows) {
    const int16_t *end = codes + pairs * 2;
    if (pairs % 2 != 0) {
        __asm__ volatile("ldr r3, [%[codes]], #4\n"
                         DRIVE("r3")
                         "uxth r4, r3\n"
                         "lsr r5, r3, #16\n"
                         "stmia %[rows]!, {r4, r5}\n"
                         : [codes] "+r"(codes), [rows] "+r"(rows)
                         : [ones] "r"(0x00010001u)
                         : "r3", "r4", "r5", "memory");
    }
    while (codes < end) {
        __asm__ volatile("ldmia %[codes]!, {r3, r4}\n"
                         DRIVE("r3") DRIVE("r4")
                         "pkhbt r5, r3, r4, lsl #16\n"
                         "pkhtb r6, r4, r3, asr #16\n"
                         "stmia %[rows]!, {r5, r6}\n"
                         : [codes] "+r"(codes), [rows] "+r"(rows)
                         : [ones] "r"(0x00010001u)
                         : "r3", "r4", "r5", "r6", "memory");
    }
}

#define KEEP_LEAST(pair) "uadd16 r5, " pair ", %[from]\n" \
                         "usub16 r6, r5, %[least]\n" \
                         "sel %[least], %[least], r5\n"

/* As drive_bytes, where no code is so large that adding a weight takes it beyond 16 bits; otherwise false. Gives the sum of
 * products that codes have with each other, of every two. */
static bool drive_inner_bytes(const int16_t *codes, uint32_t pairs, uint32_t largest_weight, int16_t *rows,
                              int64_t *products) {
    const int16_t *end = codes + pairs * 2;
    const uint32_t from = (0x8000u + largest_weight) * 0x00010001u; /* codes too large wrap to less than twice a weight */
    uint32_t least = UINT32_MAX;
    int64_t sum = 0;
    if (pairs % 2 != 0) {
        __asm__ volatile("ldr r3, [%[codes]], #4\n"
                         KEEP_LEAST("r3")
                         "uxth r5, r3\n"
                         "lsr r6, r3, #16\n"
                         "smlald %Q[sum], %R[sum], r5, r6\n"
                         "stmia %[rows]!, {r5, r6}\n"
                         : [codes] "+r"(codes), [rows] "+r"(rows), [least] "+r"(least), [sum] "+r"(sum)
                         : [from] "r"(from)
                         : "r3", "r5", "r6", "cc", "memory");
    }
    while (codes < end) {
        __asm__ volatile("ldmia %[codes]!, {r3, r4}\n"
                         KEEP_LEAST("r3") KEEP_LEAST("r4")
                         "pkhbt r5, r3, r4, lsl #16\n"
                         "pkhtb r6, r4, r3, asr #16\n"
                         "smlald %Q[sum], %R[sum], r5, r6\n"
                         "stmia %[rows]!, {r5, r6}\n"
                         : [codes] "+r"(codes), [rows] "+r"(rows), [least] "+r"(least), [sum] "+r"(sum)
                         : [from] "r"(from)
                         : "r3", "r4", "r5", "r6", "cc", "memory");
    }
    *products = sum;
    return (least & 0xFFFFu) >= 2 * largest_weight && least >> 16 >= 2 * largest_weight;
}
/* clang-format on */

/* ---- operations */

fx_status fx_cortex_m4_run_anywhere(fx_executor *executor, fx_cortex_m4_prepared *prepared) {
    return fx_operation_run(executor, prepared->operation, prepared->clipped);
}

/* All columns of a product of one sequence. */
static void run_segments(const fx_cortex_m4_prepared *prepared, size_t offset) {
    const fx_cortex_m4_prepared *end = prepared + prepared->segments;
    for (const fx_cortex_m4_prepared *segment = prepared; segment < end; segment++) {
        segment->run_columns(&segment->columns, offset);
    }
}

/* The same of codes and 8-bit weights one by one, with the scales of the image. */
static void run_plain_segments(const fx_executor *executor, const fx_cortex_m4_prepared *prepared, size_t offset) {
    const fx_program *program = executor->program;
    const fx_matrix *matrix = program->matrices + prepared->operation->matrix;
    const fx_cortex_m4_prepared *end = prepared + prepared->segments;
    for (const fx_cortex_m4_prepared *segment = prepared; segment < end; segment++) {
        fx_cortex_m4_columns columns = segment->columns;
        columns.scales = program->scales + matrix->scales + (columns.scales - prepared->columns.scales);
        fx_cortex_m4_set_rows(&columns, FX_CORTEX_M4_BYTES, matrix->rows, executor->rows)(&columns, offset);
    }
}

/* With 8-bit weights: by inner products where all codes leave room for a weight. */
static __attribute__((noinline)) void multiply_bytes(const fx_executor *executor, fx_cortex_m4_prepared *prepared,
                                                     const int16_t *codes, uint32_t pairs, size_t offset) {
    const fx_cortex_m4_prepared *end = prepared + prepared->segments;
    int64_t products = 0;
    if (!drive_inner_bytes(codes, pairs, executor->program->header->levels - 1, executor->rows, &products)) {
        drive_bytes(codes, pairs, executor->rows);
        run_plain_segments(executor, prepared, offset);
        return;
    }
    for (fx_cortex_m4_prepared *segment = prepared; segment < end; segment++) {
        segment->columns.sum = -products;
    }
    run_segments(prepared, offset);
}

/* A product and the activations of its columns. Saturated columns are counted by doing the product again, step by step. */
fx_status fx_cortex_m4_run_product(fx_executor *executor, fx_cortex_m4_prepared *prepared) {
    const fx_program *program = executor->program;
    const fx_operation *product = prepared->operation;
    const uint32_t pairs = program->matrices[product->matrix].stride / 2;
    fx_cortex_m4_clear_saturated();
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        size_t first = sequence * executor->arena_stride;
        const int16_t *codes = executor->arenas + first + product->a;
        if (program->header->weight_bits == 8) {
            multiply_bytes(executor, prepared, codes, pairs, first * sizeof(int16_t));
        } else {
            drive_words(codes, pairs, executor->rows);
            run_segments(prepared, first * sizeof(int16_t));
        }
    }
    return fx_cortex_m4_saturated() ? fx_cortex_m4_run_anywhere(executor, prepared) : FX_OK;
}

static fx_status run_operations(fx_executor *executor, uint32_t first, uint32_t end) {
    fx_cortex_m4_prepared *prepared = (fx_cortex_m4_prepared *)executor->prepared + first;
    const fx_cortex_m4_prepared *last = prepared + (end - first);
    fx_status status = FX_OK;
    for (; prepared < last && status == FX_OK; prepared += prepared->operations) {
        status = prepared->run(executor, prepared);
    }
    return status;
}

const fx_runner fx_cortex_m4_runner = {.run = run_operations};
#endif
