/* Activations looked up by gathers: the processors that have AMX load two or three of their elements at a time. Part of amx.c. */
#ifndef FX_LOOK_UP_GATHER_H
#define FX_LOOK_UP_GATHER_H

#include <immintrin.h>

#include "look_up_scalar.h"

#define LOOKED_UP 32u /* codes of a piece */

/* Each element is a result and the one behind it. */
static inline __m256i looked_up(const int16_t *table, __m256i codes) {
    return _mm512_cvtepi32_epi16(_mm512_i32gather_epi32(_mm512_cvtepu16_epi32(codes), table, sizeof *table));
}

static inline void look_up_sixteen(const int16_t *table, const int16_t *codes, int16_t *result) {
    __m256i some = _mm256_loadu_si256((const __m256i *)(const void *)codes);
    _mm256_storeu_si256((__m256i *)(void *)result, looked_up(table, some));
}

static inline void look_up_piece(const int16_t *table, const int16_t *codes, int16_t *result) {
    look_up_sixteen(table, codes, result);
    look_up_sixteen(table, codes + 16, result + 16);
}

/* At least 16 codes; the last ones once more, rather than some of 16. */
static inline void look_up_many(const int16_t *table, const int16_t *codes, int16_t *result, uint32_t length) {
    uint32_t i = 0;
    for (; i + 16 <= length; i += 16) {
        look_up_sixteen(table, codes + i, result + i);
    }
    if (i < length && result != codes) {
        look_up_sixteen(table, codes + length - 16, result + length - 16);
    } else {
        look_up_all(table, codes + i, result + i, length - i);
    }
}

static void look_up(const int16_t *table, uint32_t from, uint32_t to, uint32_t length, const fx_arenas *arenas) {
    void (*const chosen)(const int16_t *, const int16_t *, int16_t *, uint32_t) =
        length < 16 ? look_up_all : look_up_many;
    FX_FOR_ARENAS(arenas) {
        chosen(table, arena + from, arena + to, length);
    }
}

#endif
