/* AD7606C-16 registers, conversion frames and their CRCs.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "drivers/ad7606c.h"

#include <string.h>

#include "gen/crc.h"

enum {
    REGISTER_LEAVE = 0x00,
    REGISTER_RANGE = 0x03, /* two channels per register, one nibble each, the even channel's below */
    REGISTER_DIGITAL_DIAGNOSTICS = 0x21,
    REGISTER_ID = 0x2F,
    READ_FLAG = 0x40,
    INTERFACE_CRC_ENABLE = 0x04,
    DEVICE_ID = 0x3, /* high nibble of the ID register */
    RANGE_UNKNOWN = 0xFF,
    FRAME_BYTES = 2 * AD7606C_CHANNELS,
};

static uint8_t crc8(const uint8_t *bytes, size_t size) {
    static const uint8_t REMAINDERS[] = FW_CRC8_NIBBLES;
    unsigned crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = (crc << 4 & 0xFFu) ^ REMAINDERS[crc >> 4];
        crc = (crc << 4 & 0xFFu) ^ REMAINDERS[crc >> 4];
    }
    return (uint8_t)crc;
}

static uint16_t crc16(const uint8_t *bytes, size_t size) {
    static const uint16_t REMAINDERS[] = FW_CRC16_NIBBLES;
    unsigned crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned)bytes[i] << 8;
        crc = (crc << 4 & 0xFFFFu) ^ REMAINDERS[crc >> 12];
        crc = (crc << 4 & 0xFFFFu) ^ REMAINDERS[crc >> 12];
    }
    return (uint16_t)crc;
}

static void exchange(const ad7606c *adc, hal *board, uint8_t address, uint8_t data, uint8_t rx[3]) {
    uint8_t tx[3] = {address, data, 0};
    tx[2] = crc8(tx, 2);
    hal_spi_transfer(board, adc->chip, tx, rx, adc->checked ? 3 : 2);
}

static fx_status read_register(ad7606c *adc, hal *board, uint8_t address, uint8_t *value) {
    for (int attempt = 0; attempt < 2; attempt++) {
        uint8_t rx[3] = {0};
        exchange(adc, board, (uint8_t)(READ_FLAG | address), 0, rx);
        exchange(adc, board, (uint8_t)(READ_FLAG | address), 0, rx);
        *value = rx[1];
        if (!adc->checked || crc8(rx, 2) == rx[2]) {
            return FX_OK;
        }
        adc->crc_errors++;
    }
    return FX_ERROR_ADC_CRC;
}

/* Write and read back; register mode must have been entered. */
static fx_status write_register(ad7606c *adc, hal *board, uint8_t address, uint8_t value) {
    for (int attempt = 0; attempt < 2; attempt++) {
        uint8_t rx[3];
        uint8_t present = 0;
        exchange(adc, board, address, value, rx);
        fx_status status = read_register(adc, board, address, &present);
        if (status != FX_OK || present == value) {
            return status;
        }
        adc->crc_errors++;
    }
    return FX_ERROR_ADC_CRC;
}

static void leave_register_mode(ad7606c *adc, hal *board) {
    uint8_t rx[3];
    exchange(adc, board, REGISTER_LEAVE, 0, rx);
}

fx_status ad7606c_identify(ad7606c *adc, hal *board, uint8_t *seen) {
    fx_status status = read_register(adc, board, REGISTER_ID, seen);
    if (status == FX_OK && *seen >> 4 != DEVICE_ID) {
        status = FX_ERROR_ADC_IDENTITY;
    }
    leave_register_mode(adc, board);
    return status;
}

static fx_status enable_crc(ad7606c *adc, hal *board) {
    uint8_t value = 0;
    uint8_t rx[3];
    read_register(adc, board, REGISTER_DIGITAL_DIAGNOSTICS, &value);
    value |= INTERFACE_CRC_ENABLE;
    exchange(adc, board, REGISTER_DIGITAL_DIAGNOSTICS, value, rx);
    adc->checked = true;
    uint8_t present = 0;
    fx_status status = read_register(adc, board, REGISTER_DIGITAL_DIAGNOSTICS, &present);
    return status == FX_OK && present != value ? FX_ERROR_ADC_CRC : status;
}

