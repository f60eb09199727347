/* Products of matrices for the DSP instructions of a Cortex-M4, M7 and later: two products of 16 bits each at once.
 *
 * The inner loops are written in assembly because compilers do not make the loads of several words at once without which
 * loading takes most of the time. A block is eight rows; its codes stand in r3 to r6. */
#include "cortex_m4.h"

#if FX_CORTEX_M4

#include "../arithmetic.h"

#define BLOCK 8u
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Whole blocks of `rows`, eight at a time as long as there are eight; `rows` does not survive. */
#define FOR_BLOCKS(block)                                                                                              \
    "subs %[rows], %[rows], #64\n"                                                                                     \
    "blo 2f\n"                                                                                                         \
    "1:\n" block block block block block block block block "subs %[rows], %[rows], #64\n"                              \
    "bhs 1b\n"                                                                                                         \
    "2:\n"                                                                                                             \
    "adds %[rows], %[rows], #56\n"                                                                                     \
    "bmi 4f\n"                                                                                                         \
    "3:\n" block "subs %[rows], %[rows], #8\n"                                                                         \
    "bpl 3b\n"                                                                                                         \
    "4:\n"

#define CLOBBERED "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "cc", "memory"

#define LOAD_CODES "ldmia %[codes]!, {r3, r4, r5, r6}\n"

/* ---- 16-bit weights of any size: column by column, sums in 64 bits */

/* Exact sum of whole blocks of a column; weights and codes begin at a multiple of four bytes. */
static inline int64_t sum_column(const int16_t *weights, const int16_t *codes, uint32_t rows) {
    int64_t sum = 0;
    __asm__ volatile(FOR_BLOCKS(LOAD_CODES "ldmia %[weights]!, {r8, r9, r10, r12}\n"
                                           "smlald %Q[sum], %R[sum], r8, r3\n"
                                           "smlald %Q[sum], %R[sum], r9, r4\n"
                                           "smlald %Q[sum], %R[sum], r10, r5\n"
                                           "smlald %Q[sum], %R[sum], r12, r6\n")
                     : [sum] "+r"(sum), [weights] "+r"(weights), [codes] "+r"(codes), [rows] "+r"(rows)
                     :
                     : CLOBBERED);
    return sum;
}

static void multiply_columns(const fx_product *product, const int16_t *codes, int64_t *sums) {
    const int16_t *weights = product->weights;
    const int64_t *end = sums + product->columns;
    size_t stride = product->weight_stride;
    uint32_t rows = product->rows, rest = rows % BLOCK;
    for (; sums < end; sums++, weights += stride) {
        int64_t sum = sum_column(weights, codes, rows);
        for (uint32_t row = rows - rest; row < rows; row++) {
            sum += (int32_t)weights[row] * codes[row];
        }
        *sums = sum;
    }
}

/* ---- small weights: two columns at once, sums in 32 bits */

typedef enum { WORDS, BYTES, UNALIGNED_BYTES } weight_form; /* of the weights; bytes may begin anywhere */

typedef struct {
    int32_t first, second;
} pair;

#define ADD_WORDS(column)                                                                                              \
    "ldmia %[" column "]!, {r8, r9, r10, r12}\n"                                                                       \
    "smlad %[sum_" column "], r8, r3, %[sum_" column "]\n"                                                             \
    "smlad %[sum_" column "], r9, r4, %[sum_" column "]\n"                                                             \
    "smlad %[sum_" column "], r10, r5, %[sum_" column "]\n"                                                            \
    "smlad %[sum_" column "], r12, r6, %[sum_" column "]\n"

/* Bytes widen as 0 and 2, then 1 and 3 of a word, so the codes stand in this order. */
#define ADD_BYTES(column, load)                                                                                        \
    load "sxtb16 r10, r8\n"                                                                                            \
         "sxtb16 r8, r8, ror #8\n"                                                                                     \
         "smlad %[sum_" column "], r10, r3, %[sum_" column "]\n"                                                       \
         "sxtb16 r10, r9\n"                                                                                            \
         "smlad %[sum_" column "], r8, r4, %[sum_" column "]\n"                                                        \
         "sxtb16 r9, r9, ror #8\n"                                                                                     \
         "smlad %[sum_" column "], r10, r5, %[sum_" column "]\n"                                                       \
         "smlad %[sum_" column "], r9, r6, %[sum_" column "]\n"

#define LOAD_PAIR(column) "ldrd r8, r9, [%[" column "]], #8\n"
#define LOAD_UNALIGNED(column) "ldr r8, [%[" column "]], #4\nldr r9, [%[" column "]], #4\n"

#define SUM_PAIR(block)                                                                                                \
    __asm__ volatile(FOR_BLOCKS(LOAD_CODES block)                                                                      \
                     : [sum_first] "+r"(sum.first), [sum_second] "+r"(sum.second), [first] "+r"(first),                \
                       [second] "+r"(second), [codes] "+r"(codes), [rows] "+r"(rows)                                   \
                     :                                                                                                 \
                     : CLOBBERED)

