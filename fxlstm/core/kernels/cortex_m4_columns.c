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

#include "cortex_m4_sums.h"

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
