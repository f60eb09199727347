/* Codes in vectors of eight, loaded and stored as few as there are, and looked up. Part of the sets for x86-64; needs SSE4.1.
 * Internal to the core.
 */
#ifndef FX_X86_CODES_H
#define FX_X86_CODES_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "plan.h"

/* Up to eight codes, and zeros. */
static inline __m128i load_codes(const int16_t *from, uint32_t count) {
    if (count >= 8) {
        return _mm_loadu_si128((const __m128i *)(const void *)from);
    }
    __m128i codes = _mm_setzero_si128();
    if (count & 1) {
        codes = _mm_insert_epi16(codes, from[count - 1], 0);
    }
    if (count & 2) {
        codes = _mm_or_si128(_mm_slli_si128(codes, 4), _mm_loadu_si32(from + (count & 4)));
    }
    if (count & 4) {
        codes = _mm_or_si128(_mm_slli_si128(codes, 8), _mm_loadu_si64(from));
    }
    return codes;
}

/* Up to eight codes. */
static inline void store_codes(int16_t *to, uint32_t count, __m128i codes) {
    if (count >= 8) {
        _mm_storeu_si128((__m128i *)(void *)to, codes);
        return;
    }
    if (count & 4) {
        _mm_storeu_si64(to, codes);
        codes = _mm_srli_si128(codes, 8);
        to += 4;
    }
    if (count & 2) {
        _mm_storeu_si32(to, codes);
        codes = _mm_srli_si128(codes, 4);
        to += 2;
    }
    if (count & 1) {
        *to = (int16_t)_mm_extract_epi16(codes, 0);
    }
}

static inline __m128i looked_up(const int16_t *table, const int16_t *codes) {
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

/* Eight codes at a time: faster than a gather, and what is stored is loaded again as it was stored. */
static inline void look_up_eight(const int16_t *table, const int16_t *codes, int16_t *result) {
    _mm_storeu_si128((__m128i *)(void *)result, looked_up(table, codes));
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

static void look_up(const int16_t *table, uint32_t from, uint32_t to, uint32_t length, const fx_arenas *arenas) {
    FX_FOR_ARENAS(arenas) {
        look_up_all(table, arena + from, arena + to, length);
    }
}

#endif
