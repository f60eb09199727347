/* What a kernel set makes of a program when it is loaded: weights in the order of its dot products, tables of activations,
 * and how each operation runs. Host only; the firmware runs operations as operations.c and multiply.c do. Internal to the core.
 *
 * A matrix is cut into chunks of FX_LANES columns, and its rows into groups that one dot product instruction takes. Lane
 * 2 j of a chunk's 32-bit sums is its column j, lane 2 j + 1 its column j + 8: even and odd lanes, which is how 32-bit
 * factors are widened to 64 bits, are then its columns in order.
 */
#ifndef FX_PLAN_H
#define FX_PLAN_H

#include "../fxlstm.h"

#define FX_LANES 16u
#define FX_TOGETHER 6u        /* sequences multiplied together: their sums and a chunk's weights fit 32 registers */
#define FX_TAKEN_TOGETHER 4u  /* chunks, by a kernel: others' columns begin at a multiple */
#define FX_WORDS_PER_GROUP 2u /* 32-bit words of driven codes for four rows */
#define FX_TILE 16u           /* sequences, and groups, that one instruction of a set with tiles takes */
#define FX_TILES 2u           /* of sequences, that such a set multiplies by a chunk's weights while these are near */

/* How weights are stored for a product, and of what the sums are made. */
typedef enum {
    FX_WORDS,        /* 16-bit weights of two rows side by side; 32-bit sums */
    FX_BYTES,        /* 8-bit weights of four rows; codes in two bytes, a 32-bit sum for each */
    FX_TOP,          /* 8-bit weights of four rows; codes of at most 8 bits, whose low bytes are 0: one 32-bit sum */
    FX_SPLIT,        /* 16-bit weights in two planes of bytes of four rows; three 32-bit sums */
    FX_NARROW_WORDS, /* 8-bit weights of two rows side by side, multiplied as words; 32-bit sums */
} fx_form;

/* Whether a form multiplies words, with codes as they are. */
static inline bool fx_in_words(fx_form form) {
    return form == FX_WORDS || form == FX_NARROW_WORDS;
}

/* Rows that stand side by side in the driven codes, filled up to whole groups. */
typedef struct {
    uint32_t row;
    uint32_t rows;
    uint32_t first_group;
    uint32_t groups;
} fx_segment;

/* Groups whose sums one ADC converts; all of them in a digital program. Its segments follow those of the stage before. */
typedef struct {
    uint32_t first_group;
    uint32_t groups;
    uint32_t end; /* behind the last group that has rows; a set with tiles goes on to the last of all */
    uint32_t segments;
    bool wide; /* 32 bits do not hold every sum */
} fx_stage;

/* Per column of a chunk, in order: result = sat((sum * mantissa + bias) >> shift), half of 2^shift added to the bias. */
typedef struct {
    int64_t mantissa[FX_LANES];
    int64_t bias[FX_LANES];
    int64_t shift[FX_LANES];
} fx_lane_scales;

/* Per column of a chunk in one stage: the ADC. Before it, lane after lane, where 32-bit sums of bytes begin, because codes are
 * driven as code + 2^15: those with the codes' high bytes. The second is that of the weights' high plane. */
typedef struct {
    int32_t start[2][FX_LANES];
    int64_t gain[FX_LANES];
    int64_t half[FX_LANES];
    int64_t shift[FX_LANES];
    int64_t left[FX_LANES]; /* ADC code to the unit of the column's sum */
} fx_lane_stage;

/* Sums of the codes' high bytes are limited to this where a matrix has high scales though its sums are wide: only what clips is
 * changed (may_be_limited in scales.c). */
#define FX_HIGH_SUM_LIMIT ((1 << 23) - (1 << 18))

/* Per lane of a chunk, where 32 bits hold its sums, or limited ones, and every shift is at least 32, so that the high half of 64
 * bits holds all that a result is made of: result = sat(high half of (sum * mantissa + bias) >> shift). Biases stand in the order of
 * columns. */
typedef struct {
    int32_t mantissa[FX_LANES];
    int32_t shift[FX_LANES]; /* 32 less than the column's */
    int64_t bias[FX_LANES];
} fx_high_scales;

typedef struct {
    bool planned; /* else multiply.c has it */
    fx_form form;
    uint32_t columns;
    uint32_t chunks;
    uint32_t piece; /* chunks that are multiplied in the same order at every time (share.c) */
    uint32_t groups;
    uint32_t filled_to;    /* groups of a segment are a multiple of these */
    uint32_t ahead_groups; /* of the leading segment, which the phase's input fills; 0: none */
    uint32_t ahead_end;    /* behind the last of them that has rows */
    uint32_t stage_count;
    uint32_t segment_count;
    uint32_t safe_pairs; /* pairs of any rows whose products 32 bits hold: at least 1 */
    fx_stage *stages;
    fx_segment *segments;
    size_t chunk_bytes;     /* of weights */
    int8_t *weights;        /* chunk after chunk, group after group */
    fx_lane_stage *lanes;   /* chunk after chunk, stage after stage */
    fx_lane_scales *scales; /* chunk after chunk */
    fx_high_scales *high;   /* chunk after chunk; NULL: not for this matrix */
    int64_t adc_highest;    /* largest code, counted in ADC steps; 0 in a digital program */
} fx_packed;

/* Whether 32-bit sums of any part of the rows are rescaled by high scales. */
static inline bool fx_is_high(const fx_packed *packed) {
    return packed->high != NULL && !packed->stages->wide;
}

