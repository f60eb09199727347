/* Bytes from one writer to one reader, either of which may be an interrupt: each changes only its own count.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
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

#endif
