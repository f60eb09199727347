/* Chips asked, outputs measured through the monitor net, amplifiers through the calibration bus.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "drivers/selftest.h"

#include "drivers/chips.h"

_Static_assert(FW_MONITOR_ADC_CHIP_SELECT == CHIPS_DACS + FW_COLUMN_ADC_CHIPS, "the monitor's ADC comes last");
_Static_assert(FW_MONITOR_ADC_CHIP_SELECT + 1 == FW_CHIP_SELECTS, "the monitor's ADC comes last");

static fx_status start_monitor(front_end *front, uint8_t *seen) {
    if (front->monitor_ready) {
        return FX_OK;
    }
    fx_status status =
        ad7606c_init(&front->monitor, front->board, FW_MONITOR_ADC_CHIP_SELECT, FW_MONITOR_ADC_RANGE, seen);
    front->monitor_ready = status == FX_OK;
    return chips_adc_result(front, &front->monitor, status);
}

static fw_chip_result test_dac(front_end *front, unsigned chip) {
    bool row = chip < FW_ROW_DAC_CHIPS;
    ltc2668 *dac = chips_dac(front, chip);
    fx_status status = ltc2668_write_all(dac, front->board, chips_zero_code(chip));
    if (status == FX_OK) {
        status = ltc2668_confirm(dac, front->board);
    }
    return (fw_chip_result){
        .kind = row ? FW_SELFTEST_ROW_DAC : FW_SELFTEST_GATE_DAC,
        .index = (uint8_t)(row ? chip : chip - FW_ROW_DAC_CHIPS),
        .status = (uint16_t)chips_dac_result(front, dac, status),
    };
}

/* A conversion at rest, for the CRC of its frame. */
static fx_status test_frame(front_end *front, ad7606c *adc) {
    int16_t samples[AD7606C_CHANNELS];
    hal_delay_microseconds(front->board, FW_SETTLING_READ_MICROSECONDS);
    fx_status status = chips_convert(front);
    return status == FX_OK ? ad7606c_read(adc, front->board, samples) : status;
}

static fw_chip_result test_adc(front_end *front, ad7606c *adc, unsigned index) {
    uint8_t seen = 0;
    bool monitor = adc == &front->monitor;
    fx_status status = monitor ? start_monitor(front, &seen) : FX_OK;
    if (status == FX_OK) {
        status = ad7606c_identify(adc, front->board, &seen);
    }
    if (status == FX_OK) {
        status = test_frame(front, adc);
    }
    chips_adc_result(front, adc, status);
    return (fw_chip_result){.kind = monitor ? FW_SELFTEST_MONITOR_ADC : FW_SELFTEST_COLUMN_ADC,
                            .index = (uint8_t)index,
                            .status = (uint16_t)status,
                            .detail = seen};
}

fw_chip_result selftest_chip(front_end *front, unsigned chip) {
    if (chip < CHIPS_DACS) {
        return test_dac(front, chip);
    }
    unsigned index = chip - CHIPS_DACS;
    return index < FW_COLUMN_ADC_CHIPS ? test_adc(front, &front->columns[index], index)
                                       : test_adc(front, &front->monitor, 0);
}

/* All chips up and at rest, so that gates are closed before anything is looked at. */
static fx_status begin(front_end *front) {
    uint8_t seen = 0;
    front->failed_chip = FRONT_END_NO_CHIP;
    fx_status status = front_end_make_ready(front);
    if (status == FX_OK) {
        status = front_end_rest(front);
    }
    if (status == FX_OK) {
        status = start_monitor(front, &seen);
    }
    front->driven = true;
    return status;
}

/* A monitor output that stays on would meet the next one on the net, so a chip that does not obey is brought up anew. */
static fx_status end(front_end *front, ltc2668 *dac, fx_status status) {
    hal_pin_write(front->board, FW_PIN_CALIBRATE, false);
    fx_status off = chips_dac_result(front, dac, ltc2668_monitor_off(dac, front->board));
    if (off != FX_OK) { /* the frame before it was damaged, perhaps this one was not */
        chips_dac_result(front, dac, ltc2668_monitor_off(dac, front->board));
    }
    fx_status rest = front_end_rest(front);
    hal_watchdog_kick(front->board);
    return status != FX_OK ? status : off != FX_OK ? off : rest;
}

