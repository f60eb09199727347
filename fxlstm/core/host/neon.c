/* Kernels for AArch64, whose processors all have NEON: 16-bit products, 16 columns at a time. */
#include "../kernels/kernels.h"

#if defined(__aarch64__) && defined(__GNUC__)
#include <arm_neon.h>

typedef struct {
    int32x4_t of[4];
} chunk_sums;

static inline chunk_sums no_sums(void) {
    int32x4_t zero = vdupq_n_s32(0);
    return (chunk_sums){{zero, zero, zero, zero}};
}

static inline chunk_sums add_pair(chunk_sums sums, const int16_t *weights, uint32_t word) {
    const int16_t first = (int16_t)(uint16_t)word, second = (int16_t)(uint16_t)(word >> 16);
    for (int i = 0; i < 2; i++) {
        int16x8x2_t rows = vld2q_s16(weights + 16 * i);
        sums.of[2 * i] = vmlal_n_s16(sums.of[2 * i], vget_low_s16(rows.val[0]), first);
        sums.of[2 * i] = vmlal_n_s16(sums.of[2 * i], vget_low_s16(rows.val[1]), second);
        sums.of[2 * i + 1] = vmlal_n_s16(sums.of[2 * i + 1], vget_high_s16(rows.val[0]), first);
        sums.of[2 * i + 1] = vmlal_n_s16(sums.of[2 * i + 1], vget_high_s16(rows.val[1]), second);
    }
    return sums;
}

static inline void widen(chunk_sums sums, int64_t *to) {
    for (int i = 0; i < 4; i++) {
        vst1q_s64(to + 4 * i, vaddw_s32(vld1q_s64(to + 4 * i), vget_low_s32(sums.of[i])));
        vst1q_s64(to + 4 * i + 2, vaddw_s32(vld1q_s64(to + 4 * i + 2), vget_high_s32(sums.of[i])));
    }
}

#include "words.h"

const fx_kernels fx_kernels_neon = {
    .name = "neon",
    .planning = &PLANNING,
    FX_PORTABLE_LOOPS,
};
#else
extern int fx_no_neon; /* an empty file is not C */
#endif
