/* All converters of the board behind their chip selects: what front_end.c and selftest.c make their sequences of.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Whatever fails is noted in the front end: its counters, the first failed chip, and that it is not ready, so that all
 * chips are brought up anew before the next use.
 */
#ifndef CHIPS_H
#define CHIPS_H

#include "drivers/front_end.h"

#define CHIPS_DACS (FW_ROW_DAC_CHIPS + FW_GATE_DAC_CHIPS)

/* Bring up all DACs with every output at 0 V; all column ADCs after a reset, which the monitor's gets too. They go on
 * past chips that fail. */
fx_status chips_init_dacs(front_end *front);
fx_status chips_init_adcs(front_end *front);

/* A DAC by its chip select, and the code of 0 V on its outputs. */
ltc2668 *chips_dac(front_end *front, unsigned dac);
uint16_t chips_zero_code(unsigned dac);

/* Put a code into the input register of a row, or codes into all those of a DAC. */
fx_status chips_write_row(front_end *front, unsigned row, uint16_t code);
fx_status chips_write_codes(front_end *front, unsigned dac, const uint16_t codes[LTC2668_CHANNELS]);

/* Move all input registers to the outputs, once every frame is proved. */
fx_status chips_update_outputs(front_end *front);

/* The gain switch, and the ADC range of `count` columns from `first` on; those of others stay. */
fx_status chips_set_range(front_end *front, unsigned range, unsigned first, unsigned count);

/* One conversion of all ADCs, waited for; then the samples of `count` columns from `first` on are added to `sums`. */
fx_status chips_convert(front_end *front);
fx_status chips_read_columns(front_end *front, unsigned first, unsigned count, int32_t sums[]);

/* Mean of 2**log2_reads samples, ties up. */
int16_t chips_mean(int32_t sum, unsigned log2_reads);

/* Note what came of a chip, and return it. */
fx_status chips_dac_result(front_end *front, const ltc2668 *dac, fx_status status);
fx_status chips_adc_result(front_end *front, const ad7606c *adc, fx_status status);

#endif
