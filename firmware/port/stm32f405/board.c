/* How the board has come to run, who it is, and what is started in which order.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "fxlstm.h"
#include "port/cortex_m/start.h"
#include "port/stm32f405/port.h"
#include "port/stm32f405/registers.h"

enum { LOOKS_RANDOM = 10000 };

hal port_board;

/* The 64 KiB beside the bus of everything else; an emulator without them counts as many as ordinary memory. */
static firmware_cells core_coupled __attribute__((section(".core_coupled")));
static firmware_cells *const BEYOND_MEMORY = (firmware_cells *)0x20020000;

firmware_cells *port_cells(void) {
    return fault_can_read((uintptr_t)&core_coupled) ? &core_coupled : BEYOND_MEMORY;
}

/* Emulators set no flags: there, memory that is whole says that power stayed on. */
static hal_reset_reason reason_of(uint32_t flags, const fault_record *record, bool survived) {
    if (!survived) {
        return HAL_RESET_POWER;
    }
    if ((flags & (RCC_CSR_WDGRSTF | RCC_CSR_WWDGRSTF)) != 0) {
        return HAL_RESET_WATCHDOG;
    }
    if (record->faulted) {
        return HAL_RESET_FAULT;
    }
    if ((flags & RCC_CSR_SFTRSTF) != 0) {
        return HAL_RESET_SOFTWARE;
    }
    return HAL_RESET_PIN;
}

static uint32_t read_random(void) {
    port_enable(&RCC_AHB2ENR, RCC_AHB2ENR_RNGEN);
    RNG_CR = RNG_CR_RNGEN;
    return port_wait(&RNG_SR, RNG_SR_DRDY, RNG_SR_DRDY, LOOKS_RANDOM) ? RNG_DR : 0;
}

static uint32_t read_serial_number(void) {
    return fault_can_read(UNIQUE_ID) ? fx_crc32(0, (const void *)UNIQUE_ID, 12) : 0;
}

static void read_start(hal *board) {
    uint32_t flags = RCC_CSR;
    RCC_CSR = flags | RCC_CSR_RMVF;
    bool survived = (flags & (RCC_CSR_PORRSTF | RCC_CSR_BORRSTF)) == 0;
    fault_record record = fault_record_open(&survived);
    board->start.reset = reason_of(flags, &record, survived);
    board->start.fault = record.fault;
    board->start.program = program_start;
    board->start.program_size = (size_t)(program_end - program_start);
    board->serial_number = read_serial_number();
    const uint32_t unique[] = {board->serial_number, record.starts, read_random()};
    board->start.boot_id = fx_crc32(0, unique, sizeof unique);
}

hal *port_start(void) {
    hal *board = &port_board;
    pins_start();
    clocks_start(board);
    timer_start(board);
    read_start(board);
    spi_start(board);
    serial_start(board);
    watchdog_start();
    return board;
}

void port_let_go(void) {
    pins_let_go();
}

const hal_start *hal_how_started(hal *board) {
    return &board->start;
}

uint32_t hal_serial_number(hal *board) {
    return board->serial_number;
}
