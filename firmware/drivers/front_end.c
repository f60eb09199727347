/* Sequences of DAC frames, LDAC, CONVST and switches that read or pulse the array.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "drivers/front_end.h"

_Static_assert(FW_ROW_DAC_CHANNELS == LTC2668_CHANNELS && FW_GATE_DAC_CHANNELS == LTC2668_CHANNELS, "DAC wiring");
_Static_assert(FW_COLUMN_ADC_CHANNELS == AD7606C_CHANNELS, "ADC wiring");
_Static_assert(FW_ROW_DAC_CHIPS *FW_ROW_DAC_CHANNELS == FW_ROWS, "every row has a DAC channel");
_Static_assert(FW_GATE_DAC_CHIPS *FW_GATE_DAC_CHANNELS == FW_COLUMNS, "every column has a gate");
_Static_assert(FW_COLUMN_ADC_CHIPS *FW_COLUMN_ADC_CHANNELS == FW_COLUMNS, "every column has an ADC channel");

enum {
    GATE_OPEN = 65535,
    BUSY_LIMIT_MICROSECONDS = 100, /* the chip needs about 1 us */
};

typedef struct {
    uint8_t adc_range;
    uint8_t gain_switch;
    uint8_t unit_shift;
} range_settings;

#define RANGE_ROW(range, adc_code, gain, shift) {adc_code, gain, shift},
static const range_settings RANGES[] = {FW_RANGES(RANGE_ROW)};
_Static_assert(sizeof RANGES / sizeof RANGES[0] == FW_RANGE_COUNT, "one row per range");

unsigned front_end_unit_shift(unsigned range) {
    return RANGES[range].unit_shift;
}

uint32_t front_end_adc_crc_errors(const front_end *front) {
    uint32_t errors = 0;
    for (unsigned chip = 0; chip < FW_COLUMN_ADC_CHIPS; chip++) {
        errors += front->columns[chip].crc_errors;
    }
    return errors;
}

/* Later failures are often the consequence of the first. */
static void note_failure(front_end *front, unsigned chip) {
    if (front->failed_chip == FRONT_END_NO_CHIP) {
        front->failed_chip = (int32_t)chip;
    }
}

static fx_status dac_result(front_end *front, const ltc2668 *dac, fx_status status) {
    if (status != FX_OK) {
        front->dac_echo_errors++;
        front->gates_open = false;
        note_failure(front, dac->chip);
    }
    return status;
}

static fx_status adc_result(front_end *front, const ad7606c *adc, fx_status status) {
    if (status != FX_OK) {
        note_failure(front, adc->chip);
    }
    return status;
}

static ltc2668 *dac_at(front_end *front, unsigned index) {
    return index < FW_ROW_DAC_CHIPS ? &front->rows[index] : &front->gates[index - FW_ROW_DAC_CHIPS];
}

/* Move all input registers to the outputs, once every frame is proved. */
static fx_status update_outputs(front_end *front) {
    for (unsigned chip = 0; chip < FW_ROW_DAC_CHIPS + FW_GATE_DAC_CHIPS; chip++) {
        ltc2668 *dac = dac_at(front, chip);
        fx_status status = dac_result(front, dac, ltc2668_confirm(dac, front->board));
        if (status != FX_OK) {
            return status;
        }
    }
    hal_pin_write(front->board, FW_PIN_LOAD_DAC, false);
    hal_pin_write(front->board, FW_PIN_LOAD_DAC, true);
    return FX_OK;
}

static fx_status write_row(front_end *front, unsigned row, uint16_t code) {
    ltc2668 *dac = &front->rows[row / LTC2668_CHANNELS];
    return dac_result(front, dac, ltc2668_write(dac, front->board, row % LTC2668_CHANNELS, code));
}

static fx_status write_gate(front_end *front, unsigned column, uint16_t code) {
    ltc2668 *dac = &front->gates[column / LTC2668_CHANNELS];
    return dac_result(front, dac, ltc2668_write(dac, front->board, column % LTC2668_CHANNELS, code));
}

