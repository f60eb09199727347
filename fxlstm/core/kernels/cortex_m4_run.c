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
/* clang-format on */

/* ---- operations */

fx_status fx_cortex_m4_run_anywhere(fx_executor *executor, const fx_cortex_m4_prepared *prepared) {
    return fx_operation_run(executor, prepared->operation, prepared->clipped);
}

/* A product and the activations of its columns. Saturated columns are counted by doing the product again, step by step. */
fx_status fx_cortex_m4_run_product(fx_executor *executor, const fx_cortex_m4_prepared *prepared) {
    const fx_program *program = executor->program;
    const fx_operation *product = prepared->operation;
    const uint32_t pairs = program->matrices[product->matrix].stride / 2;
    const fx_cortex_m4_prepared *end = prepared + prepared->segments;
    fx_cortex_m4_clear_saturated();
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        size_t offset = sequence * executor->arena_stride;
        const int16_t *codes = executor->arenas + offset + product->a;
        if (program->header->weight_bits == 8) {
            drive_bytes(codes, pairs, executor->rows);
        } else {
            drive_words(codes, pairs, executor->rows);
        }
        for (const fx_cortex_m4_prepared *segment = prepared; segment < end; segment++) {
            segment->run_columns(&segment->columns, offset * sizeof(int16_t));
        }
    }
    return fx_cortex_m4_saturated() ? fx_cortex_m4_run_anywhere(executor, prepared) : FX_OK;
}

static fx_status run_operations(fx_executor *executor, uint32_t first, uint32_t end) {
    const fx_cortex_m4_prepared *prepared = (const fx_cortex_m4_prepared *)executor->prepared + first;
    const fx_cortex_m4_prepared *last = prepared + (end - first);
    fx_status status = FX_OK;
    for (; prepared < last && status == FX_OK; prepared += prepared->operations) {
        status = prepared->run(executor, prepared);
    }
    return status;
}

const fx_runner fx_cortex_m4_runner = {.run = run_operations};
#endif
