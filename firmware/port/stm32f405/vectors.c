/* Vector table. An interrupt that nobody asked for finds no address in it, which is a fault.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "port/cortex_m/start.h"
#include "port/stm32f405/port.h"
#include "port/stm32f405/registers.h"

enum { EXCEPTIONS = 16, INTERRUPTS = 82 };

__attribute__((section(".vectors"), used)) const start_vector vectors[EXCEPTIONS + INTERRUPTS] = {
    START_VECTORS,
    [EXCEPTIONS + USART1_INTERRUPT] = serial_interrupt,
};
