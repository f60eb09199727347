/* What drives the rows of a product: codes through the DAC, in the form of its dot products. Part of the
 * sets avx512 and amx. */
#ifndef FX_AVX512_DRIVE_H
#define FX_AVX512_DRIVE_H

#include <immintrin.h>

#include "avx512_codes.h"
#include "avx512_sums.h"
#include "plan.h"

/* Bytes of four codes: first the low ones, then the high ones, offset so that they count from 0. */
static inline __m512i in_bytes(__m512i codes) {
    const __m512i order = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15));
    const __m512i offset = _mm512_set1_epi64((int64_t)0x8080808000000000u);
    return _mm512_xor_si512(_mm512_shuffle_epi8(codes, order), offset);
}

typedef struct {
    __m512i half, high, low;
    __m128i shift;
} dac;

static inline dac dac_of(uint32_t bits) {
    const int16_t largest = (int16_t)((1 << (bits - 1)) - 1);
    return (dac){.half = _mm512_set1_epi16((int16_t)(bits == 16 ? 0 : 1 << (15 - bits))),
                 .high = _mm512_set1_epi16(largest),
                 .low = _mm512_set1_epi16((int16_t)-largest),
                 .shift = _mm_cvtsi32_si128((int)(16 - bits))};
}

static inline __m512i driven(const dac *converter, __m512i code) {
    code = _mm512_sra_epi16(_mm512_adds_epi16(code, converter->half), converter->shift);
    code = _mm512_min_epi16(_mm512_max_epi16(code, converter->low), converter->high);
    return _mm512_sll_epi16(code, converter->shift);
}

/* Put a segment's codes of one sequence into words; returns their sum where that is wanted. */
INLINE int64_t drive_one(const dac *converter, const fx_segment *segment, bool in_words, bool want_sum,
                         const int16_t *codes, uint32_t *words) {
    int16_t *to = (int16_t *)(void *)(words + segment->first_group * FX_WORDS_PER_GROUP);
    __m512i sum = _mm512_setzero_si512();
    for (uint32_t i = 0; i < segment->groups * 4; i += 32) {
        __mmask32 given = i < segment->rows ? first_lanes(segment->rows - i) : 0;
        __m512i code = driven(converter, _mm512_maskz_loadu_epi16(given, codes + segment->row + i));
        sum = want_sum ? _mm512_add_epi32(sum, _mm512_madd_epi16(code, _mm512_set1_epi16(1))) : sum;
        _mm512_storeu_si512(to + i, in_words ? code : in_bytes(code));
    }
    return want_sum ? _mm512_reduce_add_epi32(sum) : 0;
}

/* As drive_one, with the low bytes of 64 codes side by side, then the high ones. */
INLINE int64_t drive_one_in_blocks(const dac *converter, const fx_segment *segment, bool want_sum, const int16_t *codes,
                                   uint32_t *words) {
    const __m512i in_order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), low = _mm512_set1_epi16(0xFF);
    const __m512i offset = _mm512_set1_epi8((char)0x80), ones = _mm512_set1_epi16(1);
    int8_t *to = (int8_t *)(words + segment->first_group * FX_WORDS_PER_GROUP);
    __m512i sum = _mm512_setzero_si512();
    for (uint32_t i = 0; i < segment->groups * 4; i += 64, to += 128) {
        __mmask32 given = i < segment->rows ? first_lanes(segment->rows - i) : 0;
        __mmask32 others = i + 32 < segment->rows ? first_lanes(segment->rows - i - 32) : 0;
        __m512i a = driven(converter, _mm512_maskz_loadu_epi16(given, codes + segment->row + i));
        __m512i b = driven(converter, _mm512_maskz_loadu_epi16(others, codes + segment->row + i + 32));
        __m512i lows = _mm512_packus_epi16(_mm512_and_si512(a, low), _mm512_and_si512(b, low));
        __m512i highs = _mm512_packs_epi16(_mm512_srai_epi16(a, 8), _mm512_srai_epi16(b, 8));
        _mm512_storeu_si512(to, _mm512_permutexvar_epi64(in_order, lows));
        _mm512_storeu_si512(to + 64, _mm512_xor_si512(_mm512_permutexvar_epi64(in_order, highs), offset));
        sum = want_sum ? _mm512_add_epi32(sum, _mm512_add_epi32(_mm512_madd_epi16(a, ones), _mm512_madd_epi16(b, ones)))
                       : sum;
    }
    return want_sum ? _mm512_reduce_add_epi32(sum) : 0;
}

/* Drive all sequences of `driving`; `in_blocks`: how. */
INLINE void drive_each(const fx_packed *matrix, const fx_segment *segment, uint32_t dac_bits, const fx_driving *driving,
                       bool in_blocks) {
    const dac converter = dac_of(dac_bits);
    const bool want_sum = matrix->form == FX_SPLIT;
    const int16_t *codes = driving->codes;
    uint32_t *words = driving->words;
    for (uint32_t i = 0; i < driving->count; i++, codes += driving->stride, words += driving->word_stride) {
        int64_t sum = in_blocks ? drive_one_in_blocks(&converter, segment, want_sum, codes, words)
                                : drive_one(&converter, segment, matrix->form == FX_WORDS, want_sum, codes, words);
        if (want_sum) {
            ((int64_t *)(void *)(words + fx_code_words(matrix)))[segment - matrix->segments] = sum;
        }
    }
}

static void drive(const fx_packed *matrix, const fx_segment *segment, uint32_t dac_bits, const fx_driving *driving) {
    drive_each(matrix, segment, dac_bits, driving, false);
}

static void drive_rows(uint32_t dac_bits, const int16_t *codes, int16_t *rows, uint32_t count) {
    const dac converter = dac_of(dac_bits);
    for (uint32_t i = 0; i < count; i += 32) {
        __mmask32 given = first_lanes(count - i);
        _mm512_mask_storeu_epi16(rows + i, given, driven(&converter, _mm512_maskz_loadu_epi16(given, codes + i)));
    }
}

#endif
