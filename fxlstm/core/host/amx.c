/* Kernels for x86-64 with AMX: products of bytes, up to 16 sequences by 16 columns by 64 rows in one instruction, which take as long
 * as what turns the sums of the block before into codes and looks these up: so both are done at the same time. All else, and
 * fewer sequences, as in the AVX-512 set. Tiles are configured and released around each product, so that a thread keeps none
 * and each has its own.
 */
#include "../kernels/kernels.h"
#include "plan.h"

#if FX_AMX
#include "amx_support.h"

static bool usable(void) {
    return fx_kernels_avx512.usable() && tiles_are_granted();
}

#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(                                                                                          \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi,bmi2,popcnt,amx-tile,amx-int8"))),        \
    apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi,bmi2,popcnt,amx-tile,amx-int8")
#endif

#include "amx_tiles.h"
#include "look_up_gather.h"

#include "amx_products.h"

#define FEWEST_SEQUENCES 8u /* worth a tile: AVX-512 does two rows of one in the time of all */
#define FEWEST_GROUPS 8u    /* with rows */

static bool goes_by_tiles(const fx_packed *matrix, uint32_t count) {
    return count >= FEWEST_SEQUENCES && matrix->stages[matrix->stage_count - 1].end > FEWEST_GROUPS;
}

/* ---- what drives the rows: of tiles the bytes of FX_TILE groups side by side, else as for AVX-512 */

static void drive_any(const fx_packed *matrix, const fx_segment *segment, uint32_t dac_bits,
                      const fx_driving *driving) {
    if (goes_by_tiles(matrix, driving->count)) {
        drive_in_blocks(matrix, segment, dac_bits, driving);
    } else {
        drive(matrix, segment, dac_bits, driving);
    }
}

/* ---- products */

static void multiply_any(const fx_planned_product *product) {
    if (goes_by_tiles(product->matrix, product->count)) {
        multiply_by_tiles(product);
    } else {
        multiply(product);
    }
}

static void multiply_any_ahead(const fx_planned_product *product, int64_t *sums, size_t sum_stride) {
    if (goes_by_tiles(product->matrix, product->count)) {
        multiply_ahead_by_tiles(product, sums, sum_stride);
    } else {
        multiply_ahead(product, sums, sum_stride);
    }
}

static const struct fx_planning PLANNING = {
    .tiles = true,
    .bytes = true,
    .drive = drive_any,
    .multiply = multiply_any,
    .looked_up = LOOKED_UP,
    .multiply_ahead = multiply_any_ahead,
    .look_up = look_up,
    FX_AVX512_AROUND_AN_ARRAY,
    FX_AVX512_ELEMENTWISE,
};

const fx_kernels fx_kernels_amx = {
    .name = "amx",
    .needs = "AMX-INT8 and AVX-512 VNNI, and a system that grants a process its tiles",
    .usable = usable,
    .planning = &PLANNING,
    FX_PORTABLE_LOOPS,
};
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
extern int fx_no_amx; /* an empty file is not C */
#endif
