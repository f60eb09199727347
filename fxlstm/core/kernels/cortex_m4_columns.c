/* Columns of a digital product and their activation at once, for a Cortex-M4: sum, rescale, saturate, activate.
 *
 * All in assembly: every register is taken, so that many words are loaded at a time, and what the sums leave no register for
 * stands at the stack pointer, in the order in which one instruction loads it. A column's sum is a chain of blocks without a
 * loop; it is entered where as many blocks follow as the column has.
 *
 *   r0 codes    r1 weights    r2, r3 sum    r4 to r11 operands    r12 scales    lr results
 */
#include "cortex_m4.h"

#if FX_CORTEX_M4

/* ---- 16-bit weights: blocks of four pairs of rows */

#define WORD_BLOCK                                                                                                     \
    "ldmia.w r0!, {r4, r5, r6, r7}\n"                                                                                  \
    "ldmia.w r1!, {r8, r9, r10, r11}\n"                                                                                \
    "smlald r2, r3, r4, r8\n"                                                                                          \
    "smlald r2, r3, r5, r9\n"                                                                                          \
    "smlald r2, r3, r6, r10\n"                                                                                         \
    "smlald r2, r3, r7, r11\n"

/* One pair of rows. */
#define WORD_REST                                                                                                      \
    "ldr.w r4, [r0], #4\n"                                                                                             \
    "ldr.w r8, [r1], #4\n"                                                                                             \
    "smlald r2, r3, r4, r8\n"

/* Sixteen pairs with two registers more. */
#define LONG_BLOCK                                                                                                     \
    "ldmia.w r0!, {r4, r5, r6, r7, r8, r9}\n"                                                                          \
    "ldmia.w r1!, {r10, r11, r12, lr}\n"                                                                               \
    "smlald r2, r3, r4, r10\n"                                                                                         \
    "smlald r2, r3, r5, r11\n"                                                                                         \
    "smlald r2, r3, r6, r12\n"                                                                                         \
    "smlald r2, r3, r7, lr\n"                                                                                          \
    "ldmia.w r1!, {r4, r5, r6, r7, r10, r11, r12, lr}\n"                                                               \
    "smlald r2, r3, r8, r4\n"                                                                                          \
    "smlald r2, r3, r9, r5\n"                                                                                          \
    "ldmia.w r0!, {r4, r5, r8, r9}\n"                                                                                  \
    "smlald r2, r3, r4, r6\n"                                                                                          \
    "smlald r2, r3, r5, r7\n"                                                                                          \
    "smlald r2, r3, r8, r10\n"                                                                                         \
    "smlald r2, r3, r9, r11\n"                                                                                         \
    "ldmia.w r0!, {r4, r5, r6, r7, r8, r9}\n"                                                                          \
    "smlald r2, r3, r4, r12\n"                                                                                         \
    "smlald r2, r3, r5, lr\n"                                                                                          \
    "ldmia.w r1!, {r10, r11, r12, lr}\n"                                                                               \
    "smlald r2, r3, r6, r10\n"                                                                                         \
    "smlald r2, r3, r7, r11\n"                                                                                         \
    "smlald r2, r3, r8, r12\n"                                                                                         \
    "smlald r2, r3, r9, lr\n"

/* ---- 8-bit weights: blocks of sixteen rows, whose sums 32 bits hold */

/* Bytes widen as 0 and 2, then 1 and 3 of a word; the codes stand in this order. */
#define ADD_BYTES(weights, even, odd)                                                                                  \
    "sxtb16 r3, " weights "\n"                                                                                         \
    "smlad r2, r3, " even ", r2\n"                                                                                     \
    "sxtb16 " weights ", " weights ", ror #8\n"                                                                        \
    "smlad r2, " weights ", " odd ", r2\n"

#define EIGHT_BYTES(first, second)                                                                                     \
    "ldmia.w r0!, {r4, r5, r6, r7}\n" ADD_BYTES(first, "r4", "r5") ADD_BYTES(second, "r6", "r7")

#define BYTE_BLOCK "ldmia.w r1!, {r8, r9, r10, r11}\n" EIGHT_BYTES("r8", "r9") EIGHT_BYTES("r10", "r11")

/* The same where columns do not begin with a whole word. */
#define ODD_BLOCK                                                                                                      \
    "ldr.w r8, [r1], #4\n"                                                                                             \
    "ldr.w r9, [r1], #4\n"                                                                                             \
    "ldr.w r10, [r1], #4\n"                                                                                            \
    "ldr.w r11, [r1], #4\n" EIGHT_BYTES("r8", "r9") EIGHT_BYTES("r10", "r11")

