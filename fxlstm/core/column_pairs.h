/* A tile whose weights are pairs of columns. Internal to the core. */
#ifndef FX_COLUMN_PAIRS_H
#define FX_COLUMN_PAIRS_H

#include "fxlstm.h"

/* The integer array with both columns of each pair converted apart and subtracted: codes of the tile for the whole batch
 * go to the executor's columns. Returns how many codes saturated, in an ADC or in the difference. */
uint32_t fx_multiply_column_pairs(const fx_executor *executor, const fx_matrix *matrix, const fx_tile *tile);

#endif
