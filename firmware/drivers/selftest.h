/* What the board measures of itself: the answers of its chips, the outputs of its DACs, its amplifiers.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Every measurement begins and ends at rest, with all monitor outputs and the calibration switch off, whatever fails.
 */
#ifndef SELFTEST_H
#define SELFTEST_H

#include "drivers/front_end.h"

/* Check the answers of the chip at a chip select, all outputs at 0 V: the echo of a DAC; of an ADC its identity and the CRC
 * of a frame of samples. */
fw_chip_result selftest_chip(front_end *front, unsigned chip);

/* Put codes on the outputs of the DAC at a chip select, everything else at 0 V, and measure each through the chip's monitor
 * output: codes of the monitor's ADC, the mean of 2**log2_reads conversions. Rows see no more than the read voltage. */
fx_status selftest_outputs(front_end *front, unsigned chip, unsigned log2_reads, const uint16_t codes[LTC2668_CHANNELS],
                           int16_t measured[LTC2668_CHANNELS]);

/* What a known current makes of the amplifiers, in codes of the ADCs: the monitor net, the calibration bus, all columns. */
typedef struct {
    int16_t net, bus;
    int16_t columns[FW_COLUMNS];
} selftest_current;

/* With all gates closed, the output of a row's DAC at `code` (as front_end_convert drives rows), through the monitor net and
 * the calibration switch, gives every column a current; convert 2**log2_reads times and take the mean. */
fx_status selftest_amplifiers(front_end *front, unsigned row, int16_t code, unsigned range, unsigned log2_reads,
                              selftest_current *result);

#endif
