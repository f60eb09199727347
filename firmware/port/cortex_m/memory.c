/* Bytes, moved and set: words where both ends are aligned, or the processor does not ask for it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Compiled without recognition of such loops, which would turn them into calls of themselves.
 */
#include <stdint.h>
#include <string.h>

typedef uint32_t __attribute__((may_alias)) word;

typedef struct __attribute__((may_alias)) {
    uint32_t words[4];
} block; /* one instruction loads it, one stores it */

static int aligned(const void *a, const void *b) {
    return (((uintptr_t)a | (uintptr_t)b) & (sizeof(word) - 1)) == 0;
}

/* Whole words, from anywhere to anywhere where the processor loads and stores them so; returns how many bytes are left. */
static inline size_t copy_words(unsigned char **out, const unsigned char **in, size_t size) {
#ifdef __ARM_FEATURE_UNALIGNED
    __asm__ volatile("b 2f\n"
                     "1:\n"
                     "ldr r3, [%[in]], #4\n"
                     "str r3, [%[out]], #4\n"
                     "2:\n"
                     "subs %[size], %[size], #4\n"
                     "bhs 1b\n"
                     "add %[size], %[size], #4\n"
                     : [out] "+r"(*out), [in] "+r"(*in), [size] "+r"(size)
                     :
                     : "r3", "cc", "memory");
#else
    for (; aligned(*out, *in) && size >= sizeof(word);
         size -= sizeof(word), *out += sizeof(word), *in += sizeof(word)) {
        *(word *)(void *)*out = *(const word *)(const void *)*in;
    }
#endif
    return size;
}

static inline void copy_upwards(unsigned char *out, const unsigned char *in, size_t size) {
    if (aligned(out, in)) {
        for (; size >= sizeof(block); size -= sizeof(block), out += sizeof(block), in += sizeof(block)) {
            *(block *)(void *)out = *(const block *)(const void *)in;
        }
    }
    size = copy_words(&out, &in, size);
    while (size-- > 0) {
        *out++ = *in++;
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    copy_upwards(to, from, size);
    return to;
}

void *memmove(void *to, const void *from, size_t size) {
    unsigned char *out = to;
    const unsigned char *in = from;
    if ((uintptr_t)out - (uintptr_t)in >= size) {
        copy_upwards(out, in, size);
        return to;
    }
    while (size-- > 0) {
        out[size] = in[size];
    }
    return to;
}

void *memset(void *to, int value, size_t size) {
    unsigned char *out = to;
    if (aligned(to, to)) {
        word filled = (unsigned char)value * 0x01010101u;
        for (; size >= sizeof(word); size -= sizeof(word), out += sizeof(word)) {
            *(word *)(void *)out = filled;
        }
    }
    while (size-- > 0) {
        *out++ = (unsigned char)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size) {
    const unsigned char *left = a;
    const unsigned char *right = b;
    for (; size > 0; size--, left++, right++) {
        if (*left != *right) {
            return *left - *right;
        }
    }
    return 0;
}

int strcmp(const char *a, const char *b) {
    for (; *a != 0 && *a == *b; a++, b++) {
    }
    return (unsigned char)*a - (unsigned char)*b;
}