/* Two rows, then four. */
#define ODD_REST "ldrh.w r8, [r1], #2\nldrd r4, r5, [r0], #8\n" ADD_BYTES("r8", "r4", "r5")
#define BYTE_REST "ldr.w r8, [r1], #4\nldrd r4, r5, [r0], #8\n" ADD_BYTES("r8", "r4", "r5")

/* ---- the same by Winograd's inner product, of codes x and weights w: x1 w1 + x0 w0 = (x1 + w0) (x0 + w1) - x0 x1 - w0 w1. SXTAB16
 * widens two and adds them. The sum begins at minus that of all x0 x1, the bias holds minus that of all w0 w1, and 32 bits hold
 * the true sum. SMLALD adds up, as SMLAD sets the flag when 32 bits overflow on the way; the upper half, r3, means nothing. */

#define INNER(even, odd, weights)                                                                                      \
    "sxtab16 " odd ", " odd ", " weights "\n"                                                                          \
    "sxtab16 " even ", " even ", " weights ", ror #8\n"                                                                \
    "smlald r2, r3, " even ", " odd "\n"

/* Four rows of the next word. */
#define INNER_WORD(even, odd) "ldr.w r8, [r1], #4\n" INNER(even, odd, "r8")

/* Sixteen rows. */
#define INNER_BLOCK                                                                                                    \
    "ldmia.w r1!, {r8, r9, r10, r11}\n"                                                                                \
    "ldmia.w r0!, {r4, r5, r6, r7}\n" INNER("r4", "r5", "r8")                                                          \
        INNER("r6", "r7", "r9") "ldmia.w r0!, {r4, r5, r6, r7}\n" INNER("r4", "r5", "r10") INNER("r6", "r7", "r11")

/* Sixty-four rows with the fewest loads that eight registers allow. */
#define INNER_LONG_BLOCK                                                                                               \
    "ldr.w r4, [r1], #4\n"                                                                                             \
    "ldmia.w r0!, {r5, r6, r7, r8}\n" INNER("r5", "r6", "r4") "ldmia.w r1!, {r4, r5, r6, r9, r10}\n" INNER(            \
        "r7", "r8", "r4") "ldmia.w r0!, {r4, r7, r8, r11}\n" INNER("r4", "r7", "r5")                                   \
        INNER("r8", "r11", "r6") "ldmia.w r0!, {r4, r5, r6, r7, r8, r11}\n" INNER("r4", "r5", "r9")                    \
            INNER("r6", "r7", "r10") "ldmia.w r1!, {r4, r5, r6, r7, r9}\n" INNER(                                      \
                "r8", "r11", "r4") "ldmia.w r0!, {r4, r8, r10, r11}\n" INNER("r4", "r8", "r5")                         \
                INNER("r10", "r11", "r6") "ldmia.w r0!, {r4, r5, r6, r8, r10, r11}\n" INNER("r4", "r5", "r7")          \
                    INNER("r6", "r8", "r9") "ldmia.w r1!, {r4, r5, r6, r7, r8}\n" INNER(                               \
                        "r10", "r11", "r4") "ldmia.w r0!, {r4, r9, r10, r11}\n" INNER("r4", "r9", "r5")                \
                        INNER("r10", "r11", "r6") "ldmia.w r0!, {r4, r5, r6, r9}\n" INNER("r4", "r5", "r7")            \
                            INNER("r6", "r9", "r8")

/* Sixteen rows where columns do not begin with a whole word. */
#define INNER_ODD_BLOCK                                                                                                \
    "ldmia.w r0!, {r4, r5, r6, r7}\n" INNER_WORD("r4", "r5")                                                           \
        INNER_WORD("r6", "r7") "ldmia.w r0!, {r4, r5, r6, r7}\n" INNER_WORD("r4", "r5") INNER_WORD("r6", "r7")

/* Two rows, then four. */
#define INNER_ODD_REST "ldrh.w r8, [r1], #2\nldrd r4, r5, [r0], #8\n" INNER("r4", "r5", "r8")
#define INNER_REST "ldrd r4, r5, [r0], #8\n" INNER_WORD("r4", "r5")

/* ---- what is common; places at the stack pointer are those of fx_cortex_m4_columns, from its codes on */

/* From a sum times a mantissa, and a bias, in r4 and r5 with the shift less 32 in r7: the code, to r11. The carry is the last bit
 * that was shifted out. */