/* Sums of whole blocks of two columns, which 32 bits hold. */
static ALWAYS_INLINE pair sum_pair(weight_form form, const void *first, const void *second, const int16_t *codes,
                                   uint32_t rows) {
    pair sum = {0, 0};
    if (form == WORDS) {
        SUM_PAIR(ADD_WORDS("first") ADD_WORDS("second"));
    } else if (form == BYTES) {
        SUM_PAIR(ADD_BYTES("first", LOAD_PAIR("first")) ADD_BYTES("second", LOAD_PAIR("second")));
    } else {
        SUM_PAIR(ADD_BYTES("first", LOAD_UNALIGNED("first")) ADD_BYTES("second", LOAD_UNALIGNED("second")));
    }
    return sum;
}

/* Add `rows` from `row` on, whole blocks, of column after column; those from row 0 on are the first. */
static ALWAYS_INLINE void add_blocks(const fx_product *product, weight_form form, uint32_t row, uint32_t rows,
                                     const int16_t *codes, int64_t *sums) {
    const size_t size = form == WORDS ? sizeof(int16_t) : sizeof(int8_t), stride = product->weight_stride * size;
    const uint8_t *first = (const uint8_t *)product->weights + row * size;
    const int64_t *end = sums + (product->columns & ~1u);
    for (; sums < end; sums += 2, first += 2 * stride) {
        pair sum = sum_pair(form, first, first + stride, codes + row, rows);
        sums[0] = (row == 0 ? 0 : sums[0]) + sum.first;
        sums[1] = (row == 0 ? 0 : sums[1]) + sum.second;
    }
}

/* Add the rows that are no whole block, for the same columns. */
static void add_rest(const fx_product *product, weight_form form, const int16_t *codes, int64_t *sums) {
    for (uint32_t column = 0; column < (product->columns & ~1u); column++) {
        size_t first = column * product->weight_stride;
        for (uint32_t row = product->rows - product->rows % BLOCK; row < product->rows; row++) {
            int32_t weight = form == WORDS ? ((const int16_t *)product->weights)[first + row]
                                           : ((const int8_t *)product->weights)[first + row];
            sums[column] += weight * codes[row];
        }
    }
}

/* Two columns after the other; `exact` rows add up in 32 bits. The last of an odd number of columns is left out. */
static ALWAYS_INLINE void multiply_pairs(const fx_product *product, weight_form form, uint32_t exact,
                                         const int16_t *codes, int64_t *sums) {
    const uint32_t blocks = product->rows - product->rows % BLOCK;
    uint32_t row = 0;
    do {
        uint32_t rows = blocks - row < exact ? blocks - row : exact;
        add_blocks(product, form, row, rows, codes, sums);
        row += rows;
    } while (row < blocks);
    if (blocks < product->rows) {
        add_rest(product, form, codes, sums);
    }
}

/* The last of an odd number of columns. */
static fx_product last_column(const fx_product *product, size_t size) {
    uint32_t before = product->columns & ~1u;
    fx_product last = *product;
    last.weights = (const uint8_t *)product->weights + before * product->weight_stride * size;
    last.sums += before;
    last.columns -= before;
    return last;
}

/* Whole blocks of rows that surely add up in 32 bits. */
static uint32_t exact_rows(const fx_product *product) {
    return (uint32_t)INT32_MAX / FX_LARGEST_ROW_CODE / product->largest_weight & ~(BLOCK - 1);
}

static bool aligned(const void *address) {
    return (uintptr_t)address % sizeof(uint32_t) == 0;
}

/* ---- the kernels */

#define WORTH_PIECES 64u /* fewer rows than these cost less in 64 bits */

void fx_cortex_m4_multiply_16(const fx_product *product) {
    uint32_t exact = exact_rows(product);
    bool small = exact >= WORTH_PIECES || exact >= product->rows;
    if (!aligned(product->weights) || !aligned(product->codes)) { /* a tile from an odd row on */
        fx_multiply_16(product);
        return;
    }
    for (uint32_t sequence = 0; sequence < product->count; sequence++) {
        const int16_t *codes = product->codes + sequence * product->code_stride;
        int64_t *sums = product->sums + sequence * product->sum_stride;
        if (small) {
            multiply_pairs(product, WORDS, exact, codes, sums);
        } else {
            multiply_columns(product, codes, sums);
        }
    }
    if (small) {
        fx_product last = last_column(product, sizeof(int16_t));
        fx_multiply_16(&last);
    }
}

/* Exchange the middle two of every four codes of whole blocks: 0 2 1 3. Done twice it changes nothing. */
static void exchange_codes(int16_t *codes, uint32_t rows) {
    for (const int16_t *end = codes + rows - rows % BLOCK; codes < end; codes += 4) {
        int16_t middle = codes[1];
        codes[1] = codes[2];
        codes[2] = middle;
    }
}

void fx_cortex_m4_multiply_8(const fx_product *product) {
    bool words = aligned(product->weights) && product->weight_stride % sizeof(uint32_t) == 0;
    uint32_t exact = exact_rows(product);
    if (!aligned(product->codes)) {
        fx_multiply_8(product);
        return;
    }
    for (uint32_t sequence = 0; sequence < product->count; sequence++) {
        int16_t *codes = product->codes + sequence * product->code_stride;
        int64_t *sums = product->sums + sequence * product->sum_stride;
        exchange_codes(codes, product->rows);
        if (words) {
            multiply_pairs(product, BYTES, exact, codes, sums);
        } else {
            multiply_pairs(product, UNALIGNED_BYTES, exact, codes, sums);
        }
        exchange_codes(codes, product->rows);
    }
    fx_product last = last_column(product, sizeof(int8_t));
    fx_multiply_8(&last);
}
#endif
