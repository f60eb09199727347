/* Port of the firmware to the RP2040, without an array: programs run by their integers (docs/porting.md).
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PORT_RP2040_H
#define PORT_RP2040_H

#include "hal/hal.h"
#include "port/cortex_m/ring.h"

struct hal {
    hal_start start;
    ring received, to_send; /* of the serial line */
    volatile uint8_t receive_bytes[RING_RECEIVE_SIZE];
    volatile uint8_t send_bytes[RING_SEND_SIZE];
};

extern hal port_board;

/* Whether the bits of a register that are in `mask` come to `wanted` within so many looks. */
static inline bool port_wait(volatile uint32_t *bits, uint32_t mask, uint32_t wanted, uint32_t looks) {
    while ((*bits & mask) != wanted) {
        if (looks-- == 0) {
            return false;
        }
    }
    return true;
}

void clocks_start(hal *board);
void serial_start(hal *board);
void serial_interrupt(void);

#endif
