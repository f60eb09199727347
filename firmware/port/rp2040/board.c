/* Vectors, what is started in which order, time, watchdog.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "port/cortex_m/start.h"
#include "port/rp2040/port.h"
#include "port/rp2040/registers.h"

enum {
    EXCEPTIONS = 16,
    INTERRUPTS = 26,
    WATCHDOG_COUNT = 2000000, /* half microseconds */
    LOOKS = 100000,
    PERIPHERALS = RESETS_IO_BANK0 | RESETS_PADS_BANK0 | RESETS_TIMER | RESETS_UART0,
};

hal port_board;

static firmware_cells cells __attribute__((section(".core_coupled")));

__attribute__((section(".vectors"), used)) const start_vector vectors[EXCEPTIONS + INTERRUPTS] = {
    START_VECTORS,
    [EXCEPTIONS + UART0_INTERRUPT] = serial_interrupt,
};

firmware_cells *port_cells(void) {
    return &cells;
}

static uint32_t read_random(void) {
    uint32_t random = 0;
    for (int bit = 0; bit < 32; bit++) {
        random = random << 1 | (ROSC_RANDOMBIT & 1u);
    }
    return random;
}

static void read_start(hal *board) {
    bool survived = (CHIP_RESET & CHIP_RESET_HAD_POR) == 0;
    fault_record record = fault_record_open(&survived);
    board->start.reset = !survived                ? HAL_RESET_POWER
                         : record.faulted         ? HAL_RESET_FAULT
                         : (WATCHDOG_REASON != 0) ? HAL_RESET_WATCHDOG
                                                  : HAL_RESET_PIN;
    board->start.fault = record.fault;
    board->start.boot_id = read_random();
    board->start.program = program_start;
    board->start.program_size = (size_t)(program_end - program_start);
}

hal *port_start(void) {
    hal *board = &port_board;
    clocks_start(board);
    RESETS_RESET &= ~(uint32_t)PERIPHERALS;
    port_wait(&RESETS_RESET_DONE, PERIPHERALS, PERIPHERALS, LOOKS);
    read_start(board);
    serial_start(board);
    WATCHDOG_LOAD = WATCHDOG_COUNT;
    WATCHDOG_CTRL |= WATCHDOG_CTRL_ENABLE;
    return board;
}

const hal_start *hal_how_started(hal *board) {
    return &board->start;
}

uint32_t hal_serial_number(hal *board) {
    (void)board;
    return 0; /* only the flash chip beside the part has a number */
}

uint32_t hal_microseconds(hal *board) {
    (void)board;
    return TIMER_TIMERAWL;
}

/* A timer that stands still ends the wait as well: a look takes more than one clock. */
void hal_delay_microseconds(hal *board, uint32_t microseconds) {
    uint32_t start = TIMER_TIMERAWL;
    uint32_t looks = (board->start.clock_hertz / 1000000) * (microseconds + 1);
    while (TIMER_TIMERAWL - start <= microseconds && looks > 0) {
        looks--;
    }
}

void hal_watchdog_kick(hal *board) {
    (void)board;
    WATCHDOG_LOAD = WATCHDOG_COUNT;
}
