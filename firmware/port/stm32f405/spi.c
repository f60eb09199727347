/* SPI1 to all converters: mode and clock of each chip from the board's wiring.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "gen/wiring.h"
#include "port/stm32f405/port.h"
#include "port/stm32f405/registers.h"

enum {
    LOOKS = 1000, /* a byte takes 30 at the slowest clock */
    SLOWEST = 7,  /* code of BR: the clock divided by 256 */
    NO_ANSWER = 0xFF,
};

typedef struct {
    uint8_t mode;
    uint32_t hertz;
} wiring;

#define SELECT(port, number, mode, hertz) {mode, hertz},
static const wiring CHIPS[] = {FW_SELECT_PINS(SELECT)};

/* Control register for a chip: the fastest clock that it takes, the processor as master that selects by other pins. */
static uint32_t control_for(const hal *board, const wiring *chip) {
    uint32_t divider = 0;
    while (board->peripheral_hertz >> (divider + 1) > chip->hertz && divider < SLOWEST) {
        divider++;
    }
    return SPI1_CR1_SPE | SPI1_CR1_MSTR | SPI1_CR1_SSM | SPI1_CR1_SSI | SPI1_CR1_BR(divider) |
           ((chip->mode & 1u) != 0 ? SPI1_CR1_CPHA : 0) | ((chip->mode & 2u) != 0 ? SPI1_CR1_CPOL : 0);
}

static void set_control(hal *board, uint32_t control) {
    if (control != board->spi_control) {
        SPI1_CR1 = control & ~SPI1_CR1_SPE;
        SPI1_CR1 = control;
        board->spi_control = control;
    }
}

void spi_start(hal *board) {
    port_enable(&RCC_APB2ENR, RCC_APB2ENR_SPI1EN);
    set_control(board, control_for(board, &CHIPS[0]));
}

/* One byte each way. A bus that does not answer gives bytes that no echo and no CRC accepts. */
static uint8_t exchange(uint8_t byte) {
    if (!port_wait(&SPI1_SR, SPI1_SR_TXE, SPI1_SR_TXE, LOOKS)) {
        return NO_ANSWER;
    }
    SPI1_DR = byte;
    return port_wait(&SPI1_SR, SPI1_SR_RXNE, SPI1_SR_RXNE, LOOKS) ? (uint8_t)SPI1_DR : NO_ANSWER;
}

void hal_spi_transfer(hal *board, unsigned chip, const uint8_t *tx, uint8_t *rx, size_t size) {
    set_control(board, control_for(board, &CHIPS[chip]));
    pins_select(chip, true);
    for (size_t i = 0; i < size; i++) {
        uint8_t answer = exchange(tx[i]);
        if (rx != NULL) {
            rx[i] = answer;
        }
    }
    port_wait(&SPI1_SR, SPI1_SR_BSY, 0, LOOKS);
    pins_select(chip, false);
}
