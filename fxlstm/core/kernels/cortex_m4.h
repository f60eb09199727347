/* The set for the DSP instructions of a Cortex-M4, M7 and later. Internal to the core. */
#ifndef FX_CORTEX_M4_H
#define FX_CORTEX_M4_H

#include "../activation.h"
#include "../operations.h"
#include "kernels.h"

void fx_cortex_m4_multiply_16(const fx_product *product);
void fx_cortex_m4_multiply_8(const fx_product *product);
uint32_t fx_cortex_m4_product(const fx_operation *operation, int16_t *arena);
uint32_t fx_cortex_m4_product_sum(const fx_operation *operation, int16_t *arena);

/* As fx_saturate, of 32 bits. */
static inline int16_t fx_cortex_m4_saturate(int32_t value, uint32_t *clipped) {
    int32_t code;
    __asm__("ssat %0, #16, %1" : "=r"(code) : "r"(value) : "cc");
    *clipped += code != value;
    return (int16_t)code;
}

/* The status register's flag, which SSAT and QADD set and nothing else clears. */
static inline void fx_cortex_m4_clear_saturated(void) {
    __asm__ volatile("msr APSR_nzcvq, %0" : : "r"(0) : "cc");
}

static inline bool fx_cortex_m4_saturated(void) {
    uint32_t status;
    __asm__ volatile("mrs %0, APSR" : "=r"(status));
    return (status & 1u << 27) != 0;
}

/* How a code becomes an argument of tanh, and tanh a code: result = middle + round(tanh * scale, 32). */
typedef struct {
    uint32_t piece_shift;    /* code >> piece_shift: the piece, 0 at code 0 */
    uint32_t distance_shift; /* code << distance_shift: t of activation.h */
    const fx_tanh_piece *pieces;
    int32_t scale;
    int32_t middle;
} fx_cortex_m4_activation;

/* Whether all codes of this format are arguments inside the table and no result has to saturate. */
static inline bool fx_cortex_m4_activates(uint32_t fraction) {
    return fraction >= 12;
}

static inline fx_cortex_m4_activation fx_cortex_m4_activation_of(uint32_t function, uint32_t fraction) {
    uint32_t left = FX_ARGUMENT_BITS - fraction - (function == FX_FUNCTION_TANH ? 0u : 1u);
    bool is_sigmoid = function == FX_FUNCTION_SIGMOID;
    return (fx_cortex_m4_activation){
        .piece_shift = FX_PIECE_BITS - left,
        .distance_shift = FX_DISTANCE_SHIFT + left,
        .pieces = fx_tanh_pieces + FX_PIECES / 2,
        .scale = 1 << (is_sigmoid ? 15 : 16),
        .middle = is_sigmoid ? 1 << 14 : 0,
    };
}

/* Columns of a digital product and their activation. Assembly reads it: the order is its own. */
typedef struct {
    const void *weights;    /* column after column, without gaps; 16-bit ones on a multiple of four bytes */
    const fx_scale *scales; /* shifts above 32; of FX_CORTEX_M4_INNER_BYTES as they are prepared */
    int16_t *result;        /* of the first sequence */
    const int16_t *codes;   /* from here on at the stack pointer */
    int64_t sum;            /* where it begins: 0, or minus the products of codes with each other */
    fx_cortex_m4_activation activation;
    const int16_t *end;                   /* of the results */
    const int16_t *looped_codes;          /* where the loop before the chain ends */
    uintptr_t entry, blocks, body, chain; /* code: of a column, its blocks, its longest blocks, those in the chain */
} fx_cortex_m4_columns;

/* result = the activation of sat(round(sum * mantissa + bias, shift)); sets the flag when one is saturated. `offset`: bytes from
 * the first sequence's arena to the one that results go to. */
typedef void fx_cortex_m4_run_columns(const fx_cortex_m4_columns *columns, size_t offset);

/* How a column's sum is made; of 8-bit weights by Winograd's inner product where codes leave room for a weight. */
typedef enum { FX_CORTEX_M4_WORDS, FX_CORTEX_M4_BYTES, FX_CORTEX_M4_INNER_BYTES } fx_cortex_m4_sum;

/* Of columns of so many rows, whose weights are set: codes, sum, what follows the end; returns what runs them. */
fx_cortex_m4_run_columns *fx_cortex_m4_set_rows(fx_cortex_m4_columns *columns, fx_cortex_m4_sum sum, uint32_t rows,
                                                const int16_t *codes);

/* Codes of an element-wise operation on one sequence's arena. */
typedef struct {
    const int16_t *a, *b, *c, *d;
    int16_t *result;
    const int16_t *end; /* of the results */
} fx_cortex_m4_elements;

/* What is prepared of an operation. A product is made in segments, columns that one function activates: the first is prepared
 * where the product is, the next ones in the places of the operations that are a part of it. */
typedef struct fx_cortex_m4_prepared fx_cortex_m4_prepared;
typedef fx_status fx_cortex_m4_run(fx_executor *executor, fx_cortex_m4_prepared *prepared);
struct fx_cortex_m4_prepared {
    union {
        fx_cortex_m4_columns columns;
        struct {
            fx_cortex_m4_elements elements;
            fx_cortex_m4_activation activation;
        };
    };
    fx_cortex_m4_run *run;
    fx_cortex_m4_run_columns *run_columns;
    const fx_operation *operation;
    fx_clipped *clipped;
    uint16_t segments;
    uint16_t operations; /* that it is made of */
};

fx_cortex_m4_run fx_cortex_m4_run_product;
fx_cortex_m4_run fx_cortex_m4_run_anywhere; /* as without preparation */

/* What runs an element-wise operation of one sequence; NULL: what runs it anywhere. */
fx_cortex_m4_run *fx_cortex_m4_elementwise(const fx_operation *operation);

void fx_cortex_m4_activate(const fx_cortex_m4_activation *by, const int16_t *codes, int16_t *result,
                           const int16_t *end);

_Static_assert(!FX_CORTEX_M4 || sizeof(fx_cortex_m4_prepared) == FX_PREPARED_SIZE, "one per operation");

void fx_cortex_m4_prepare(const fx_executor *executor);
extern const fx_runner fx_cortex_m4_runner;

#endif
