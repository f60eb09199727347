/* Tiles of a program through DACs, cells and ADCs.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TILES_H
#define TILES_H

#include "fxlstm.h"

/* The multiply of an fx_array whose context is the board (firmware.h). Rows stay driven; tiles that do not fit the array
 * are refused. */
fx_status tiles_multiply(void *context, const fx_tile *tile, uint32_t count, const int16_t *codes, size_t row_stride,
                         int16_t *results, size_t column_stride);

#endif
