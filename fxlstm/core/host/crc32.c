/* CRC-32 on hosts: the core's, and on x86-64 with carry-less products four times 16 bytes at a time.
 *
 * Gopal, Ozturk, Guilford, Wolrich, Feghali, Dixon: Fast CRC computation for generic polynomials using PCLMULQDQ
 * instruction, Intel 2009: remainders of the reflected polynomial fold what lies ahead onto what follows.
 */
#include "crc32.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("pclmul,sse4.1"))), apply_to = function)
#else
#pragma GCC target("pclmul,sse4.1")
#endif

#define BLOCK 64u /* bytes folded together */

static inline __m128i block_at(const uint8_t *bytes) {
    return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

/* Both halves times a pair of remainders, onto the next. */
static inline __m128i fold(__m128i ahead, __m128i remainders, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(ahead, remainders, 0x00), high = _mm_clmulepi64_si128(ahead, remainders, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/* The CRC of 128 bits that stand for all before. */
static uint32_t reduce(__m128i bits) {
    const __m128i word = _mm_setr_epi32(-1, 0, -1, 0), k5 = _mm_set_epi64x(0, 0x163CD6124),
                  k4 = _mm_set_epi64x(0, 0x0CCAA009E), barrett = _mm_set_epi64x(0x1F7011641, 0x1DB710641);
    bits = _mm_xor_si128(_mm_srli_si128(bits, 8), _mm_clmulepi64_si128(bits, k4, 0x00));
    bits = _mm_xor_si128(_mm_srli_si128(bits, 4), _mm_clmulepi64_si128(_mm_and_si128(bits, word), k5, 0x00));
    __m128i quotient = _mm_and_si128(_mm_clmulepi64_si128(_mm_and_si128(bits, word), barrett, 0x10), word);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(bits, _mm_clmulepi64_si128(quotient, barrett, 0x00)), 1);
}

/* The CRC register after whole blocks, at least one. */
static uint32_t fold_blocks(uint32_t crc, const uint8_t *bytes, size_t blocks) {
    const __m128i by_512 = _mm_set_epi64x(0x1C6E41596, 0x154442BD4), by_128 = _mm_set_epi64x(0x0CCAA009E, 0x1751997D0);
    __m128i folded[4];
    for (int i = 0; i < 4; i++) {
        folded[i] = block_at(bytes + 16 * i);
    }
    folded[0] = _mm_xor_si128(folded[0], _mm_cvtsi32_si128((int32_t)crc));
    for (bytes += BLOCK; --blocks > 0; bytes += BLOCK) {
        for (int i = 0; i < 4; i++) {
            folded[i] = fold(folded[i], by_512, block_at(bytes + 16 * i));
        }
    }
    for (int i = 1; i < 4; i++) {
        folded[0] = fold(folded[0], by_128, folded[i]);
    }
    return reduce(folded[0]);
}

size_t fx_crc32_blocks(uint32_t *crc, const uint8_t *bytes, size_t size) {
    size_t blocks = size / BLOCK;
    if (blocks == 0 || !__builtin_cpu_supports("pclmul") || !__builtin_cpu_supports("sse4.1")) {
        return 0;
    }
    *crc = fold_blocks(*crc, bytes, blocks);
    return blocks * BLOCK;
}
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
size_t fx_crc32_blocks(uint32_t *crc, const uint8_t *bytes, size_t size) {
    (void)crc, (void)bytes, (void)size;
    return 0;
}
#endif
