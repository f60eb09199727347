/* All converters of the board behind their chip selects.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "drivers/chips.h"

_Static_assert(FW_ROW_DAC_CHANNELS == LTC2668_CHANNELS && FW_GATE_DAC_CHANNELS == LTC2668_CHANNELS, "DAC wiring");
_Static_assert(FW_COLUMN_ADC_CHANNELS == AD7606C_CHANNELS, "ADC wiring");
_Static_assert(FW_ROW_DAC_CHIPS *FW_ROW_DAC_CHANNELS == FW_ROWS, "every row has a DAC channel");
_Static_assert(FW_GATE_DAC_CHIPS *FW_GATE_DAC_CHANNELS == FW_COLUMNS, "every column has a gate");
_Static_assert(FW_COLUMN_ADC_CHIPS *FW_COLUMN_ADC_CHANNELS == FW_COLUMNS, "every column has an ADC channel");
_Static_assert(FW_ROW_DAC_FIRST_CHIP_SELECT == 0 && FW_GATE_DAC_FIRST_CHIP_SELECT == FW_ROW_DAC_CHIPS &&
                   FW_COLUMN_ADC_FIRST_CHIP_SELECT == CHIPS_DACS,
               "DACs come first at the chip selects, rows before gates");

enum { BUSY_LIMIT_MICROSECONDS = 100 /* the chip needs about 1 us */ };

typedef struct {
    uint8_t adc_range;
    bool gain_switch;
} range_settings;

#define RANGE_ROW(range, adc_code, gain, shift) {adc_code, gain},
static const range_settings RANGES[] = {FW_RANGES(RANGE_ROW)};
_Static_assert(sizeof RANGES / sizeof RANGES[0] == FW_RANGE_COUNT, "one row per range");

/* A chip that fails may have lost its registers. Later failures are often the consequence of the first. */
static void note_failure(front_end *front, unsigned chip) {
    front->ready = false;
    if (front->failed_chip == FRONT_END_NO_CHIP) {
        front->failed_chip = (int32_t)chip;
    }
}

fx_status chips_dac_result(front_end *front, const ltc2668 *dac, fx_status status) {
    if (status != FX_OK) {
        front->dac_echo_errors++;
        front->gates_open = false;
        note_failure(front, dac->chip);
    }
    return status;
}

fx_status chips_adc_result(front_end *front, const ad7606c *adc, fx_status status) {
    if (status != FX_OK) {
        note_failure(front, adc->chip);
    }
    return status;
}

uint16_t chips_zero_code(unsigned dac) {
    return dac < FW_ROW_DAC_CHIPS ? FW_ROW_DAC_ZERO_CODE : FW_GATE_DAC_ZERO_CODE;
}

ltc2668 *chips_dac(front_end *front, unsigned index) {
    return index < FW_ROW_DAC_CHIPS ? &front->rows[index] : &front->gates[index - FW_ROW_DAC_CHIPS];
}

fx_status chips_update_outputs(front_end *front) {
    for (unsigned chip = 0; chip < CHIPS_DACS; chip++) {
        ltc2668 *dac = chips_dac(front, chip);
        fx_status status = chips_dac_result(front, dac, ltc2668_confirm(dac, front->board));
        if (status != FX_OK) {
            return status;
        }
    }
    hal_pin_write(front->board, FW_PIN_LOAD_DAC, false);
    hal_pin_write(front->board, FW_PIN_LOAD_DAC, true);
    return FX_OK;
}

fx_status chips_write_row(front_end *front, unsigned row, uint16_t code) {
    ltc2668 *dac = &front->rows[row / LTC2668_CHANNELS];
    return chips_dac_result(front, dac, ltc2668_write(dac, front->board, row % LTC2668_CHANNELS, code));
}

fx_status chips_write_codes(front_end *front, unsigned dac, const uint16_t codes[LTC2668_CHANNELS]) {
    ltc2668 *chip = chips_dac(front, dac);
    return chips_dac_result(front, chip, ltc2668_write_codes(chip, front->board, codes));
}

