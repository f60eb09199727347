/* Pairs of rows, ranges and columns of a tile.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/tiles.h"

#include <string.h>

#include "app/firmware.h"

/* Devices of a weight lie in two rows, or in two columns. */
static bool tile_fits(const fx_tile *tile, bool column_pairs) {
    uint32_t rows_each = column_pairs ? 1 : 2;
    uint32_t columns_each = column_pairs ? 2 : 1;
    return tile->array == 0 && tile->range < FW_RANGE_COUNT && tile->rows <= FW_ROWS / rows_each &&
           tile->array_row <= FW_ROWS - rows_each * tile->rows && tile->columns <= FW_COLUMNS / columns_each &&
           tile->array_column <= FW_COLUMNS - columns_each * tile->columns;
}

/* Each logical row is a physical row driven at +code and one at -code, adjacent or in the second half of the tile; or, in
 * pairs of columns, the one at +code. */
static void drive_rows(const fx_tile *tile, uint8_t pairing, const int16_t *codes, int16_t rows[FW_ROWS]) {
    for (uint32_t k = 0; k < tile->rows; k++) {
        uint32_t positive = tile->array_row + (pairing == FX_PAIRING_ADJACENT ? 2 * k : k);
        rows[positive] = codes[k];
        if (pairing != FX_PAIRING_COLUMNS) {
            rows[positive + (pairing == FX_PAIRING_HALVES ? tile->rows : 1)] = (int16_t)-codes[k];
        }
    }
}

/* The tile's codes from those of its columns; counts what clipped. */
static void take_columns(front_end *front, const fx_tile *tile, bool column_pairs, const int16_t *columns,
                         int16_t *results) {
    front_end_count_clipped(front, columns, column_pairs ? 2 * tile->columns : tile->columns);
    if (!column_pairs) {
        memcpy(results, columns, tile->columns * sizeof *results);
        return;
    }
    for (uint32_t k = 0; k < tile->columns; k++) {
        results[k] = fx_pair_code(columns[2 * k], columns[2 * k + 1], &front->adc_clipped);
    }
}

fx_status tiles_multiply(void *context, const fx_tile *tile, uint32_t count, const int16_t *codes, size_t row_stride,
                         int16_t *results, size_t column_stride) {
    firmware *board = context;
    hal_watchdog_kick(board->hal);
    uint8_t pairing = board->inference.program.header->pairing;
    bool column_pairs = pairing == FX_PAIRING_COLUMNS;
    if (!tile_fits(tile, column_pairs)) {
        return FX_ERROR_RANGE;
    }
    const front_end_reading how = {.range = tile->range,
                                   .first_column = tile->array_column,
                                   .columns = column_pairs ? 2 * tile->columns : tile->columns};
    for (uint32_t i = 0; i < count; i++) {
        int16_t rows[FW_ROWS] = {0};
        int16_t columns[FW_COLUMNS];
        drive_rows(tile, pairing, codes + i * row_stride, rows);
        fx_status status = front_end_convert(&board->front_end, &how, rows, columns);
        if (status != FX_OK) {
            return status;
        }
        take_columns(&board->front_end, tile, column_pairs, columns, results + i * column_stride);
    }
    return FX_OK;
}
