/* Standard normal numbers: Threefry 2x32 with 13 rounds (Salmon et al., SC 2011) of the vector's number, then Box and Muller.
 */
#ifndef FX_NOISE_H
#define FX_NOISE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lanes.h"

#define FX_PAIRS(columns) (((columns) + 1) / 2)

enum { ROTATIONS = 8, ROUNDS = 13 };

static const int ROTATION[ROTATIONS] = {13, 15, 26, 6, 17, 29, 16, 24};

/* Two words of 32 bits from a key and a counter. */
ALWAYS void threefry(const uint32_t key[2], uint32_t *a, uint32_t *b) {
    const uint32_t keys[3] = {key[0], key[1], 0x1BD11BDA ^ key[0] ^ key[1]};
    uint32_t x = *a + keys[0], y = *b + keys[1];
    for (int round = 0; round < ROUNDS; round++) {
        int turn = ROTATION[round % ROTATIONS];
        x += y;
        y = ((y << turn) | (y >> (32 - turn))) ^ x;
        if (round % 4 == 3) {
            uint32_t injection = (uint32_t)round / 4 + 1;
            x += keys[injection % 3];
            y += keys[(injection + 1) % 3] + injection;
        }
    }
    *a = x;
    *b = y;
}

/* sqrt(-2 ln u) for the uniform number u = (2 * (word / 4) + 1) / 2**31, which is never 0: at most 6.6.
 * ln u = exponent * ln 2 + 2 artanh s with s = (m - 1) / (m + 1), where m, in [0.707, 1.414], is the mantissa. */
ALWAYS float radius(uint32_t word) {
    float u = (float)(int32_t)((word >> 1) | 1);
    int32_t bits;
    memcpy(&bits, &u, sizeof bits);
    int32_t exponent = (bits - 0x3F3504F3) >> 23; /* the bits of 0.707 */
    bits -= exponent * (1 << 23);
    float mantissa;
    memcpy(&mantissa, &bits, sizeof mantissa);
    float s = (mantissa - 1.0f) / (mantissa + 1.0f), s2 = s * s;
    float series = (((s2 * (1.0f / 9) + 1.0f / 7) * s2 + 1.0f / 5) * s2 + 1.0f / 3) * s2 + 1.0f;
    float logarithm = 2.0f * s * series + (float)(exponent - 31) * 0.69314718f;
    return sqrtf(-2.0f * logarithm);
}

/* A point on the unit circle: an angle within 45 degrees by the upper bits, which axis it is from by the lowest two. */
ALWAYS void direction(uint32_t word, float *x, float *y) {
    float angle = ((float)((int32_t)word >> 8) + 0.5f) * (0.78539816f / (1 << 23)), a2 = angle * angle;
    float sine = ((((a2 * (1.0f / 362880) - 1.0f / 5040) * a2 + 1.0f / 120) * a2 - 1.0f / 6) * a2 + 1.0f) * angle;
    float cosine = (((a2 * (1.0f / 40320) - 1.0f / 720) * a2 + 1.0f / 24) * a2 - 1.0f / 2) * a2 + 1.0f;
    float main = (word & 2) ? -cosine : cosine;
    *x = (word & 1) ? sine : main;
    *y = (word & 1) ? main : sine;
}

/* Pairs of standard normal numbers of a vector; there are at most 2**11. */
ALWAYS void normal_pairs(const uint32_t key[2], uint64_t vector, size_t pairs, float *RESTRICT first,
                         float *RESTRICT second) {
    for (size_t pair = 0; pair < pairs; pair++) {
        uint32_t a = (uint32_t)pair | (uint32_t)(vector >> 32) << 11, b = (uint32_t)vector;
        float x, y, r;
        threefry(key, &a, &b);
        r = radius(a);
        direction(b, &x, &y);
        first[pair] = r * x;
        second[pair] = r * y;
    }
}

#endif
