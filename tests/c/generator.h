/* The random numbers of the fuzzers: splitmix64, the same everywhere for a seed. */
#ifndef GENERATOR_H
#define GENERATOR_H

#include <stdint.h>

typedef struct {
    uint64_t state;
} generator;

static inline uint64_t next_random(generator *random) {
    uint64_t z = (random->state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* 0..end - 1 */
static inline size_t below(generator *random, size_t end) {
    return (size_t)(next_random(random) % end);
}

#endif
