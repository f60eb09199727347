/* Look-ups of sets whose gathers are no faster than eight loads. Part of avx512.c and avx2.c. */
#ifndef FX_LOOK_UP_EIGHT_H
#define FX_LOOK_UP_EIGHT_H

#include "look_up_scalar.h"

#define LOOKED_UP 8u /* codes of a piece */

static inline void look_up_piece(const int16_t *table, const int16_t *codes, int16_t *result) {
    look_up_eight(table, codes, result);
}

static void look_up(const int16_t *table, uint32_t from, uint32_t to, uint32_t length, const fx_arenas *arenas) {
    FX_FOR_ARENAS(arenas) {
        look_up_all(table, arena + from, arena + to, length);
    }
}

#endif
