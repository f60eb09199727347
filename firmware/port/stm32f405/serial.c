/* USART1, fed and emptied by its interrupt.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "gen/wiring.h"
#include "port/cortex_m/core.h"
#include "port/stm32f405/port.h"
#include "port/stm32f405/registers.h"

enum { CONTROL = USART1_CR1_UE | USART1_CR1_TE | USART1_CR1_RE | USART1_CR1_RXNEIE };

/* Sixteen samples per bit where the clock allows it, else eight, of which BRR takes the low bits one place further down. */
void serial_start(hal *board) {
    board->received = (ring){.bytes = board->receive_bytes, .size = sizeof board->receive_bytes};
    board->to_send = (ring){.bytes = board->send_bytes, .size = sizeof board->send_bytes};
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
    if ((status & USART1_SR_RXNE) != 0) {
        ring_put(&board->received, byte); /* what is lost fails its frame's CRC */
    }
}

/* Give the line what it takes now; the interrupt asks for the rest. */
static void send(hal *board) {
    ring *waiting = &board->to_send;
    while (!ring_is_empty(waiting) && (USART1_SR & USART1_SR_TXE) != 0) {
        USART1_DR = ring_take(waiting);
    }
    if (ring_is_empty(waiting)) {
        USART1_CR1 &= ~USART1_CR1_TXEIE;
    } else {
        USART1_CR1 |= USART1_CR1_TXEIE;
    }
}

void serial_interrupt(void) {
    receive(&port_board);
    if ((USART1_CR1 & USART1_CR1_TXEIE) != 0) {
        send(&port_board);
    }
}

size_t hal_serial_read(hal *board, uint8_t *bytes, size_t capacity) {
    return ring_read(&board->received, bytes, capacity);
}

size_t hal_serial_write(hal *board, const uint8_t *bytes, size_t size) {
    size_t moved = ring_write(&board->to_send, bytes, size);
    if (moved > 0) {
        USART1_CR1 &= ~USART1_CR1_TXEIE; /* until send is done, the interrupt leaves the ring alone */
        send(board);
    }
    return moved;
}
