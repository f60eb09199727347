/* Kernels for AArch64: pairs of 16-bit products, 16 columns at a time; everything else two to eight lanes. */
#include "../kernels/kernels.h"

#if defined(__aarch64__) && defined(__GNUC__)
#include <arm_neon.h>

#include "lanes.h"

/* ---- lanes and codes */

INLINE four product_of(four a, four b) {
    int64x2_t parts[2], factors[2];
    memcpy(parts, &a, sizeof parts);
    memcpy(factors, &b, sizeof factors);
    for (int i = 0; i < 2; i++) {
        parts[i] = vmull_s32(vmovn_s64(parts[i]), vmovn_s64(factors[i]));
    }
    memcpy(&a, parts, sizeof a);
    return a;
}

INLINE bool any(four a) {
    uint32x4_t parts[2];
    memcpy(parts, &a, sizeof parts);
    return vmaxvq_u32(vorrq_u32(parts[0], parts[1])) != 0;
}

INLINE void store_codes(int16_t *to, uint32_t count, int16x8_t codes) {
    if (count >= 8) {
        vst1q_s16(to, codes);
    } else {
        memcpy(to, &codes, count * sizeof *to);
    }
}

INLINE void put_lanes(int16_t *to, uint32_t count, lanes codes) {
    int64x2_t parts[8];
    int16x4_t narrow[4];
    memcpy(parts, &codes, sizeof parts);
    for (int i = 0; i < 4; i++) {
        narrow[i] = vmovn_s32(vcombine_s32(vmovn_s64(parts[2 * i]), vmovn_s64(parts[2 * i + 1])));
    }
    store_codes(to, count, vcombine_s16(narrow[0], narrow[1]));
    if (count > 8) {
        store_codes(to + 8, count - 8, vcombine_s16(narrow[2], narrow[3]));
    }
}

INLINE eight codes_at(const int16_t *from, uint32_t count) {
    int16x8_t codes = vdupq_n_s16(0);
    memcpy(&codes, from, (count < 8 ? count : 8) * sizeof *from);
    int32x4_t parts[2] = {vmovl_s16(vget_low_s16(codes)), vmovl_s16(vget_high_s16(codes))};
    eight values;
    memcpy(&values, parts, sizeof values);
    return values;
}

INLINE uint32_t put_codes(int16_t *to, uint32_t count, eight values) {
    int32x4_t parts[2];
    memcpy(parts, &values, sizeof parts);
    const int16x8_t codes = vcombine_s16(vqmovn_s32(parts[0]), vqmovn_s32(parts[1]));
    uint32_t clipped = 0;
    for (uint32_t i = 0; i < 8; i++) {
        clipped += i < count && values[i] != codes[i];
    }
    store_codes(to, count, codes);
    return clipped;
}

/* ---- pairs of rows, and their 32-bit sums: of four lanes each */

typedef struct {
    int16x8x2_t of[2]; /* eight lanes: first rows, second rows */
} pair_weights;

typedef struct {
    int32x4_t of[4];
} chunk_sums;

INLINE pair_weights words_of_pair(const int8_t *place) {
    const int16_t *words = (const int16_t *)(const void *)place;
    return (pair_weights){{vld2q_s16(words), vld2q_s16(words + 16)}};
}

INLINE pair_weights bytes_of_pair(const int8_t *place) {
    pair_weights pair;
    for (int i = 0; i < 2; i++) {
        int8x8x2_t rows = vld2_s8(place + 16 * i);
        pair.of[i].val[0] = vmovl_s8(rows.val[0]);
        pair.of[i].val[1] = vmovl_s8(rows.val[1]);
    }
    return pair;
}

typedef struct {
    int16_t first;
    int16_t second;
} pair_codes;

INLINE pair_codes codes_of(uint32_t word) {
    return (pair_codes){(int16_t)(uint16_t)word, (int16_t)(uint16_t)(word >> 16)};
}

INLINE pair_codes low_bytes(pair_codes codes) {
    return (pair_codes){codes.first & 0xFF, codes.second & 0xFF};
}

INLINE pair_codes high_bytes(pair_codes codes) {
    return (pair_codes){(int16_t)(codes.first >> 8), (int16_t)(codes.second >> 8)};
}

INLINE chunk_sums no_sums(void) {
    const int32x4_t zero = vdupq_n_s32(0);
    return (chunk_sums){{zero, zero, zero, zero}};
}

INLINE chunk_sums add_pair(chunk_sums sums, pair_weights weights, pair_codes codes) {
    for (int i = 0; i < 2; i++) {
        const int16x8x2_t rows = weights.of[i];
        sums.of[2 * i] = vmlal_n_s16(sums.of[2 * i], vget_low_s16(rows.val[0]), codes.first);
        sums.of[2 * i] = vmlal_n_s16(sums.of[2 * i], vget_low_s16(rows.val[1]), codes.second);
        sums.of[2 * i + 1] = vmlal_n_s16(sums.of[2 * i + 1], vget_high_s16(rows.val[0]), codes.first);
        sums.of[2 * i + 1] = vmlal_n_s16(sums.of[2 * i + 1], vget_high_s16(rows.val[1]), codes.second);
    }
    return sums;
}

/* Columns 0..7 are in even lanes, 8..15 in odd ones. */
INLINE lanes widened(chunk_sums sums) {
    int64x2_t parts[8];
    for (int i = 0; i < 2; i++) {
        const int32x4x2_t columns = vuzpq_s32(sums.of[2 * i], sums.of[2 * i + 1]);
        for (int half = 0; half < 2; half++) {
            parts[4 * half + 2 * i] = vmovl_s32(vget_low_s32(columns.val[half]));
            parts[4 * half + 2 * i + 1] = vmovl_s32(vget_high_s32(columns.val[half]));
        }
    }
    lanes wide;
    memcpy(&wide, parts, sizeof wide);
    return wide;
}

#include "words.h"
#include "elementwise.h"

static void look_up(const int16_t *table, uint32_t from, uint32_t to, uint32_t length, const fx_arenas *arenas) {
    FX_FOR_ARENAS(arenas) {
        for (uint32_t i = 0; i < length; i++) {
            arena[to + i] = table[(uint16_t)arena[from + i]];
        }
    }
}

static const struct fx_planning PLANNING = {
    .drive = drive,
    .multiply = multiply,
    .multiply_ahead = multiply_ahead,
    .look_up = look_up,
    FX_AROUND_AN_ARRAY,
    FX_ELEMENTWISE,
};

const fx_kernels fx_kernels_neon = {
    .name = "neon",
    .planning = &PLANNING,
    FX_PORTABLE_LOOPS,
};
#else
extern int fx_no_neon; /* an empty file is not C */
#endif
