/* The random numbers of the fuzzers: splitmix64, the same everywhere for a seed; or, where a coverage-guided fuzzer
 * decides, the bytes that it gives, as long as there are some. */
#ifndef GENERATOR_H
#define GENERATOR_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t state;
    const uint8_t *bytes;
    size_t left;
} generator;

static inline uint64_t take_bytes(generator *random, size_t count) {
    uint64_t value = 0;
    for (; count > 0 && random->left > 0; count--, random->left--) {
        value = value << 8 | *random->bytes++;
    }
    return value;
}

static inline uint64_t next_random(generator *random) {
    if (random->left > 0) {
        random->state = take_bytes(random, 2);
    }
    uint64_t z = (random->state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* 0..end - 1 */
static inline size_t below(generator *random, size_t end) {
    if (random->left > 0) {
        return (size_t)(take_bytes(random, end <= 256 ? 1 : end <= 65536 ? 2 : 8) % end);
    }
    return (size_t)(next_random(random) % end);
}

#endif
