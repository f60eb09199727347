/* Bytes from one writer to one reader, either of which may be an interrupt: each changes only its own count.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RING_RECEIVE_SIZE = 8192, /* more than a host may have in flight; sizes are powers of two */
    RING_SEND_SIZE = 2048,
};

typedef struct {
    volatile uint8_t *bytes;
    uint32_t size;
    volatile uint32_t written, read; /* since the start, wrapping */
} ring;

static inline bool ring_is_empty(const ring *bytes) {
    return bytes->written == bytes->read;
}

/* False when there is no room. */
static inline bool ring_put(ring *bytes, uint8_t byte) {
    uint32_t written = bytes->written;
    if (written - bytes->read >= bytes->size) {
        return false;
    }
    bytes->bytes[written % bytes->size] = byte;
    bytes->written = written + 1;
    return true;
}

/* The ring must not be empty. */
static inline uint8_t ring_take(ring *bytes) {
    uint32_t read = bytes->read;
    uint8_t byte = bytes->bytes[read % bytes->size];
    bytes->read = read + 1;
    return byte;
}

/* Take and put as many bytes as are there and as there is room for; both return their number. */
static inline size_t ring_read(ring *from, uint8_t *bytes, size_t capacity) {
    size_t moved = 0;
    while (moved < capacity && !ring_is_empty(from)) {
        bytes[moved++] = ring_take(from);
    }
    return moved;
}

static inline size_t ring_write(ring *to, const uint8_t *bytes, size_t size) {
    size_t moved = 0;
    while (moved < size && ring_put(to, bytes[moved])) {
        moved++;
    }
    return moved;
}

#endif
