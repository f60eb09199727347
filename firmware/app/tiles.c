/* Pairs of rows, ranges and columns of a tile.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/tiles.h"

#include <string.h>

#include "app/firmware.h"

static bool tile_fits(const fx_tile *tile) {
    return tile->array == 0 && tile->range < FW_RANGE_COUNT && tile->rows <= FW_ROWS / 2 &&
           tile->array_row <= FW_ROWS - 2u * tile->rows && tile->columns <= FW_COLUMNS &&
           tile->array_column <= FW_COLUMNS - tile->columns;
}

/* Each logical row is a physical row driven at +code and one at -code, adjacent or in the second half of the tile. */
static void drive_pairs(const fx_tile *tile, bool halves, const int16_t *codes, int16_t rows[FW_ROWS]) {
    for (uint32_t k = 0; k < tile->rows; k++) {
        uint32_t positive = tile->array_row + (halves ? k : 2 * k);
        uint32_t negative = positive + (halves ? tile->rows : 1);
        rows[positive] = codes[k];
        rows[negative] = (int16_t)-codes[k];
    }
}

fx_status tiles_multiply(void *context, const fx_tile *tile, uint32_t count, const int16_t *codes, size_t row_stride,
                         int16_t *results, size_t column_stride) {
    firmware *board = context;
    hal_watchdog_kick(board->hal);
    bool halves = board->inference.program.header->pairing != 0;
    if (!tile_fits(tile)) {
        return FX_ERROR_RANGE;
    }
    for (uint32_t i = 0; i < count; i++) {
        int16_t rows[FW_ROWS] = {0};
        int16_t columns[FW_COLUMNS];
        drive_pairs(tile, halves, codes + i * row_stride, rows);
        fx_status status = front_end_convert(&board->front_end, tile->range, 0, rows, columns);
        if (status != FX_OK) {
            return status;
        }
        front_end_count_clipped(&board->front_end, columns + tile->array_column, tile->columns);
        memcpy(results + i * column_stride, columns + tile->array_column, tile->columns * sizeof *results);
    }
    return FX_OK;
}
