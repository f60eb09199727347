/* Port of the firmware to the STM32F405: hal.h over its registers.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Every wait is bounded: what does not answer, here or in an emulator, is reported and nothing hangs.
 */
#ifndef PORT_STM32F405_H
#define PORT_STM32F405_H

#include "hal/hal.h"
#include "port/cortex_m/ring.h"

struct hal {
    hal_start start;
    uint32_t serial_number;
    uint32_t peripheral_hertz; /* of APB2: serial line, SPI */
    uint32_t timer_hertz;
    uint32_t spi_control;
    ring received, to_send; /* of the serial line */
    volatile uint8_t receive_bytes[RING_RECEIVE_SIZE];
    volatile uint8_t send_bytes[RING_SEND_SIZE];
};

extern hal port_board; /* the one there is: interrupts have no argument */

/* Whether the bits of a register that are in `mask` come to `wanted` within so many looks. */
static inline bool port_wait(volatile uint32_t *bits, uint32_t mask, uint32_t wanted, uint32_t looks) {
    while ((*bits & mask) != wanted) {
        if (looks-- == 0) {
            return false;
        }
    }
    return true;
}

/* Let a peripheral have its clock; it may be spoken to once this has been read back. */
static inline void port_enable(volatile uint32_t *enabled, uint32_t bits) {
    *enabled |= bits;
    (void)*enabled;
}

void clocks_start(hal *board);
void pins_start(void);
void timer_start(const hal *board);
void serial_start(hal *board);
void serial_interrupt(void);
void spi_start(hal *board);
void watchdog_start(void);

/* All chips deselected, the array at reading voltage: by pins alone. */
void pins_let_go(void);
void pins_select(unsigned chip, bool selected);

#endif
