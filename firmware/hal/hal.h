/* hal.h: the only door from the firmware to hardware. A port (port/host, port/stm32f405, ...) implements every function.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A board is an opaque struct that the port defines, so that several emulated boards live in one process.
 */
#ifndef HAL_H
#define HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hal hal;

typedef enum {
    HAL_RESET_POWER = 0,
    HAL_RESET_PIN = 1,
    HAL_RESET_WATCHDOG = 2,
    HAL_RESET_FAULT = 3,
    HAL_RESET_SOFTWARE = 4
} hal_reset_reason;

typedef enum {
    HAL_CLOCK_CRYSTAL = 0,
    HAL_CLOCK_NO_CRYSTAL = 1, /* the internal oscillator, because the crystal did not start */
    HAL_CLOCK_NO_LOCK = 2     /* the internal oscillator at its own frequency: nothing can multiply it either */
} hal_clock;

/* The last fault since power-up; a reset followed. */
typedef struct {
    uint32_t count;     /* faults since power-up, 0: none, and the rest means nothing */
    uint32_t exception; /* number of the processor's exception */
    uint32_t pc, lr;    /* where: 0 when the stack could not tell */
    uint32_t status;    /* what the processor says of the cause */
    uint32_t address;   /* that could not be reached, or 0 */
} hal_fault;

/* How the board has come to run. */
typedef struct {
    hal_reset_reason reset;
    hal_clock clock;
    uint32_t clock_hertz; /* of the processor */
    uint32_t boot_id;     /* no two starts of any board share it, but for chance */
    hal_fault fault;
    const void *program; /* image in read-only memory that came with the firmware, on 8 bytes; NULL: none */
    size_t program_size;
} hal_start;

/* One full-duplex transfer with chip select `chip` (gen/wiring.h) low throughout, in its mode and up to its clock.
 * `rx` may be NULL when the answer does not matter. */
void hal_spi_transfer(hal *board, unsigned chip, const uint8_t *tx, uint8_t *rx, size_t size);

/* GPIO lines by number (gen/wiring.h). */
void hal_pin_write(hal *board, unsigned pin, bool high);
bool hal_pin_read(hal *board, unsigned pin);

/* Microseconds since power-up, wrapping at 2^32. */
uint32_t hal_microseconds(hal *board);
void hal_delay_microseconds(hal *board, uint32_t microseconds);

/* The serial link. Both return at once with the number of bytes moved, which may be 0. */
size_t hal_serial_read(hal *board, uint8_t *bytes, size_t capacity);
size_t hal_serial_write(hal *board, const uint8_t *bytes, size_t size);

/* How the board has come to run; the same throughout. */
const hal_start *hal_how_started(hal *board);

/* A number that tells this board from others, 0 where there is none. */
uint32_t hal_serial_number(hal *board);

/* Tell the watchdog that the main loop is alive. */
void hal_watchdog_kick(hal *board);

#endif
