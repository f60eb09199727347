/* Activations looked up one code after the other, which many processors do faster than a gather. Part of the sets for x86-64; needs
 * SSE4.1.
 */
#ifndef FX_LOOK_UP_SCALAR_H
#define FX_LOOK_UP_SCALAR_H

#include <immintrin.h>
#include <string.h>

#include "plan.h"

static inline __m128i eight_looked_up(const int16_t *table, const int16_t *codes) {
    uint64_t low, high;
    memcpy(&low, codes, sizeof low);
    memcpy(&high, codes + 4, sizeof high);
    __m128i result = _mm_cvtsi32_si128(table[low & 0xFFFFu]);
    result = _mm_insert_epi16(result, table[(low >> 16) & 0xFFFFu], 1);
    result = _mm_insert_epi16(result, table[(low >> 32) & 0xFFFFu], 2);
    result = _mm_insert_epi16(result, table[low >> 48], 3);
    result = _mm_insert_epi16(result, table[high & 0xFFFFu], 4);
    result = _mm_insert_epi16(result, table[(high >> 16) & 0xFFFFu], 5);
    result = _mm_insert_epi16(result, table[(high >> 32) & 0xFFFFu], 6);
    return _mm_insert_epi16(result, table[high >> 48], 7);
}

/* Eight codes at a time: what is stored is loaded again as it was stored. */
static inline void look_up_eight(const int16_t *table, const int16_t *codes, int16_t *result) {
    _mm_storeu_si128((__m128i *)(void *)result, eight_looked_up(table, codes));
}

static inline void look_up_all(const int16_t *table, const int16_t *codes, int16_t *result, uint32_t length) {
    uint32_t i = 0;
    for (; i + 8 <= length; i += 8) {
        look_up_eight(table, codes + i, result + i);
    }
    if (i < length && length >= 8 && result != codes) { /* some once more, rather than one by one */
        look_up_eight(table, codes + length - 8, result + length - 8);
        return;
    }
    for (; i < length; i++) {
        result[i] = table[(uint16_t)codes[i]];
    }
}

#endif
