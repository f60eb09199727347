/* hal.h inside a host process.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "port/host/port.h"

static size_t put(port_ring *ring, const uint8_t *bytes, size_t size) {
    size_t moved = 0;
    for (; moved < size && ring->count < PORT_RING_SIZE; moved++) {
        ring->bytes[(ring->start + ring->count++) % PORT_RING_SIZE] = bytes[moved];
    }
    return moved;
}

static size_t get(port_ring *ring, uint8_t *bytes, size_t capacity) {
    size_t moved = 0;
    for (; moved < capacity && ring->count > 0; moved++, ring->count--) {
        bytes[moved] = ring->bytes[ring->start];
        ring->start = (ring->start + 1) % PORT_RING_SIZE;
    }
    return moved;
}

size_t port_send(hal *board, const uint8_t *bytes, size_t size) {
    return put(&board->to_board, bytes, size);
}

size_t port_receive(hal *board, uint8_t *bytes, size_t capacity) {
    return get(&board->to_host, bytes, capacity);
}

size_t hal_serial_read(hal *board, uint8_t *bytes, size_t capacity) {
    return get(&board->to_board, bytes, capacity);
}

size_t hal_serial_write(hal *board, const uint8_t *bytes, size_t size) {
    return put(&board->to_host, bytes, size);
}

void hal_spi_transfer(hal *board, unsigned chip, const uint8_t *tx, uint8_t *rx, size_t size) {
    board->spi_transfer(board->user, chip, tx, rx, size);
}

void hal_pin_write(hal *board, unsigned pin, bool high) {
    board->pin_write(board->user, pin, high);
}

bool hal_pin_read(hal *board, unsigned pin) {
    return board->pin_read(board->user, pin);
}

uint32_t hal_microseconds(hal *board) {
    return board->microseconds(board->user);
}

void hal_delay_microseconds(hal *board, uint32_t microseconds) {
    board->delay(board->user, microseconds);
}

const hal_start *hal_how_started(hal *board) {
    return &board->start;
}

uint32_t hal_serial_number(hal *board) {
    return board->serial_number;
}

void hal_watchdog_kick(hal *board) {
    (void)board;
}