/* Sequences' arenas, `stride` codes apart. */
typedef struct {
    int16_t *first;
    size_t stride;
    uint32_t count;
} fx_arenas;

/* One after the other, as `arena`. */
#define FX_FOR_ARENAS(arenas)                                                                                          \
    for (int16_t *arena = (arenas)->first, *end = arena + (arenas)->count * (arenas)->stride; arena < end;             \
         arena += (arenas)->stride)

/* One operation on some sequences; returns how many results were clipped. */
typedef uint32_t fx_elementwise(const fx_operation *operation, const fx_arenas *arenas);

/* Codes of an activation, as many as the set looks up together, that rides with the product it follows: its dot products leave
 * time to look up. */
typedef struct {
    const int16_t *table;
    uint32_t from; /* arena indices */
    uint32_t to;
} fx_look_up;

typedef struct {
    fx_elementwise *run;  /* NULL: a multiply, a table, or what operations.c does */
    const int16_t *table; /* of an activation, from code 0 to 32767 and on from -32768 to -1 */
    uint32_t length;      /* of an activation and those that continue its slices; 0: it continues another's */
    bool planned;
    bool ahead;                 /* a multiply whose leading rows are the phase's input */
    bool rides;                 /* an activation that the multiply before it runs, unless on an array */
    const fx_look_up *look_ups; /* a multiply's; never NULL */
    uint32_t look_up_count;
} fx_planned;

struct fx_plan {
    const fx_program *program;
    const fx_kernels *kernels;
    fx_packed *matrices;
    fx_planned *operations;
    size_t operand_words; /* 32-bit words of one sequence's driven codes */
    size_t sum_count;     /* 64-bit sums of one sequence, of the widest product that runs ahead */
};

/* A product of up to fx_together() sequences with a packed matrix. Strides are in elements. */
typedef struct {
    const fx_packed *matrix;
    uint32_t count;
    uint32_t first_group;  /* the ones before are in `ahead` */
    const uint32_t *words; /* driven codes */
    size_t word_stride;
    const int64_t *ahead; /* what multiply_ahead gave for each column, or NULL */
    size_t ahead_stride;
    int16_t *results; /* codes of the sequences */
    size_t result_stride;
    const fx_look_up *look_ups; /* of its results, in their order; none where the set does not do them */
    uint32_t look_up_count;
    int16_t *arenas; /* that the look-ups' indices count in */
    fx_clipped *clipped;
} fx_planned_product;

/* What is left of a product behind its first `count` sequences. */
static inline fx_planned_product fx_product_after(const fx_planned_product *product, uint32_t count) {
    fx_planned_product others = *product;
    others.count -= count;
    others.words += count * product->word_stride;
    others.ahead = product->ahead == NULL ? NULL : product->ahead + count * product->ahead_stride;
    others.results = product->results == NULL ? NULL : product->results + count * product->result_stride;
    others.arenas = product->arenas == NULL ? NULL : product->arenas + count * product->result_stride;
    return others;
}

/* What drives the rows of a product: sequences' codes, and the words that they are put into. Strides are in elements. */
typedef struct {
    const int16_t *codes;
    size_t stride;
    uint32_t *words;
    size_t word_stride;
    uint32_t count;
} fx_driving;

/* What a kernel set does for plans. */
struct fx_planning {
    /* Multiplies FX_TILE sequences together, bytes of FX_TILE groups at a time. */
    bool tiles;
    bool bytes; /* has dot products of bytes; else all matrices are in words, and products know safe_pairs */
    /* Drive one segment: from codes to words, FX_WORDS_PER_GROUP for each four rows. */
    void (*drive)(const fx_packed *matrix, const fx_segment *segment, uint32_t dac_bits, const fx_driving *driving);
    void (*multiply)(const fx_planned_product *product);
    uint32_t looked_up; /* codes of each of the product's look_ups, which multiply does too; 0: it does none */
    /* Sums of the leading groups, for each sequence and column, in a form of its own. */
    void (*multiply_ahead)(const fx_planned_product *product, int64_t *sums, size_t sum_stride);
    /* What stands around an array's tiles. Drive rows as codes, not as words. */
    void (*drive_rows)(uint32_t dac_bits, const int16_t *codes, int16_t *rows, uint32_t count);
    /* Add a tile's ADC codes, shifted left by `align`, to the sums of its columns. */
    void (*add_codes)(const int16_t *codes, uint32_t align, int64_t *sums, uint32_t columns);
    /* Results of a product, any number of sequences, from the sums of its columns. */
    void (*rescale)(const fx_planned_product *product, const int64_t *sums);
    /* The results of codes from..from + length, at to... */
    void (*look_up)(const int16_t *table, uint32_t from, uint32_t to, uint32_t length, const fx_arenas *arenas);
    fx_elementwise *elementwise[FX_OPERATION_CLAMP + 1]; /* by code; in 32-bit arithmetic (fits_32_bits in plan.c) */
};

/* Sequences that a set multiplies together at most. */
static inline uint32_t fx_together(const struct fx_planning *planning) {
    return planning->tiles ? FX_TILES * FX_TILE : FX_TOGETHER;
}

/* Words of one sequence's driven codes, with room behind them for a whole vector; the sums of its segments' codes follow, for
 * sets that want these. */
static inline size_t fx_code_words(const fx_packed *packed) {
    return packed->groups * (size_t)FX_WORDS_PER_GROUP + 16;
}

/* Words of all that. */
static inline size_t fx_operand_words(const fx_packed *packed) {
    return (fx_code_words(packed) + packed->segment_count * (size_t)2 + 15) / 16 * 16;
}

#endif
