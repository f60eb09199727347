/* The array's front end: row DACs, gate DACs, column ADCs, range and gain switches.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Between calls the array is at rest (all rows and gates at 0 V) or held for reading; pulses always end at rest.
 * On failure `failed_chip` holds the chip select of the first chip that failed since it was last set to none.
 */
#ifndef FRONT_END_H
#define FRONT_END_H

#include "drivers/ad7606c.h"
#include "drivers/ltc2668.h"
#include "gen/protocol.h"
#include "gen/wiring.h"

enum { FRONT_END_NO_CHIP = -1 };

typedef struct {
    hal *board;
    ltc2668 rows[FW_ROW_DAC_CHIPS];
    ltc2668 gates[FW_GATE_DAC_CHIPS];
    ad7606c columns[FW_COLUMN_ADC_CHIPS];
    ad7606c monitor;
    bool ready;         /* every chip of the array has answered since power-up or the last failure */
    bool monitor_ready; /* so has the monitor's ADC, which only the self-test needs, since it was last reset */
    bool driven;        /* some row or gate may be away from 0 V */
    bool gates_open;    /* all gates stand open for reading */
    int32_t failed_chip;
    uint32_t conversions;
    uint32_t pulses;
    uint32_t dac_echo_errors;
    uint32_t adc_clipped;
} front_end;

/* Bring up all chips with every output at 0 V. Called again by itself when an earlier attempt failed. */
fx_status front_end_init(front_end *front, hal *board);

/* Nothing when all chips have answered, else front_end_init. */
fx_status front_end_make_ready(front_end *front);

/* Safe idle: every row and gate to 0 V with the fewest frames, going on past chips that fail. */
fx_status front_end_rest(front_end *front);

/* How columns are read: in a front-end range, 2**log2_reads times; which of them. */
typedef struct {
    unsigned range, log2_reads;
    unsigned first_column, columns;
} front_end_reading;

/* Drive all rows with codes (0.2 V full scale) with all gates open, and convert; the mean of each column, ties up, goes to
 * `codes`. The rows stay driven until the next call, and columns that are not read keep their ADC range: tiles beside each
 * other cost no change of range. */
fx_status front_end_convert(front_end *front, const front_end_reading *how, const int16_t rows[FW_ROWS],
                            int16_t codes[]);

/* One pulse on one row: gates to their codes (0 = closed), the row to `millivolts` for `microseconds`, then rest. */
fx_status front_end_pulse(front_end *front, unsigned row, int millivolts, uint32_t microseconds,
                          const uint16_t gates[FW_COLUMNS]);

/* Count codes at either end of the ADC's scale. */
void front_end_count_clipped(front_end *front, const int16_t *codes, size_t count);

/* ADC frames that failed their CRC since power-up. */
uint32_t front_end_adc_crc_errors(const front_end *front);

/* Shift of the identity code = sum(row code * units) >> shift in a range. */
unsigned front_end_unit_shift(unsigned range);

#endif
