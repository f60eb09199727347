/* Chips for the firmware fuzzer: DACs that echo, ADCs with registers and CRCs, a clock; some transfers are damaged.
 * They check that no pulse exceeds the limits and count the pulses. */
#ifndef STUB_CHIPS_H
#define STUB_CHIPS_H

#include <string.h>

#include "check.h"
#include "gen/wiring.h"
#include "generator.h"
#include "port/host/port.h"

#define STUB_CHIPS FW_CHIP_SELECTS
#define STUB_ADCS (FW_CHIP_SELECTS - FW_COLUMN_ADC_FIRST_CHIP_SELECT)
#define STUB_WIDTH_SLACK 200u /* microseconds that the driver itself may take */

typedef struct {
    generator *random;
    unsigned damage; /* one transfer in so many is damaged, 0: none */
    uint32_t now;
    bool programming, applied;
    uint32_t applied_at, pulses;
    uint8_t previous[STUB_CHIPS][4];
    uint16_t inputs[FW_ROWS], outputs[FW_ROWS];
    uint8_t registers[STUB_ADCS][64];
    uint8_t answer[STUB_ADCS];
    bool register_mode[STUB_ADCS];
} stub_chips;

static uint16_t stub_crc(const uint8_t *bytes, size_t size, unsigned width, unsigned polynomial) {
    unsigned crc = 0, top = 1u << (width - 1), mask = (1u << width) - 1;
    for (size_t i = 0; i < 8 * size; i++) {
        unsigned bit = (unsigned)bytes[i / 8] >> (7 - i % 8) & 1u;
        crc = ((crc & top) != 0) != (bit != 0) ? (crc << 1 ^ polynomial) & mask : crc << 1 & mask;
    }
    return (uint16_t)crc;
}

static void stub_dac(stub_chips *chips, unsigned chip, const uint8_t *tx, uint8_t *rx, size_t size) {
    CHECK(size == 4 && tx[0] == 0);
    memcpy(rx, chips->previous[chip], 4);
    memcpy(chips->previous[chip], tx, 4);
    uint16_t code = (uint16_t)(tx[2] << 8 | tx[3]);
    if (chip >= FW_ROW_DAC_CHIPS) {
        return;
    }
    for (unsigned channel = 0; channel < FW_ROW_DAC_CHANNELS; channel++) {
        if (tx[1] >> 4 == 8 || (tx[1] >> 4 == 0 && channel == (tx[1] & 15u))) {
            chips->inputs[chip * FW_ROW_DAC_CHANNELS + channel] = code;
        }
    }
}

static void stub_registers(stub_chips *chips, unsigned adc, const uint8_t *tx, uint8_t *rx) {
    rx[0] = tx[0];
    rx[1] = chips->answer[adc];
    chips->register_mode[adc] = (tx[0] & 0x7F) != 0;
    if ((tx[0] & 0x40) != 0) {
        chips->answer[adc] = chips->registers[adc][tx[0] & 63];
    } else if (tx[0] != 0) {
        chips->registers[adc][tx[0] & 63] = tx[1];
    }
}

static void stub_adc(stub_chips *chips, unsigned adc, const uint8_t *tx, uint8_t *rx, size_t size) {
    if (size <= 3) {
        stub_registers(chips, adc, tx, rx);
        if (size == 3) {
            rx[2] = (uint8_t)stub_crc(rx, 2, 8, 0x07);
        }
        return;
    }
    CHECK(size == 18 && !chips->register_mode[adc]);
    for (size_t i = 0; i < 16; i++) {
        rx[i] = (uint8_t)next_random(chips->random);
    }
    uint16_t crc = stub_crc(rx, 16, 16, 0x755B);
    rx[16] = (uint8_t)(crc >> 8);
    rx[17] = (uint8_t)crc;
}

static void stub_transfer(void *user, unsigned chip, const uint8_t *tx, uint8_t *rx, size_t size) {
    stub_chips *chips = user;
    uint8_t unused[32];
    uint8_t *answer = rx != NULL ? rx : unused;
    CHECK(chip < STUB_CHIPS && size <= sizeof unused);
    chips->now += 1;
    if (chip < FW_COLUMN_ADC_FIRST_CHIP_SELECT) {
        stub_dac(chips, chip, tx, answer, size);
    } else {
        stub_adc(chips, chip - FW_COLUMN_ADC_FIRST_CHIP_SELECT, tx, answer, size);
    }
    if (chips->damage != 0 && below(chips->random, chips->damage) == 0) {
        answer[below(chips->random, size)] ^= 0x20;
    }
}

/* The outputs or the range switch have changed: a pulse may have begun or ended. */
static void stub_follow(stub_chips *chips) {
    bool applied = false;
    for (unsigned row = 0; row < FW_ROWS && chips->programming; row++) {
        int millivolts = (chips->outputs[row] - FW_ROW_DAC_ZERO_CODE) * FW_ROW_DAC_SPAN_MILLIVOLTS / 65536;
        CHECK(millivolts <= FW_LIMIT_ROW_MILLIVOLTS && millivolts >= -FW_LIMIT_ROW_MILLIVOLTS);
        applied = applied || millivolts != 0;
    }
    if (applied && !chips->applied) {
        chips->applied_at = chips->now;
    }
    if (!applied && chips->applied) {
        chips->pulses++;
        CHECK(chips->now - chips->applied_at <= FW_LIMIT_PULSE_MICROSECONDS + STUB_WIDTH_SLACK);
    }
    chips->applied = applied;
}

static void stub_pin_write(void *user, unsigned pin, bool high) {
    stub_chips *chips = user;
    if (pin == FW_PIN_RANGE_SWITCH) {
        chips->programming = high;
    }
    if (pin == FW_PIN_LOAD_DAC && !high) {
        memcpy(chips->outputs, chips->inputs, sizeof chips->outputs);
    }
    if (pin == FW_PIN_RANGE_SWITCH || pin == FW_PIN_LOAD_DAC) {
        stub_follow(chips);
    }
}

static bool stub_pin_read(void *user, unsigned pin) {
    (void)user;
    (void)pin;
    return false;
}

static uint32_t stub_microseconds(void *user) {
    return ((stub_chips *)user)->now;
}

static void stub_delay(void *user, uint32_t microseconds) {
    ((stub_chips *)user)->now += microseconds;
}

static void stub_connect(stub_chips *chips, hal *port, generator *random) {
    *chips = (stub_chips){.random = random};
    for (unsigned row = 0; row < FW_ROWS; row++) {
        chips->inputs[row] = chips->outputs[row] = FW_ROW_DAC_ZERO_CODE;
    }
    for (unsigned adc = 0; adc < STUB_ADCS; adc++) {
        chips->registers[adc][0x2F] = 0x31;
    }
    port->user = chips;
    port->spi_transfer = stub_transfer;
    port->pin_write = stub_pin_write;
    port->pin_read = stub_pin_read;
    port->microseconds = stub_microseconds;
    port->delay = stub_delay;
}

#endif
