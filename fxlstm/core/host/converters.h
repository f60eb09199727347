/* What stands around products: the DAC that drives rows, the sum of an array's tiles, the rescaling of sums. Part of sets that
 * have lanes.h. Internal to the core.
 */
#ifndef FX_CONVERTERS_H
#define FX_CONVERTERS_H

#include "lanes.h"

INLINE eight everywhere(int32_t value) {
    return (eight){0, 0, 0, 0, 0, 0, 0, 0} + value;
}

static void drive_rows(uint32_t dac_bits, const int16_t *codes, int16_t *rows, uint32_t count) {
    const int32_t shift = (int32_t)(16 - dac_bits), half = dac_bits == 16 ? 0 : 1 << (15 - dac_bits);
    const eight largest = everywhere((1 << (dac_bits - 1)) - 1);
    for (uint32_t i = 0; i < count; i += 8) {
        uint32_t own = up_to_eight(count - i);
        eight level = (codes_at(codes + i, own) + half) >> shift;
        (void)put_codes(rows + i, own, larger(smaller(level, largest), -largest) << shift);
    }
}

static void add_codes(const int16_t *codes, uint32_t align, int64_t *sums, uint32_t columns) {
    const int64_t left = (int64_t)1 << align;
    for (uint32_t i = 0; i < columns; i++) {
        sums[i] += codes[i] * left;
    }
}

/* A chunk's sums of so many columns at most, and zeros. */
INLINE lanes load_some(const int64_t *columns, uint32_t count) {
    int64_t some[FX_LANES] = {0};
    if (count >= FX_LANES) {
        return load(columns);
    }
    memcpy(some, columns, count * sizeof *columns);
    return load(some);
}

static void rescale_sums(const fx_planned_product *product, const int64_t *sums) {
    const fx_packed *matrix = product->matrix;
    for (uint32_t chunk = 0; chunk < matrix->chunks; chunk++) {
        const uint32_t first = chunk * FX_LANES, columns = matrix->columns - first;
        for (uint32_t s = 0; s < product->count; s++) {
            rescale(load_some(sums + s * (size_t)matrix->columns + first, columns), true, matrix->scales + chunk,
                    columns, product->results + s * product->result_stride + first, &product->clipped->result);
        }
    }
}

/* What runs around an array, in a set's PLANNING. */
#define FX_AROUND_AN_ARRAY .drive_rows = drive_rows, .add_codes = add_codes, .rescale = rescale_sums

#endif
