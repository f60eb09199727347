/* The hot loops, as a table that each instruction set fills. Every set gives the same integers. Internal to the core.
 */
#ifndef FX_KERNELS_H
#define FX_KERNELS_H

#include "../fxlstm.h"

/* One product of a batch with a block of a matrix. Strides are in elements. */
typedef struct {
    const void *weights; /* int8_t or int16_t, column after column */
    size_t weight_stride;
    uint32_t largest_weight; /* no weight's magnitude is above; at least 1 */
    int16_t *codes;          /* sequence after sequence, each -32767..32767; a kernel may reorder them while it runs */
    size_t code_stride;
    int64_t *sums; /* result: sequence after sequence, one exact sum per column */
    size_t sum_stride;
    uint32_t rows;
    uint32_t columns;
    uint32_t count; /* sequences */
} fx_product;

struct fx_planning; /* host/plan.h */

struct fx_kernels {
    const char *name;
    const char *needs;    /* what it runs on, for messages; NULL: anything */
    bool (*usable)(void); /* whether this process runs it; NULL: any does. May ask the system for permission */
    const struct fx_planning
        *planning; /* how operations run by a plan; NULL: there are no plans, all loops are below */
    void (*multiply_16)(const fx_product *product); /* 16-bit weights */
    void (*multiply_8)(const fx_product *product);  /* 8-bit weights */
    const fx_runner *runner;                        /* how operations run without a plan; NULL: one by one */
    void (*prepare)(const fx_executor *executor);   /* fills executor->prepared for the runner; NULL without one */
    /* result[i] = sat(round(sums[i] * mantissa + bias, shift)) by the scale of column i; returns how many were clipped. */
    uint32_t (*rescale)(const fx_scale *scales, const int64_t *sums, int16_t *result, uint32_t columns);
    /* result[i] = fx_activation(function, fraction, codes[i]); result may be codes itself. */
    void (*activate)(uint8_t function, uint8_t fraction, const int16_t *codes, int16_t *result, uint32_t length);
    /* The operations of these names on one sequence's arena; they return how many results were clipped. */
    uint32_t (*product)(const fx_operation *operation, int16_t *arena);
    uint32_t (*product_sum)(const fx_operation *operation, int16_t *arena);
};

extern const fx_kernels fx_kernels_portable;

/* The loops of the portable set, for sets that have no better. */
void fx_multiply_16(const fx_product *product);
void fx_multiply_8(const fx_product *product);
uint32_t fx_rescale(const fx_scale *scales, const int64_t *sums, int16_t *result, uint32_t columns);
void fx_activate(uint8_t function, uint8_t fraction, const int16_t *codes, int16_t *result, uint32_t length);
uint32_t fx_product_operation(const fx_operation *operation, int16_t *arena);
uint32_t fx_product_sum(const fx_operation *operation, int16_t *arena);

/* All of them, for the initialiser of a set. */
#define FX_PORTABLE_LOOPS                                                                                              \
    .multiply_16 = fx_multiply_16, .multiply_8 = fx_multiply_8, .rescale = fx_rescale, .activate = fx_activate,        \
    .product = fx_product_operation, .product_sum = fx_product_sum

/* Sets of hosts (host/); each stands only where its instructions do. */
extern const fx_kernels fx_kernels_avx512;
extern const fx_kernels fx_kernels_avx2;
extern const fx_kernels fx_kernels_neon;

/* Compilers that know AMX. */
#if defined(__x86_64__) && ((defined(__clang__) && __clang_major__ >= 12) || (!defined(__clang__) && __GNUC__ >= 11))
#define FX_AMX 1
#else
#define FX_AMX 0
#endif
extern const fx_kernels fx_kernels_amx;

/* Microcontrollers with DSP instructions: Cortex-M4, M7 and later. */
#if defined(__ARM_FEATURE_DSP) && __ARM_ARCH_PROFILE == 'M'
#define FX_CORTEX_M4 1
#define FX_PREPARED_SIZE 96u        /* bytes that it prepares for each operation */
#define FX_PREPARED_COLUMN_SIZE 16u /* and for each column of 8-bit weights in a digital program */
#else
#define FX_CORTEX_M4 0
#define FX_PREPARED_SIZE 0u
#define FX_PREPARED_COLUMN_SIZE 0u
#endif
extern const fx_kernels fx_kernels_cortex_m4;

#endif