#define SATURATE                                                                                                       \
    "asrs.w r5, r5, r7\n"                                                                                              \
    "adc r5, r5, #0\n"                                                                                                 \
    "ssat r11, #16, r5\n"

#define WORD_RESCALE                                                                                                   \
    "ldmia r12!, {r4, r5, r6, r7}\n"                                                                                   \
    "umlal r4, r5, r2, r6\n"                                                                                           \
    "mla r5, r3, r6, r5\n"                                                                                             \
    "sub r7, r7, #32\n" SATURATE

#define BYTE_RESCALE                                                                                                   \
    "ldmia r12!, {r4, r5, r6, r7}\n"                                                                                   \
    "smlal r4, r5, r2, r6\n"                                                                                           \
    "sub r7, r7, #32\n" SATURATE

/* Of scales that are prepared. */
#define INNER_RESCALE                                                                                                  \
    "ldmia r12!, {r4, r5, r6, r7}\n"                                                                                   \
    "smlal r4, r5, r2, r6\n" SATURATE

/* The activation of r11, as fx_activation; then codes and sum are as a column begins, and all is done or not. */
#define ACTIVATE                                                                                                       \
    "ldmia sp, {r0, r2, r3, r4, r5, r6, r7, r8, r9}\n"                                                                 \
    "asr r4, r11, r4\n"                                                                                                \
    "lsl r11, r11, r5\n"                                                                                               \
    "add r6, r6, r4, lsl #4\n"                                                                                         \
    "ldmia r6, {r4, r5, r6, r10}\n"                                                                                    \
    "smmla r10, r10, r11, r6\n"                                                                                        \
    "smmla r10, r10, r11, r5\n"                                                                                        \
    "smmla r10, r10, r11, r4\n"                                                                                        \
    "smmlar r10, r10, r7, r8\n"                                                                                        \
    "strh r10, [lr], #2\n"                                                                                             \
    "cmp lr, r9\n"

/* The next sum: first rows that make no block, then blocks too few for one of the chain, then the chain. Blocks of a column that
 * is longer than the chain are in a loop before it. Each part is entered by an address at the stack pointer: of the column at 40,
 * of its blocks at 44, of what follows them at 48, of its part of the chain at 52. */
#define RESTS(name, rest)                                                                                              \
    "ldr.w pc, [sp, #40]\n"                                                                                            \
    ".rept 3\n" rest ".endr\n" name "_rests_end:\n"                                                                    \
    "ldr.w pc, [sp, #44]\n"

#define BLOCKS(name, block)                                                                                            \
    ".rept 3\n" block ".endr\n" name "_blocks_end:\n"                                                                  \
    "ldr.w pc, [sp, #48]\n"

#define LOOP(name, count, block)                                                                                       \
    name "_loop:\n"                                                                                                    \
         ".rept " count "\n" block ".endr\n"                                                                           \
         "ldr r4, [sp, #36]\n"                                                                                         \
         "cmp r0, r4\n"                                                                                                \
         "bne.w " name "_loop\n"                                                                                       \
         "ldr.w pc, [sp, #52]\n"

#define CHAIN(name, count, block) ".rept " count "\n" block ".endr\n" name "_chain_end:\n"

/* Arguments as of fx_cortex_m4_run_columns. */
#define BEGIN                                                                                                          \
    "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"                                                                    \
    "ldmia r0!, {r3, r12, lr}\n"                                                                                       \
    "add lr, lr, r1\n"                                                                                                 \
    "push {r12, lr}\n"                                                                                                 \
    "add r2, r0, #28\n"                                                                                                \
    "ldmia r2, {r4, r5, r6, r7, r8, r9, r10}\n"                                                                        \
    "add r5, r5, r1\n"                                                                                                 \
    "push {r4, r5, r6, r7, r8, r9, r10}\n"                                                                             \
    "ldmia r0, {r4, r5, r6, r7, r8, r9, r10}\n"                                                                        \
    "push {r4, r5, r6, r7, r8, r9, r10}\n"                                                                             \
    "mov r1, r3\n"                                                                                                     \
    "ldmia sp, {r0, r2, r3}\n"                                                                                         \
    "1:\n"

#define END                                                                                                            \
    "bne.w 1b\n"                                                                                                       \
    "add sp, sp, #64\n"                                                                                                \
    "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n"

#define ARGUMENTS __attribute__((unused)) const fx_cortex_m4_columns *columns, __attribute__((unused)) size_t offset

static __attribute__((naked)) void run_words(ARGUMENTS) {
    __asm__(BEGIN RESTS("words", WORD_REST) CHAIN("words", "3", WORD_BLOCK) WORD_RESCALE ACTIVATE END);
}