fx_status chips_init_dacs(front_end *front) {
    fx_status first = FX_OK;
    for (unsigned chip = 0; chip < CHIPS_DACS; chip++) {
        ltc2668 *dac = chips_dac(front, chip);
        unsigned span = chip < FW_ROW_DAC_CHIPS ? FW_ROW_DAC_SPAN : FW_GATE_DAC_SPAN;
        fx_status status = ltc2668_init(dac, front->board, chip, span, chips_zero_code(chip));
        if (chips_dac_result(front, dac, status) != FX_OK && first == FX_OK) {
            first = status;
        }
    }
    return first;
}

static fx_status init_adc(front_end *front, unsigned chip) {
    uint8_t seen = 0;
    ad7606c *adc = &front->columns[chip];
    fx_status status =
        ad7606c_init(adc, front->board, FW_COLUMN_ADC_FIRST_CHIP_SELECT + chip, RANGES[0].adc_range, &seen);
    return chips_adc_result(front, adc, status);
}

fx_status chips_init_adcs(front_end *front) {
    hal_pin_write(front->board, FW_PIN_CONVERT, true);
    hal_pin_write(front->board, FW_PIN_ADC_RESET, true);
    front->monitor_ready = false;
    hal_delay_microseconds(front->board, 3);
    hal_pin_write(front->board, FW_PIN_ADC_RESET, false);
    hal_delay_microseconds(front->board, 300); /* after a full reset the chip loads its calibration */
    fx_status first = FX_OK;
    for (unsigned chip = 0; chip < FW_COLUMN_ADC_CHIPS; chip++) {
        fx_status status = init_adc(front, chip);
        if (first == FX_OK) {
            first = status;
        }
    }
    return first;
}

/* The channels of an ADC that belong to columns `first` to `first` + `count` - 1. */
typedef struct {
    unsigned first, count;
} channels;

static channels channels_of(unsigned chip, unsigned first, unsigned count) {
    unsigned base = chip * AD7606C_CHANNELS;
    unsigned from = first > base ? first - base : 0;
    unsigned end = first + count - base < AD7606C_CHANNELS ? first + count - base : AD7606C_CHANNELS;
    return (channels){from, end - from};
}

fx_status chips_set_range(front_end *front, unsigned range, unsigned first, unsigned count) {
    fx_status status = FX_OK;
    hal_pin_write(front->board, FW_PIN_GAIN_SWITCH, RANGES[range].gain_switch);
    for (unsigned chip = first / AD7606C_CHANNELS; chip * AD7606C_CHANNELS < first + count && status == FX_OK; chip++) {
        ad7606c *adc = &front->columns[chip];
        channels own = channels_of(chip, first, count);
        status = ad7606c_set_range(adc, front->board, own.first, own.count, RANGES[range].adc_range);
        chips_adc_result(front, adc, status);
    }
    return status;
}

static fx_status wait_until_converted(front_end *front) {
    uint32_t start = hal_microseconds(front->board);
    while (hal_pin_read(front->board, FW_PIN_BUSY)) {
        if (hal_microseconds(front->board) - start > BUSY_LIMIT_MICROSECONDS) {
            return FX_ERROR_ADC_BUSY;
        }
        hal_delay_microseconds(front->board, 1);
    }
    return FX_OK;
}

fx_status chips_convert(front_end *front) {
    hal_pin_write(front->board, FW_PIN_CONVERT, false);
    hal_delay_microseconds(front->board, 1);
    hal_pin_write(front->board, FW_PIN_CONVERT, true);
    front->conversions++;
    fx_status status = wait_until_converted(front);
    front->ready = front->ready && status == FX_OK; /* a reset may free the chip that holds the line */
    return status;
}

fx_status chips_read_columns(front_end *front, unsigned first, unsigned count, int32_t sums[]) {
    fx_status status = FX_OK;
    for (unsigned chip = first / AD7606C_CHANNELS; chip * AD7606C_CHANNELS < first + count && status == FX_OK; chip++) {
        ad7606c *adc = &front->columns[chip];
        channels own = channels_of(chip, first, count);
        int16_t samples[AD7606C_CHANNELS] = {0};
        status = chips_adc_result(front, adc, ad7606c_read(adc, front->board, samples));
        for (unsigned i = own.first; i < own.first + own.count; i++) {
            sums[chip * AD7606C_CHANNELS + i - first] += samples[i];
        }
    }
    return status;
}

int16_t chips_mean(int32_t sum, unsigned log2_reads) {
    return (int16_t)((sum + (1 << log2_reads >> 1)) >> log2_reads);
}
