/* LTC2668-16 frames and their echo.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "drivers/ltc2668.h"

enum {
    COMMAND_WRITE = 0x0,
    COMMAND_WRITE_ALL = 0x8,
    COMMAND_UPDATE_ALL = 0x9,
    COMMAND_MONITOR = 0xB,
    COMMAND_SPAN_ALL = 0xE,
    COMMAND_NONE = 0xF,
    MONITOR_ON = 0x10, /* with a channel in the low bits */
};

static uint32_t exchange(ltc2668 *dac, hal *board, uint32_t word) {
    const uint8_t tx[4] = {(uint8_t)(word >> 24), (uint8_t)(word >> 16), (uint8_t)(word >> 8), (uint8_t)word};
    uint8_t rx[4] = {0};
    hal_spi_transfer(board, dac->chip, tx, rx, sizeof tx);
    return (uint32_t)rx[0] << 24 | (uint32_t)rx[1] << 16 | (uint32_t)rx[2] << 8 | rx[3];
}

static fx_status send(ltc2668 *dac, hal *board, unsigned command, unsigned channel, uint16_t code) {
    uint32_t word = (uint32_t)command << 20 | (uint32_t)channel << 16 | code;
    uint32_t expected = dac->previous;
    bool proves = dac->started;
    uint32_t echo = exchange(dac, board, word);
    dac->previous = word;
    dac->started = dac->pending = true;
    if (proves && echo != expected) {
        dac->known = 0; /* the damaged frame may have gone to any register, or the chip has lost them all */
        return FX_ERROR_DAC_ECHO;
    }
    return FX_OK;
}

fx_status ltc2668_write(ltc2668 *dac, hal *board, unsigned channel, uint16_t code) {
    if (((unsigned)dac->known >> channel & 1u) != 0 && dac->codes[channel] == code) {
        return FX_OK;
    }
    fx_status status = send(dac, board, COMMAND_WRITE, channel, code);
    if (status == FX_OK) {
        dac->codes[channel] = code;
        dac->known = (uint16_t)(dac->known | 1u << channel);
    }
    return status;
}

fx_status ltc2668_write_codes(ltc2668 *dac, hal *board, const uint16_t codes[LTC2668_CHANNELS]) {
    fx_status status = FX_OK;
    for (unsigned channel = 0; channel < LTC2668_CHANNELS && status == FX_OK; channel++) {
        status = ltc2668_write(dac, board, channel, codes[channel]);
    }
    return status;
}

fx_status ltc2668_write_all(ltc2668 *dac, hal *board, uint16_t code) {
    fx_status status = send(dac, board, COMMAND_WRITE_ALL, 0, code);
    if (status == FX_OK) {
        for (unsigned channel = 0; channel < LTC2668_CHANNELS; channel++) {
            dac->codes[channel] = code;
        }
        dac->known = 0xFFFFu;
    }
    return status;
}

fx_status ltc2668_confirm(ltc2668 *dac, hal *board) {
    if (!dac->pending) {
        return FX_OK;
    }
    fx_status status = send(dac, board, COMMAND_NONE, 0, 0);
    dac->pending = false;
    return status;
}

fx_status ltc2668_init(ltc2668 *dac, hal *board, unsigned chip, unsigned span, uint16_t code) {
    *dac = (ltc2668){.chip = chip};
    fx_status status = send(dac, board, COMMAND_SPAN_ALL, 0, (uint16_t)span);
    if (status == FX_OK) {
        status = ltc2668_write_all(dac, board, code);
    }
    if (status == FX_OK) {
        status = send(dac, board, COMMAND_UPDATE_ALL, 0, 0);
    }
    if (status == FX_OK) {
        status = ltc2668_monitor_off(dac, board);
    }
    return status;
}

static fx_status set_monitor(ltc2668 *dac, hal *board, unsigned selection) {
    fx_status status = send(dac, board, COMMAND_MONITOR, 0, (uint16_t)selection);
    return status == FX_OK ? ltc2668_confirm(dac, board) : status;
}

fx_status ltc2668_monitor_on(ltc2668 *dac, hal *board, unsigned channel) {
    return set_monitor(dac, board, MONITOR_ON | channel);
}

fx_status ltc2668_monitor_off(ltc2668 *dac, hal *board) {
    return set_monitor(dac, board, 0);
}
