/* Blocks that a column's sum is a chain of, in assembly for a Cortex-M4; registers as in cortex_m4_columns.c. Internal to the core. */
#ifndef FX_CORTEX_M4_SUMS_H
#define FX_CORTEX_M4_SUMS_H

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
 * widens two weights and adds them. The sum begins at minus that of all x0 x1, a part of the bias is minus that of all w0 w1, and
 * 32 bits hold what comes out, whatever overflows on the way: r3 means nothing. SMLAD would set the flag then, SMLALD does not. */

/* clang-format off */
#define INNER(even, odd, weights)                                                                                      \
    "sxtab16 " odd ", " odd ", " weights "\n"                                                                          \
    "sxtab16 " even ", " even ", " weights ", ror #8\n"                                                                \
    "smlald r2, r3, " even ", " odd "\n"

/* Four rows of the next word. */
#define INNER_WORD(even, odd) "ldr.w r8, [r1], #4\n" INNER(even, odd, "r8")

/* Sixteen rows. */
#define INNER_BLOCK                                                                                                    \
    "ldmia.w r1!, {r8, r9, r10, r11}\n"                                                                                \
    "ldmia.w r0!, {r4, r5, r6, r7}\n" INNER("r4", "r5", "r8") INNER("r6", "r7", "r9")                                  \
    "ldmia.w r0!, {r4, r5, r6, r7}\n" INNER("r4", "r5", "r10") INNER("r6", "r7", "r11")

/* Sixty-four rows with the fewest loads that eight registers allow. */
#define INNER_LONG_BLOCK                                                                                               \
    "ldr.w r4, [r1], #4\n"                                                                                             \
    "ldmia.w r0!, {r5, r6, r7, r8}\n" INNER("r5", "r6", "r4")                                                          \
    "ldmia.w r1!, {r4, r5, r6, r9, r10}\n" INNER("r7", "r8", "r4")                                                     \
    "ldmia.w r0!, {r4, r7, r8, r11}\n" INNER("r4", "r7", "r5") INNER("r8", "r11", "r6")                                \
    "ldmia.w r0!, {r4, r5, r6, r7, r8, r11}\n" INNER("r4", "r5", "r9") INNER("r6", "r7", "r10")                        \
    "ldmia.w r1!, {r4, r5, r6, r7, r9}\n" INNER("r8", "r11", "r4")                                                     \
    "ldmia.w r0!, {r4, r8, r10, r11}\n" INNER("r4", "r8", "r5") INNER("r10", "r11", "r6")                              \
    "ldmia.w r0!, {r4, r5, r6, r8, r10, r11}\n" INNER("r4", "r5", "r7") INNER("r6", "r8", "r9")                        \
    "ldmia.w r1!, {r4, r5, r6, r7, r8}\n" INNER("r10", "r11", "r4")                                                    \
    "ldmia.w r0!, {r4, r9, r10, r11}\n" INNER("r4", "r9", "r5") INNER("r10", "r11", "r6")                              \
    "ldmia.w r0!, {r4, r5, r6, r9}\n" INNER("r4", "r5", "r7") INNER("r6", "r9", "r8")

/* Sixteen rows where columns do not begin with a whole word. */
#define INNER_ODD_BLOCK                                                                                                \
    "ldmia.w r0!, {r4, r5, r6, r7}\n" INNER_WORD("r4", "r5") INNER_WORD("r6", "r7")                                    \
    "ldmia.w r0!, {r4, r5, r6, r7}\n" INNER_WORD("r4", "r5") INNER_WORD("r6", "r7")

/* Two rows, then four. */
#define INNER_ODD_REST "ldrh.w r8, [r1], #2\nldrd r4, r5, [r0], #8\n" INNER("r4", "r5", "r8")
#define INNER_REST "ldrd r4, r5, [r0], #8\n" INNER_WORD("r4", "r5")
/* clang-format on */

#endif
