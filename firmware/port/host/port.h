/* Port of the firmware to a host process: hal.h over function pointers, the serial line as two byte rings.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PORT_HOST_H
#define PORT_HOST_H

#include "hal/hal.h"

#define PORT_RING_SIZE 65536u

typedef struct {
    uint8_t bytes[PORT_RING_SIZE];
    size_t start, count;
} port_ring;

/* What stands behind the pins of one board; `user` comes back in every call. */
struct hal {
    void *user;
    void (*spi_transfer)(void *user, unsigned chip, const uint8_t *tx, uint8_t *rx, size_t size);
    void (*pin_write)(void *user, unsigned pin, bool high);
    bool (*pin_read)(void *user, unsigned pin);
    uint32_t (*microseconds)(void *user);
    void (*delay)(void *user, uint32_t microseconds);
    hal_start start;
    uint32_t serial_number;
    port_ring to_board;
    port_ring to_host;
};

/* The host's end of the serial line. Both return the number of bytes moved; what does not fit is not taken. */
size_t port_send(hal *board, const uint8_t *bytes, size_t size);
size_t port_receive(hal *board, uint8_t *bytes, size_t capacity);

#endif
