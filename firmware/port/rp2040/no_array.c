/* A board without converters: no chip answers, and the firmware reports the first that does not.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>

#include "port/cortex_m/fault.h"
#include "port/rp2040/port.h"

enum { NO_ANSWER = 0xFF };

void hal_spi_transfer(hal *board, unsigned chip, const uint8_t *tx, uint8_t *rx, size_t size) {
    (void)board;
    (void)chip;
    (void)tx;
    if (rx != NULL) {
        memset(rx, NO_ANSWER, size);
    }
}

void hal_pin_write(hal *board, unsigned pin, bool high) {
    (void)board;
    (void)pin;
    (void)high;
}

bool hal_pin_read(hal *board, unsigned pin) {
    (void)board;
    (void)pin;
    return false;
}

void port_let_go(void) {
}
