/* Sequences of DAC frames, LDAC, CONVST and switches that read or pulse the array.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "drivers/front_end.h"

#include "drivers/chips.h"

enum { GATE_OPEN = 65535 };

unsigned front_end_unit_shift(unsigned range) {
#define SHIFT(range, adc_code, gain, shift) shift,
    static const uint8_t SHIFTS[] = {FW_RANGES(SHIFT)};
    return SHIFTS[range];
}

uint32_t front_end_adc_crc_errors(const front_end *front) {
    uint32_t errors = 0;
    for (unsigned chip = 0; chip < FW_COLUMN_ADC_CHIPS; chip++) {
        errors += front->columns[chip].crc_errors;
    }
    return errors + front->monitor.crc_errors;
}

fx_status front_end_init(front_end *front, hal *board) {
    front->board = board;
    front->ready = false;
    front->failed_chip = FRONT_END_NO_CHIP;
    hal_pin_write(board, FW_PIN_RANGE_SWITCH, false); /* ends a pulse that a reset has cut into */
    hal_pin_write(board, FW_PIN_LOAD_DAC, true);
    fx_status status = chips_init_dacs(front);
    hal_pin_write(board, FW_PIN_GAIN_SWITCH, false);
    fx_status adcs = chips_init_adcs(front);
    if (status == FX_OK) {
        status = adcs;
    }
    front->gates_open = false;
    front->ready = status == FX_OK;
    front->driven = !front->ready;
    return status;
}

fx_status front_end_make_ready(front_end *front) {
    return front->ready ? FX_OK : front_end_init(front, front->board);
}

fx_status front_end_rest(front_end *front) {
    fx_status first = FX_OK;
    front->gates_open = false;
    hal_pin_write(front->board, FW_PIN_RANGE_SWITCH, false); /* first, so that no code can pulse a cell */
    for (unsigned chip = 0; chip < CHIPS_DACS; chip++) {
        ltc2668 *dac = chips_dac(front, chip);
        uint16_t zero = chips_zero_code(chip);
        fx_status status = chips_dac_result(front, dac, ltc2668_write_all(dac, front->board, zero));
        if (status != FX_OK) { /* the frame before it was damaged, perhaps this one was not */
            chips_dac_result(front, dac, ltc2668_write_all(dac, front->board, zero));
        }
        if (first == FX_OK) {
            first = status;
        }
    }
    fx_status status = chips_update_outputs(front);
    if (status != FX_OK) { /* 0 V everywhere but on the chip that fails is safer than what stands */
        hal_pin_write(front->board, FW_PIN_LOAD_DAC, false);
        hal_pin_write(front->board, FW_PIN_LOAD_DAC, true);
    }
    if (first == FX_OK) {
        first = status;
    }
    front->driven = first != FX_OK;
    return first;
}

static fx_status open_gates(front_end *front) {
    fx_status status = FX_OK;
    for (unsigned chip = 0; chip < FW_GATE_DAC_CHIPS && status == FX_OK; chip++) {
        ltc2668 *dac = &front->gates[chip];
        status = chips_dac_result(front, dac, ltc2668_write_all(dac, front->board, GATE_OPEN));
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
    for (unsigned chip = 0; chip < FW_ROW_DAC_CHIPS && status == FX_OK; chip++) {
        uint16_t codes[LTC2668_CHANNELS];
        for (unsigned channel = 0; channel < LTC2668_CHANNELS; channel++) {
            codes[channel] = (uint16_t)(FW_ROW_DAC_ZERO_CODE + rows[chip * LTC2668_CHANNELS + channel]);
        }
        status = chips_write_codes(front, chip, codes);
    }
    return status == FX_OK ? chips_update_outputs(front) : status;
}

static fx_status convert_once(front_end *front, const front_end_reading *how, int32_t sums[]) {
    fx_status status = chips_convert(front);
    return status == FX_OK ? chips_read_columns(front, how->first_column, how->columns, sums) : status;
}

fx_status front_end_convert(front_end *front, const front_end_reading *how, const int16_t rows[FW_ROWS],
                            int16_t codes[]) {
    int32_t sums[FW_COLUMNS] = {0};
    front->failed_chip = FRONT_END_NO_CHIP;
    fx_status status = front_end_make_ready(front);
    if (status == FX_OK) {
        status = chips_set_range(front, how->range, how->first_column, how->columns);
    }
    if (status == FX_OK) {
        status = drive_rows(front, rows);
    }
    hal_delay_microseconds(front->board, FW_SETTLING_READ_MICROSECONDS);
    for (uint32_t i = 0; i < 1u << how->log2_reads && status == FX_OK; i++) {
        status = convert_once(front, how, sums);
    }
    for (unsigned i = 0; i < how->columns; i++) {
        codes[i] = chips_mean(sums[i], how->log2_reads);
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
    for (unsigned chip = 0; chip < FW_GATE_DAC_CHIPS && status == FX_OK; chip++) {
        status = chips_write_codes(front, FW_GATE_DAC_FIRST_CHIP_SELECT + chip, gates + chip * LTC2668_CHANNELS);
    }
    if (status == FX_OK) {
        status = chips_update_outputs(front);
    }
    hal_pin_write(front->board, FW_PIN_RANGE_SWITCH, true);
    hal_delay_microseconds(front->board, FW_SETTLING_PROGRAM_MICROSECONDS);
    return status;
}

/* Put 0 V into the input register of a pulsed row, proved, so that the next LDAC ends the pulse. */
static fx_status stage_end(front_end *front, unsigned row) {
    ltc2668 *dac = &front->rows[row / LTC2668_CHANNELS];
    fx_status status = chips_write_row(front, row, FW_ROW_DAC_ZERO_CODE);
    return status == FX_OK ? chips_dac_result(front, dac, ltc2668_confirm(dac, front->board)) : status;
}

/* LDAC starts the pulse; 0 V then waits in the input register, so that one more LDAC ends it at its time. */
static fx_status shoot(front_end *front, unsigned row, uint32_t microseconds) {
    fx_status status = chips_update_outputs(front);
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
    if (status != FX_OK) { /* the chip may have lost its span, so that no code is sure to end the pulse */
        hal_pin_write(front->board, FW_PIN_RANGE_SWITCH, false);
    }
    hal_pin_write(front->board, FW_PIN_LOAD_DAC, false);
    hal_pin_write(front->board, FW_PIN_LOAD_DAC, true);
    return status;
}

fx_status front_end_pulse(front_end *front, unsigned row, int millivolts, uint32_t microseconds,
                          const uint16_t gates[FW_COLUMNS]) {
    front->failed_chip = FRONT_END_NO_CHIP;
    fx_status status = front_end_make_ready(front);
    if (status != FX_OK) {
        return status;
    }
    status = prepare_pulse(front, gates);
    front->driven = true;
    if (status == FX_OK) {
        status = chips_write_row(front, row, programming_code(millivolts));
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