/* Exactly so many blocks, without a jump to the first. */
#define DEFINE_EXACTLY(name, count, block, rescale)                                                                    \
    static __attribute__((naked)) void name(ARGUMENTS) {                                                               \
        __asm__(BEGIN ".rept " count "\n" block ".endr\n" rescale ACTIVATE END);                                       \
    }
DEFINE_EXACTLY(run_8_words, "1", WORD_BLOCK, WORD_RESCALE)
DEFINE_EXACTLY(run_16_words, "2", WORD_BLOCK, WORD_RESCALE)
DEFINE_EXACTLY(run_24_words, "3", WORD_BLOCK, WORD_RESCALE)

/* clang-format off */
static __attribute__((naked)) void run_long_words(ARGUMENTS) {
    __asm__(BEGIN
            RESTS("long_words", WORD_REST)
            BLOCKS("long_words", WORD_BLOCK)
            LOOP("long_words", "2", LONG_BLOCK)
            CHAIN("long_words", "8", LONG_BLOCK)
            "ldrd r12, lr, [sp, #56]\n" /* the sum has taken them */
            WORD_RESCALE
            ACTIVATE
            "strd r12, lr, [sp, #56]\n"
            END);
}

static __attribute__((naked)) void run_bytes(ARGUMENTS) {
    __asm__(BEGIN
            RESTS("bytes", BYTE_REST)
            LOOP("bytes", "4", BYTE_BLOCK)
            CHAIN("bytes", "4", BYTE_BLOCK)
            BYTE_RESCALE
            ACTIVATE
            END);
}

static __attribute__((naked)) void run_odd_bytes(ARGUMENTS) {
    __asm__(BEGIN
            RESTS("odd_bytes", ODD_REST)
            BLOCKS("odd_bytes", BYTE_REST)
            LOOP("odd_bytes", "4", ODD_BLOCK)
            CHAIN("odd_bytes", "4", ODD_BLOCK)
            BYTE_RESCALE
            ACTIVATE
            END);
}

static __attribute__((naked)) void run_inner_bytes(ARGUMENTS) {
    __asm__(BEGIN
            RESTS("inner_bytes", INNER_REST)
            BLOCKS("inner_bytes", INNER_BLOCK)
            LOOP("inner_bytes", "1", INNER_LONG_BLOCK)
            CHAIN("inner_bytes", "4", INNER_LONG_BLOCK)
            INNER_RESCALE
            ACTIVATE
            END);
}

static __attribute__((naked)) void run_inner_odd_bytes(ARGUMENTS) {
    __asm__(BEGIN
            RESTS("inner_odd_bytes", INNER_ODD_REST)
            BLOCKS("inner_odd_bytes", INNER_REST)
            LOOP("inner_odd_bytes", "4", INNER_ODD_BLOCK)
            CHAIN("inner_odd_bytes", "8", INNER_ODD_BLOCK)
            INNER_RESCALE
            ACTIVATE
            END);
}
/* clang-format on */

/* ---- what the parts take */

extern const uint8_t words_rests_end[], words_chain_end[];
extern const uint8_t long_words_rests_end[], long_words_blocks_end[], long_words_loop[], long_words_chain_end[];
extern const uint8_t odd_bytes_rests_end[], odd_bytes_blocks_end[], odd_bytes_loop[], odd_bytes_chain_end[];
extern const uint8_t bytes_rests_end[], bytes_loop[], bytes_chain_end[];
extern const uint8_t inner_bytes_rests_end[], inner_bytes_blocks_end[], inner_bytes_loop[], inner_bytes_chain_end[];
extern const uint8_t inner_odd_bytes_rests_end[], inner_odd_bytes_blocks_end[], inner_odd_bytes_loop[],
    inner_odd_bytes_chain_end[];

#define SHORT_ROWS 30u /* from 31 on the long form takes fewer instructions */

typedef struct {
    const uint8_t *end;
    uint32_t rows;  /* of one piece */
    uint32_t bytes; /* of its instructions */
} code_part;

typedef struct {
    fx_cortex_m4_run_columns *run;
    code_part rests, blocks, chain; /* blocks as those of the chain where there are no others */
    const uint8_t *loop;            /* of columns longer than the chain */
    uint32_t chain_rows, loop_rows; /* all of them */
} sum_code;

static const sum_code WORDS = {
    .run = run_words,
    .rests = {words_rests_end, 2, 12},
    .blocks = {words_chain_end, 8, 24},
    .chain = {words_chain_end, 8, 24},
    .chain_rows = 24,
};

