/* USART1, fed and emptied by its interrupt.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "gen/wiring.h"
#include "port/cortex_m/core.h"
#include "port/stm32f405/port.h"
#include "port/stm32f405/registers.h"

enum { CONTROL = USART1_CR1_UE | USART1_CR1_TE | USART1_CR1_RE | USART1_CR1_RXNEIE };

static uint32_t count(const serial_ring *ring) {
    return ring->written - ring->read;
}

/* Sixteen samples per bit where the clock allows it, else eight, of which BRR takes the low bits one place further down. */
void serial_start(hal *board) {
    port_enable(&RCC_APB2ENR, RCC_APB2ENR_USART1EN);
    uint32_t divider = (board->peripheral_hertz + FW_SERIAL_BAUD / 2) / FW_SERIAL_BAUD;
    bool eight = divider < 16;
    uint32_t control = CONTROL;
    if (eight) {
        divider = 2 * divider;
        divider = (divider & ~15u) | (divider & 15u) >> 1;
        control |= USART1_CR1_OVER8;
    }
    USART1_BRR = divider;
    USART1_CR1 = control;
    core_enable_interrupt(USART1_INTERRUPT);
}

static void receive(hal *board) {
    uint32_t status = USART1_SR;
    if ((status & (USART1_SR_RXNE | USART1_SR_ORE)) == 0) {
        return;
    }
    uint8_t byte = (uint8_t)USART1_DR; /* which clears both */
    serial_ring *ring = &board->received;
    if ((status & USART1_SR_RXNE) != 0 && count(ring) < SERIAL_RECEIVE_SIZE) { /* bytes lost fail their frame's CRC */
        board->receive_bytes[ring->written % SERIAL_RECEIVE_SIZE] = byte;
        ring->written++;
    }
}

/* Give the line what it takes now; the interrupt asks for the rest. */
static void send(hal *board) {
    serial_ring *ring = &board->to_send;
    while (count(ring) > 0 && (USART1_SR & USART1_SR_TXE) != 0) {
        USART1_DR = board->send_bytes[ring->read % SERIAL_SEND_SIZE];
        ring->read++;
    }
    if (count(ring) > 0) {
        USART1_CR1 |= USART1_CR1_TXEIE;
    } else {
        USART1_CR1 &= ~USART1_CR1_TXEIE;
    }
}

void serial_interrupt(void) {
    receive(&port_board);
    if ((USART1_CR1 & USART1_CR1_TXEIE) != 0) {
        send(&port_board);
    }
}

size_t hal_serial_read(hal *board, uint8_t *bytes, size_t capacity) {
    serial_ring *ring = &board->received;
    size_t moved = 0;
    for (; moved < capacity && count(ring) > 0; moved++) {
        bytes[moved] = board->receive_bytes[ring->read % SERIAL_RECEIVE_SIZE];
        ring->read++;
    }
    return moved;
}

size_t hal_serial_write(hal *board, const uint8_t *bytes, size_t size) {
    serial_ring *ring = &board->to_send;
    size_t moved = 0;
    for (; moved < size && count(ring) < SERIAL_SEND_SIZE; moved++) {
        board->send_bytes[ring->written % SERIAL_SEND_SIZE] = bytes[moved];
        ring->written++;
    }
    if (moved > 0) {
        USART1_CR1 &= ~USART1_CR1_TXEIE; /* until send is done, the interrupt leaves the ring alone */
        send(board);
    }
    return moved;
}
