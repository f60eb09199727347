/* Codes in vectors of eight, loaded and stored as few as there are. Part of avx2.c. */
#ifndef FX_X86_CODES_H
#define FX_X86_CODES_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

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

#endif