static fx_status init_dacs(front_end *front) {
    fx_status first = FX_OK;
    for (unsigned chip = 0; chip < FW_ROW_DAC_CHIPS + FW_GATE_DAC_CHIPS; chip++) {
        ltc2668 *dac = dac_at(front, chip);
        bool row = chip < FW_ROW_DAC_CHIPS;
        unsigned select =
            row ? FW_ROW_DAC_FIRST_CHIP_SELECT + chip : FW_GATE_DAC_FIRST_CHIP_SELECT + (chip - FW_ROW_DAC_CHIPS);
        fx_status status = ltc2668_init(dac, front->board, select, row ? FW_ROW_DAC_SPAN : FW_GATE_DAC_SPAN,
                                        row ? FW_ROW_DAC_ZERO_CODE : FW_GATE_DAC_ZERO_CODE);
        if (dac_result(front, dac, status) != FX_OK && first == FX_OK) {
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
    return adc_result(front, adc, status);
}

static fx_status init_adcs(front_end *front) {
    hal_pin_write(front->board, FW_PIN_CONVERT, true);
    hal_pin_write(front->board, FW_PIN_ADC_RESET, true);
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

fx_status front_end_init(front_end *front, hal *board) {
    front->board = board;
    front->ready = false;
    front->failed_chip = FRONT_END_NO_CHIP;
    hal_pin_write(board, FW_PIN_RANGE_SWITCH, false); /* ends a pulse that a reset has cut into */
    hal_pin_write(board, FW_PIN_LOAD_DAC, true);
    fx_status status = init_dacs(front);
    hal_pin_write(board, FW_PIN_GAIN_SWITCH, false);
    fx_status adcs = init_adcs(front);
    if (status == FX_OK) {
        status = adcs;
    }
    front->gates_open = false;
    front->ready = status == FX_OK;
    front->driven = !front->ready;
    return status;
}

static fx_status make_ready(front_end *front) {
    return front->ready ? FX_OK : front_end_init(front, front->board);
}

fx_status front_end_rest(front_end *front) {
    fx_status first = FX_OK;
    front->gates_open = false;
    for (unsigned chip = 0; chip < FW_ROW_DAC_CHIPS + FW_GATE_DAC_CHIPS; chip++) {
        ltc2668 *dac = dac_at(front, chip);
        uint16_t zero = chip < FW_ROW_DAC_CHIPS ? FW_ROW_DAC_ZERO_CODE : FW_GATE_DAC_ZERO_CODE;
        fx_status status = ltc2668_write_all(dac, front->board, zero);
        if (status != FX_OK) { /* the frame before it was damaged, perhaps this one was not */
            status = ltc2668_write_all(dac, front->board, zero);
        }
        if (dac_result(front, dac, status) != FX_OK && first == FX_OK) {
            first = status;
        }
    }
    fx_status status = update_outputs(front);
    if (status != FX_OK) { /* 0 V everywhere but on the chip that fails is safer than what stands */
        hal_pin_write(front->board, FW_PIN_LOAD_DAC, false);
        hal_pin_write(front->board, FW_PIN_LOAD_DAC, true);
    }
    if (first == FX_OK) {
        first = status;
    }
    hal_pin_write(front->board, FW_PIN_RANGE_SWITCH, false);
    front->ready = front->ready && first == FX_OK;
    front->driven = first != FX_OK;
    return first;
}

static fx_status set_range(front_end *front, unsigned range) {
    hal_pin_write(front->board, FW_PIN_GAIN_SWITCH, RANGES[range].gain_switch != 0);
    for (unsigned chip = 0; chip < FW_COLUMN_ADC_CHIPS; chip++) {
        ad7606c *adc = &front->columns[chip];
        fx_status status = adc_result(front, adc, ad7606c_set_range(adc, front->board, RANGES[range].adc_range));
        if (status != FX_OK) {
            return status;
        }
    }
    return FX_OK;
}

static fx_status open_gates(front_end *front) {
    fx_status status = FX_OK;
    for (unsigned chip = 0; chip < FW_GATE_DAC_CHIPS && status == FX_OK; chip++) {
        ltc2668 *dac = &front->gates[chip];
        status = dac_result(front, dac, ltc2668_write_all(dac, front->board, GATE_OPEN));
    }
    front->gates_open = status == FX_OK;
    return status;
}

static fx_status drive_rows(front_end *front, const int16_t rows[FW_ROWS]) {
    fx_status status = FX_OK;
    front->driven = true;
    if (!front->gates_open) {
        status = open_gates(front);
    }
    for (unsigned row = 0; row < FW_ROWS && status == FX_OK; row++) {
        status = write_row(front, row, (uint16_t)(FW_ROW_DAC_ZERO_CODE + rows[row]));
    }
    return status == FX_OK ? update_outputs(front) : status;
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

static fx_status convert_once(front_end *front, int32_t sums[FW_COLUMNS]) {
    hal_pin_write(front->board, FW_PIN_CONVERT, false);
    hal_delay_microseconds(front->board, 1);
    hal_pin_write(front->board, FW_PIN_CONVERT, true);
    fx_status status = wait_until_converted(front);
    front->conversions++;
    for (unsigned chip = 0; chip < FW_COLUMN_ADC_CHIPS && status == FX_OK; chip++) {
        ad7606c *adc = &front->columns[chip];
        int16_t samples[AD7606C_CHANNELS] = {0};
        status = adc_result(front, adc, ad7606c_read(adc, front->board, samples));
        for (unsigned channel = 0; channel < AD7606C_CHANNELS; channel++) {
            sums[chip * AD7606C_CHANNELS + channel] += samples[channel];
        }
    }
    return status;
}

fx_status front_end_convert(front_end *front, unsigned range, unsigned log2_reads, const int16_t rows[FW_ROWS],
                            int16_t columns[FW_COLUMNS]) {
    int32_t sums[FW_COLUMNS] = {0};
    front->failed_chip = FRONT_END_NO_CHIP;
    fx_status status = make_ready(front);
    if (status == FX_OK) {
        status = set_range(front, range);
    }
    if (status == FX_OK) {
        status = drive_rows(front, rows);
    }
    hal_delay_microseconds(front->board, FW_SETTLING_READ_MICROSECONDS);
    for (uint32_t i = 0; i < 1u << log2_reads && status == FX_OK; i++) {
        status = convert_once(front, sums);
    }
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        columns[column] = (int16_t)((sums[column] + (1 << log2_reads >> 1)) >> log2_reads);
    }
    hal_watchdog_kick(front->board);
    if (status != FX_OK) {
        front_end_rest(front);
    }
    return status;
}

/* Rounded towards 0 V, so that a limit is never exceeded. */
static uint16_t programming_code(int millivolts) {
    return (uint16_t)(FW_ROW_DAC_ZERO_CODE + millivolts * 65536 / FW_ROW_DAC_SPAN_MILLIVOLTS);
}

static fx_status prepare_pulse(front_end *front, const uint16_t gates[FW_COLUMNS]) {
    fx_status status = front->driven ? front_end_rest(front) : FX_OK;
    for (unsigned column = 0; column < FW_COLUMNS && status == FX_OK; column++) {
        status = write_gate(front, column, gates[column]);
    }
    if (status == FX_OK) {
        status = update_outputs(front);
    }
    hal_pin_write(front->board, FW_PIN_RANGE_SWITCH, true);
    hal_delay_microseconds(front->board, FW_SETTLING_PROGRAM_MICROSECONDS);
    return status;
}

/* Put 0 V into the input register of a pulsed row, proved, so that the next LDAC ends the pulse. */
static fx_status stage_end(front_end *front, unsigned row) {
    ltc2668 *dac = &front->rows[row / LTC2668_CHANNELS];
    fx_status status = write_row(front, row, FW_ROW_DAC_ZERO_CODE);
    if (status == FX_OK) {
        status = dac_result(front, dac, ltc2668_confirm(dac, front->board));
    }
    if (status != FX_OK) { /* once more, by the frame that reaches every channel */
        ltc2668_write_all(dac, front->board, FW_ROW_DAC_ZERO_CODE);
    }
    return status;
}

/* LDAC starts the pulse; 0 V then waits in the input register, so that one more LDAC ends it at its time. */
static fx_status shoot(front_end *front, unsigned row, uint32_t microseconds) {
    fx_status status = update_outputs(front);
    if (status != FX_OK) {
        return status;
    }
    uint32_t start = hal_microseconds(front->board);
    front->pulses++;
    status = stage_end(front, row);
    uint32_t spent = hal_microseconds(front->board) - start;
    if (spent < microseconds) {
        hal_delay_microseconds(front->board, microseconds - spent);
    }
    hal_pin_write(front->board, FW_PIN_LOAD_DAC, false);
    hal_pin_write(front->board, FW_PIN_LOAD_DAC, true);
    return status;
}

fx_status front_end_pulse(front_end *front, unsigned row, int millivolts, uint32_t microseconds,
                          const uint16_t gates[FW_COLUMNS]) {
    front->failed_chip = FRONT_END_NO_CHIP;
    fx_status status = make_ready(front);
    if (status != FX_OK) {
        return status;
    }
    status = prepare_pulse(front, gates);
    front->driven = true;
    if (status == FX_OK) {
        status = write_row(front, row, programming_code(millivolts));
    }
    if (status == FX_OK) {
        status = shoot(front, row, microseconds);
    }
    fx_status rest = front_end_rest(front);
    return status == FX_OK ? rest : status;
}

void front_end_count_clipped(front_end *front, const int16_t *codes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        front->adc_clipped += codes[i] == INT16_MAX || codes[i] == INT16_MIN;
    }
}

static fw_chip_result test_dac(front_end *front, unsigned chip) {
    bool row = chip < FW_ROW_DAC_CHIPS;
    ltc2668 *dac = dac_at(front, chip);
    fx_status status = ltc2668_write_all(dac, front->board, row ? FW_ROW_DAC_ZERO_CODE : FW_GATE_DAC_ZERO_CODE);
    if (status == FX_OK) {
        status = ltc2668_confirm(dac, front->board);
    }
    return (fw_chip_result){
        .kind = row ? FW_SELFTEST_ROW_DAC : FW_SELFTEST_GATE_DAC,
        .index = (uint8_t)(row ? chip : chip - FW_ROW_DAC_CHIPS),
        .status = (uint16_t)dac_result(front, dac, status),
    };
}

static fw_chip_result test_adc(front_end *front, unsigned chip) {
    uint8_t seen = 0;
    ad7606c *adc = &front->columns[chip];
    fx_status status = ad7606c_identify(adc, front->board, &seen);
    return (fw_chip_result){
        .kind = FW_SELFTEST_COLUMN_ADC, .index = (uint8_t)chip, .status = (uint16_t)status, .detail = seen};
}

fw_chip_result front_end_selftest(front_end *front, unsigned chip) {
    unsigned dacs = FW_ROW_DAC_CHIPS + FW_GATE_DAC_CHIPS;
    return chip < dacs ? test_dac(front, chip) : test_adc(front, chip - dacs);
}