static fx_status look_at(front_end *front, ltc2668 *dac, unsigned channel) {
    fx_status status = chips_dac_result(front, dac, ltc2668_monitor_on(dac, front->board, channel));
    hal_delay_microseconds(front->board, FW_SETTLING_READ_MICROSECONDS);
    return status;
}

/* Convert, and add what the monitor's ADC measures to `sums`. */
static fx_status convert_monitor(front_end *front, int32_t sums[AD7606C_CHANNELS]) {
    int16_t samples[AD7606C_CHANNELS] = {0};
    fx_status status = chips_convert(front);
    if (status == FX_OK) {
        status = chips_adc_result(front, &front->monitor, ad7606c_read(&front->monitor, front->board, samples));
    }
    for (unsigned channel = 0; channel < AD7606C_CHANNELS; channel++) {
        sums[channel] += samples[channel];
    }
    return status;
}

static fx_status measure_output(front_end *front, ltc2668 *dac, unsigned channel, unsigned log2_reads,
                                int16_t *measured) {
    int32_t sums[AD7606C_CHANNELS] = {0};
    fx_status status = look_at(front, dac, channel);
    for (uint32_t i = 0; i < 1u << log2_reads && status == FX_OK; i++) {
        status = convert_monitor(front, sums);
    }
    *measured = chips_mean(sums[FW_MONITOR_NET_CHANNEL], log2_reads);
    return status;
}

fx_status selftest_outputs(front_end *front, unsigned chip, unsigned log2_reads, const uint16_t codes[LTC2668_CHANNELS],
                           int16_t measured[LTC2668_CHANNELS]) {
    ltc2668 *dac = chips_dac(front, chip);
    fx_status status = begin(front);
    if (status == FX_OK) {
        status = chips_write_codes(front, chip, codes);
    }
    if (status == FX_OK) {
        status = chips_update_outputs(front);
    }
    for (unsigned channel = 0; channel < LTC2668_CHANNELS && status == FX_OK; channel++) {
        status = measure_output(front, dac, channel, log2_reads, &measured[channel]);
    }
    return end(front, dac, status);
}

static fx_status measure_current(front_end *front, unsigned log2_reads, selftest_current *result) {
    int32_t sums[FW_COLUMNS] = {0};
    int32_t monitor[AD7606C_CHANNELS] = {0};
    fx_status status = FX_OK;
    for (uint32_t i = 0; i < 1u << log2_reads && status == FX_OK; i++) {
        status = convert_monitor(front, monitor);
        if (status == FX_OK) {
            status = chips_read_columns(front, 0, FW_COLUMNS, sums);
        }
    }
    result->net = chips_mean(monitor[FW_MONITOR_NET_CHANNEL], log2_reads);
    result->bus = chips_mean(monitor[FW_MONITOR_BUS_CHANNEL], log2_reads);
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        result->columns[column] = chips_mean(sums[column], log2_reads);
    }
    return status;
}

fx_status selftest_amplifiers(front_end *front, unsigned row, int16_t code, unsigned range, unsigned log2_reads,
                              selftest_current *result) {
    ltc2668 *dac = &front->rows[row / LTC2668_CHANNELS];
    fx_status status = begin(front);
    if (status == FX_OK) {
        status = chips_set_range(front, range, 0, FW_COLUMNS);
    }
    if (status == FX_OK) {
        status = chips_write_row(front, row, (uint16_t)(FW_ROW_DAC_ZERO_CODE + code));
    }
    if (status == FX_OK) {
        status = chips_update_outputs(front);
    }
    if (status == FX_OK) {
        hal_pin_write(front->board, FW_PIN_CALIBRATE, true);
        status = look_at(front, dac, row % LTC2668_CHANNELS);
    }
    if (status == FX_OK) {
        status = measure_current(front, log2_reads, result);
    }
    return end(front, dac, status);
}