static const sum_code LONG_WORDS = {
    .run = run_long_words,
    .rests = {long_words_rests_end, 2, 12},
    .blocks = {long_words_blocks_end, 8, 24},
    .chain = {long_words_chain_end, 32, 88},
    .loop = long_words_loop,
    .chain_rows = 256,
    .loop_rows = 64,
};

static const sum_code BYTES = {
    .run = run_bytes,
    .rests = {bytes_rests_end, 4, 24},
    .blocks = {bytes_chain_end, 16, 76},
    .chain = {bytes_chain_end, 16, 76},
    .loop = bytes_loop,
    .chain_rows = 64,
    .loop_rows = 64,
};

static const sum_code ODD_BYTES = {
    .run = run_odd_bytes,
    .rests = {odd_bytes_rests_end, 2, 24},
    .blocks = {odd_bytes_blocks_end, 4, 24},
    .chain = {odd_bytes_chain_end, 16, 88},
    .loop = odd_bytes_loop,
    .chain_rows = 64,
    .loop_rows = 64,
};

static const sum_code INNER_BYTES = {
    .run = run_inner_bytes,
    .rests = {inner_bytes_rests_end, 4, 20},
    .blocks = {inner_bytes_blocks_end, 16, 60},
    .chain = {inner_bytes_chain_end, 64, 236},
    .loop = inner_bytes_loop,
    .chain_rows = 256,
    .loop_rows = 64,
};

static const sum_code INNER_ODD_BYTES = {
    .run = run_inner_odd_bytes,
    .rests = {inner_odd_bytes_rests_end, 2, 20},
    .blocks = {inner_odd_bytes_blocks_end, 4, 20},
    .chain = {inner_odd_bytes_chain_end, 16, 72},
    .loop = inner_odd_bytes_loop,
    .chain_rows = 128,
    .loop_rows = 64,
};

/* Where to enter so that `rows` are left of a part; `behind` where none are. */
static uintptr_t entry_of(const code_part *part, uint32_t rows, uintptr_t behind) {
    return rows == 0 ? behind
                     : ((uintptr_t)part->end - rows / part->rows * part->bytes) | 1u; /* 1: Thumb instructions */
}

static const sum_code *code_of(const void *weights, fx_cortex_m4_sum sum, uint32_t rows) {
    bool whole_words = (uintptr_t)weights % 4 == 0 && (rows + 1) / 2 % 2 == 0;
    switch (sum) {
    case FX_CORTEX_M4_BYTES:
        return whole_words ? &BYTES : &ODD_BYTES;
    case FX_CORTEX_M4_INNER_BYTES:
        return whole_words ? &INNER_BYTES : &INNER_ODD_BYTES;
    default:
        return rows <= SHORT_ROWS ? &WORDS : &LONG_WORDS;
    }
}

static fx_cortex_m4_run_columns *run_of(const sum_code *code, uint32_t rows) {
    fx_cortex_m4_run_columns *const words[] = {NULL, run_8_words, run_16_words, run_24_words};
    return code == &WORDS && rows % 8 == 0 ? words[rows / 8] : code->run;
}

fx_cortex_m4_run_columns *fx_cortex_m4_set_rows(fx_cortex_m4_columns *columns, fx_cortex_m4_sum sum, uint32_t rows,
                                                const int16_t *codes) {
    const sum_code *code = code_of(columns->weights, sum, rows);
    const bool odd = code == &ODD_BYTES || code == &INNER_ODD_BYTES;
    uint32_t filled = (rows + code->rests.rows - 1) & ~(code->rests.rows - 1);
    uint32_t rests = filled % code->blocks.rows, blocks = filled % code->chain.rows - rests;
    uint32_t chained = filled - rests - blocks, looped = 0;
    if (chained > code->chain_rows) {
        looped = (chained - code->chain_rows + code->loop_rows - 1) & ~(code->loop_rows - 1);
    }
    columns->codes = codes;
    columns->sum = 0;
    columns->looped_codes = codes + rests * (odd ? 2 : 1) + blocks + looped;
    columns->chain = entry_of(&code->chain, chained - looped, (uintptr_t)code->chain.end | 1u);
    columns->body = looped > 0 ? (uintptr_t)code->loop | 1u : columns->chain;
    columns->blocks = entry_of(&code->blocks, blocks, columns->body);
    columns->entry = entry_of(&code->rests, rests, columns->blocks);
    return run_of(code, rows);
}
#endif
