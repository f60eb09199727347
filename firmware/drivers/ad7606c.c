/* AD7606C-16 registers, conversion frames and their CRCs.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "drivers/ad7606c.h"

enum {
    REGISTER_LEAVE = 0x00,
    REGISTER_RANGE = 0x03, /* two channels per register, one nibble each */
    REGISTER_DIGITAL_DIAGNOSTICS = 0x21,
    REGISTER_ID = 0x2F,
    READ_FLAG = 0x40,
    INTERFACE_CRC_ENABLE = 0x04,
    DEVICE_ID = 0x3, /* high nibble of the ID register */
    RANGE_UNKNOWN = 0xFF,
    FRAME_BYTES = 2 * AD7606C_CHANNELS,
};

static uint8_t crc8(const uint8_t *bytes, size_t size) {
    unsigned crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x80u) != 0 ? (crc << 1 ^ 0x07u) & 0xFFu : crc << 1;
        }
    }
    return (uint8_t)crc;
}

static uint16_t crc16(const uint8_t *bytes, size_t size) {
    unsigned crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned)bytes[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000u) != 0 ? (crc << 1 ^ 0x755Bu) & 0xFFFFu : crc << 1;
        }
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

static fx_status write_ranges(ad7606c *adc, hal *board, uint8_t range) {
    uint8_t entered = 0;
    adc->range = RANGE_UNKNOWN;
    fx_status status = read_register(adc, board, REGISTER_RANGE, &entered);
    for (unsigned pair = 0; pair < AD7606C_CHANNELS / 2 && status == FX_OK; pair++) {
        status = write_register(adc, board, (uint8_t)(REGISTER_RANGE + pair), (uint8_t)(range << 4 | range));
    }
    leave_register_mode(adc, board);
    if (status == FX_OK) {
        adc->range = range;
    }
    return status;
}

fx_status ad7606c_set_range(ad7606c *adc, hal *board, uint8_t range) {
    return adc->range == range ? FX_OK : write_ranges(adc, board, range);
}

fx_status ad7606c_init(ad7606c *adc, hal *board, unsigned chip, uint8_t range, uint8_t *seen) {
    uint32_t crc_errors = adc->crc_errors;
    *adc = (ad7606c){.chip = chip, .crc_errors = crc_errors};
    fx_status status = ad7606c_identify(adc, board, seen);
    if (status == FX_OK) {
        status = enable_crc(adc, board);
    }
    if (status == FX_OK) {
        status = write_ranges(adc, board, range);
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
