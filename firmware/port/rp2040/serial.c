/* UART0 on GPIO 0 and 1, fed and emptied by its interrupt.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "gen/wiring.h"
#include "port/cortex_m/core.h"
#include "port/rp2040/port.h"
#include "port/rp2040/registers.h"

enum { PIN_TRANSMIT = 0, PIN_RECEIVE = 1, FRACTIONS = 64 };

void serial_start(hal *board) {
    board->received = (ring){.bytes = board->receive_bytes, .size = sizeof board->receive_bytes};
    board->to_send = (ring){.bytes = board->send_bytes, .size = sizeof board->send_bytes};
    uint32_t divider = board->start.clock_hertz / 16 * FRACTIONS / FW_SERIAL_BAUD;
    UART0_IBRD = divider / FRACTIONS;
    UART0_FBRD = divider % FRACTIONS;
    UART0_LCR_H = UART0_LCR_H_FIFO_8_BITS;
    UART0_CR = UART0_CR_ENABLE;
    UART0_IMSC = UART0_IMSC_RX;
    IO_BANK0_CTRL(PIN_TRANSMIT) = IO_BANK0_CTRL_UART;
    IO_BANK0_CTRL(PIN_RECEIVE) = IO_BANK0_CTRL_UART;
    core_enable_interrupt(UART0_INTERRUPT);
}

/* Give the line what it takes now; the interrupt asks for the rest. */
static void send(hal *board) {
    ring *waiting = &board->to_send;
    while (!ring_is_empty(waiting) && (UART0_FR & UART0_FR_TXFF) == 0) {
        UART0_DR = ring_take(waiting);
    }
    UART0_IMSC = UART0_IMSC_RX | (ring_is_empty(waiting) ? 0 : UART0_IMSC_TX);
}

void serial_interrupt(void) {
    UART0_ICR = UART0_IMSC_RX | UART0_IMSC_TX;
    while ((UART0_FR & UART0_FR_RXFE) == 0) {
        ring_put(&port_board.received, (uint8_t)UART0_DR); /* what is lost fails its frame's CRC */
    }
    if ((UART0_IMSC & UART0_IMSC_TX) != 0) {
        send(&port_board);
    }
}

size_t hal_serial_read(hal *board, uint8_t *bytes, size_t capacity) {
    return ring_read(&board->received, bytes, capacity);
}

size_t hal_serial_write(hal *board, const uint8_t *bytes, size_t size) {
    size_t moved = ring_write(&board->to_send, bytes, size);
    if (moved > 0) {
        UART0_IMSC = UART0_IMSC_RX; /* until send is done, the interrupt leaves the ring alone */
        send(board);
    }
    return moved;
}