/* Bits of a pair's range register that belong to channels `first` to `end` - 1. */
static unsigned pair_mask(unsigned pair, unsigned first, unsigned end) {
    unsigned even = 2 * pair;
    return (first <= even && even < end ? 0x0Fu : 0u) | (first <= even + 1 && even + 1 < end ? 0xF0u : 0u);
}

/* What a pair's register is to hold; both halves are set when it is not known what the other one holds. */
static uint8_t wanted_ranges(const ad7606c *adc, unsigned pair, unsigned mask, uint8_t range) {
    unsigned held = adc->ranges[pair];
    if (mask != 0 && held == RANGE_UNKNOWN) {
        return (uint8_t)(range << 4 | range);
    }
    return (uint8_t)((held & ~mask) | ((unsigned)(range << 4 | range) & mask));
}

/* Register mode must have been entered. */
static fx_status set_pair(ad7606c *adc, hal *board, unsigned pair, uint8_t ranges) {
    adc->ranges[pair] = RANGE_UNKNOWN;
    fx_status status = write_register(adc, board, (uint8_t)(REGISTER_RANGE + pair), ranges);
    if (status == FX_OK) {
        adc->ranges[pair] = ranges;
    }
    return status;
}

fx_status ad7606c_set_range(ad7606c *adc, hal *board, unsigned first, unsigned count, uint8_t range) {
    bool entered = false;
    fx_status status = FX_OK;
    for (unsigned pair = 0; pair < AD7606C_CHANNELS / 2 && status == FX_OK; pair++) {
        uint8_t wanted = wanted_ranges(adc, pair, pair_mask(pair, first, first + count), range);
        if (wanted == adc->ranges[pair]) {
            continue;
        }
        if (!entered) {
            uint8_t present = 0;
            status = read_register(adc, board, REGISTER_RANGE, &present);
            entered = true;
        }
        if (status == FX_OK) {
            status = set_pair(adc, board, pair, wanted);
        }
    }
    if (entered) {
        leave_register_mode(adc, board);
    }
    return status;
}

fx_status ad7606c_init(ad7606c *adc, hal *board, unsigned chip, uint8_t range, uint8_t *seen) {
    uint32_t crc_errors = adc->crc_errors;
    *adc = (ad7606c){.chip = chip, .crc_errors = crc_errors};
    memset(adc->ranges, RANGE_UNKNOWN, sizeof adc->ranges);
    fx_status status = ad7606c_identify(adc, board, seen);
    if (status == FX_OK) {
        status = enable_crc(adc, board);
    }
    if (status == FX_OK) {
        status = ad7606c_set_range(adc, board, 0, AD7606C_CHANNELS, range);
    }
    return status;
}

fx_status ad7606c_read(ad7606c *adc, hal *board, int16_t samples[AD7606C_CHANNELS]) {
    static const uint8_t tx[FRAME_BYTES + 2] = {0};
    for (int attempt = 0; attempt < 2; attempt++) {
        uint8_t rx[FRAME_BYTES + 2] = {0};
        hal_spi_transfer(board, adc->chip, tx, rx, sizeof rx);
        if (crc16(rx, FRAME_BYTES) == (uint16_t)(rx[FRAME_BYTES] << 8 | rx[FRAME_BYTES + 1])) {
            for (unsigned channel = 0; channel < AD7606C_CHANNELS; channel++) {
                samples[channel] = (int16_t)(rx[2 * channel] << 8 | rx[2 * channel + 1]);
            }
            return FX_OK;
        }
        adc->crc_errors++;
    }
    return FX_ERROR_ADC_CRC;
}
